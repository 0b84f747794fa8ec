#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The store on btrfs, on a loop device in a mount namespace of its own, which goes with it.

load lib/store

setup() {
        [ "$(id -u)" = 0 ] || skip "mounting needs root"
        command -v mkfs.btrfs >/dev/null || skip "needs btrfs-progs"
        local place=${BERTH_TEST_PLACE:-/var/tmp}
        [ "$(stat -f -c %T /dev/shm 2>/dev/null)" != tmpfs ] || place=/dev/shm # hundreds of kills, each with its syncs
        T=$(mktemp -d "$place/berth-btrfs.XXXXXX")
        make_tree
}

teardown() {
        [ -n "${T-}" ] || return 0
        refused grep -F "$T" /proc/self/mountinfo
        [[ $(losetup -l -n -O BACK-FILE) != *"$T"* ]]
        rm -rf --one-file-system "$T"
}

# Runs standard input as a script with a fresh btrfs at $T/mnt, the store below it.
inside() {
        export T TOOL FILES BATS_TEST_DIRNAME BERTH=${BERTH:-$BUILD/berth} BERTH_BUILD=$BUILD
        export -f in_store
        (cat && echo 'echo complete >"$T/complete"') >"$T/script"
        unshare -m bash -c in_store || return
        [ -e "$T/complete" ]
}

in_store() {
        set -eu
        . "$BATS_TEST_DIRNAME/lib/store.bash"
        R=$T/mnt/m
        SYSCALLS="ioctl $SYSCALLS"
        truncate -s 128M "$T/disk"
        mkfs.btrfs -q "$T/disk" 2>/dev/null >&2
        mkdir "$T/mnt"
        mount -o loop "$T/disk" "$T/mnt"
        # The state to start from is a copy of the disk, as a copy of the tree would have no subvolumes.
        save_store() { umount "$T/mnt"; cp --sparse=always "$T/disk" "$T/template"; mount -o loop "$T/disk" "$T/mnt"; }
        restore_store() { umount "$T/mnt"; cp --sparse=always "$T/template" "$T/disk"; mount -o loop "$T/disk" "$T/mnt"; }
        # Each subvolume is a device of its own, so the locks by inode have no number to go by.
        clear_locks() {
                local lock
                for lock in "$R"/.\#*.lck /run/systemd/nspawn/locks/inode-*; do
                        [ ! -f "$lock" ] || "$BATS_TEST_DIRNAME/lib/ofd-lock" -n "$lock" rm -f "$lock" || true
                done
        }
        # No debris, and no subvolume but the machines, their snapshots, the images and what is nested in them.
        clean() {
                [ -z "$(ls -A "$R/.berth.v/work")" ] || { echo "debris:"; find "$R/.berth.v/work"; return 1; }
                [ -z "$(find "$R" -maxdepth 1 -name '.#*' ! -name .#.berth.v.lck)" ] || { echo "locks left"; return 1; }
                local name
                for name in $(ls "$R/.berth.v/snapshots"); do
                        [ -e "$R/$name" ] || [ -e "$R/$name.mstack" ] || { echo "snapshots without a machine: $name"; return 1; }
                done
                for name in "$R"/.berth.v/snapshots/*/*; do
                        [ ! -e "$name" ] || [[ $name = *.mstack ]] || [ "$(btrfs property get "$name" ro)" = ro=true ] || { echo "$name is writable"; return 1; }
                done
                [ "$(btrfs subvolume list "$T/mnt" | wc -l)" = "$(find "$R" -inum 256 | wc -l)" ]
        }
        refused_in() { if "$@" 2>/dev/null; then echo "'$*' succeeded"; exit 1; fi; }
        # A machine with a subvolume nested in it, two snapshots and a change since, and a clone.
        populate() {
                st create web btrfs "$T/tree"
                st snapshot web first
                echo two >"$R/web/etc/version"
                btrfs -q subvolume create "$R/web/dir/nested"
                echo deep >"$R/web/dir/nested/file"
                st snapshot web second
                st clone web other
                echo three >"$R/web/etc/version"
        }
        FILES="etc/version gone dir/file dir/nested/file"
        . "$T/script"
}

@test "btrfs: machines are subvolumes, chosen by themselves, and machinectl's" {
        inside <<'EOT'
                [ "$(st default)" = btrfs ]
                st create web default "$T/tree"
                [ "$(st list)" = "web btrfs rw" ]
                [ "$(stat -c %i "$R/web")" = 256 ]
                st create stack overlay "$T/tree"; st create plain directory "$T/tree"
                btrfs -q subvolume create "$R/foreign"
                [ "$(st list)" = "$(printf '%s\n' 'foreign btrfs rw' 'plain directory rw' 'stack overlay rw' 'web btrfs rw')" ]
                for name in web stack plain foreign; do st clone $name $name-2; st remove $name-2; done
                [ "$(stat -c %a "$R/web")" = 755 ]
                clean
EOT
}

@test "btrfs: clone, snapshot, rollback copy nothing, take what is nested along, and newer snapshots stay" {
        inside <<'EOT'
                dd if=/dev/urandom of="$T/tree/big" bs=1M count=16 status=none
                populate
                created=$(st show web | grep created)
                for n in 1 2 3 4 5 6 7 8 9 10; do st clone web copy$n; st snapshot web snap$n; done # 320 MiB would not fit
                [ "$(cat "$R/copy3/dir/nested/file") $(cat "$R/copy3/etc/version")" = "deep three" ]
                st rollback web first
                [ "$(st cat web etc/version)" = one ]
                [ ! -e "$R/web/dir/nested" ]
                [ "$(st show web | grep created)" = "$created" ]
                st rollback web second
                [ "$(st cat web dir/nested/file) $(st cat web etc/version)" = "deep two" ]
                [ "$(st snapshots web)" = "first second snap1 snap2 snap3 snap4 snap5 snap6 snap7 snap8 snap9 snap10" ]
                [ "$(st show copy1 | grep created)" != "$created" ]
                if touch "$R/.berth.v/snapshots/web/first/x" 2>/dev/null; then exit 1; fi
                fails_with "machine 'web' has no snapshot 'third'" rollback web third
                st remove web@first
                clean
                [ "$(st snapshots web)" = "second snap1 snap2 snap3 snap4 snap5 snap6 snap7 snap8 snap9 snap10" ]
                for n in 1 2 3 4 5 6 7 8 9 10; do st remove copy$n; done
                st remove web; st remove other
                clean
                [ -z "$(btrfs subvolume list "$T/mnt")" ]
EOT
}

@test "btrfs: subvolumes nested deep, read-only and with odd names, as a guest may leave them" {
        inside <<'EOT'
                populate
                at=$R/web/dir
                for n in $(seq 40); do at=$at/s$n; btrfs -q subvolume create "$at"; done
                echo bottom >"$at/file"
                btrfs -q subvolume snapshot -r "$at" "$R/web/$(printf 'odd \n name')"
                mkdir "$R/web/a"; ln -s / "$R/web/a/link"
                btrfs -q subvolume create "$R/web/a/sub"; btrfs property set "$R/web/a/sub" ro true
                st snapshot web deep
                st clone web@deep copy
                [ "$(cat "${at/web/copy}/file")" = bottom ]
                [ "$(cat "$R/copy/$(printf 'odd \n name')/file")" = bottom ]
                if touch "$R/copy/a/sub/x" 2>/dev/null; then exit 1; fi
                touch "${at/web/copy}/x"
                clean
                for n in $(seq 41 80); do at=$at/s$n; btrfs -q subvolume create "$at"; done
                before=$(dump)
                fails_with "nested too deep" snapshot web deeper
                [ "$(dump)" = "$before" ]
                st remove web; st remove copy; st remove other
                clean
                [ -z "$(btrfs subvolume list "$T/mnt")" ]
EOT
}

@test "btrfs: limits hold, and stay with the machine through clone and rollback" {
        inside <<'EOT'
                populate
                [ "$(st limit web)" = "-1 -1 -1" ]
                st limit web none
                st limit web 8388608
                [ "$(st limit web | cut -d' ' -f3)" = 8388608 ]
                [ "$(st limit web | cut -d' ' -f1)" -gt 0 ]
                if dd if=/dev/urandom of="$R/web/big" bs=1M count=16 status=none 2>"$T/err"; then exit 1; fi
                grep -q "Disk quota exceeded" "$T/err"
                rm "$R/web/big"
                st clone web limited
                st rollback web first
                for name in web limited; do [ "$(st limit $name | cut -d' ' -f3)" = 8388608 ]; done
                st limit web none
                [ "$(st limit web | cut -d' ' -f3)" = -1 ]
                dd if=/dev/urandom of="$R/web/big" bs=1M count=16 status=none
                st create plain directory "$T/tree"
                fails_with "machine 'plain' is on the directory driver, which cannot limit what a machine uses" limit plain 1000000
                st remove limited
                clean
EOT
}

@test "btrfs: read-only machines are cloned, not changed" {
        inside <<'EOT'
                populate
                st read-only web yes
                [ "$(st list)" = "$(printf 'other btrfs rw\nweb btrfs ro')" ]
                if touch "$R/web/x" 2>/dev/null; then exit 1; fi
                for verb in "remove web" "rollback web first"; do
                        fails_with "'$R/web' is read-only; 'berth read-only web no' makes it writable" $verb
                done
                st clone web copy; st snapshot web third
                touch "$R/copy/x"
                st read-only web no
                st rollback web first
                st remove web
                clean
EOT
}

@test "btrfs: a running machine with nested subvolumes is held still for its snapshot, one without is not" {
        inside <<'EOT'
                populate
                sleep 60 3>&- & pid=$!
                [ "$(st snapshot web s running $pid)" = "$(printf 'freeze\nthaw')" ]
                btrfs -q subvolume delete "$R/web/dir/nested"
                [ -z "$(st clone web copy running $pid)" ]
                kill $pid
                clean
EOT
}

@test "btrfs: a rename takes snapshots and settings along" {
        inside <<'EOT'
                populate
                echo "[Exec]" >"$R/web.nspawn"
                st rename web new
                [ "$(st snapshots new)" = "first second" ]
                [ -e "$R/new.nspawn" ] && [ ! -e "$R/web.nspawn" ]
                fails_with "machine 'other' already exists" rename new other
                touch "$R/late.nspawn"
                fails_with "'$R/late.nspawn' exists, so 'new.nspawn' cannot get that name" rename new late
                fails_with "no machine name" rename new a/b
                st rename other web
                [ -z "$(st snapshots web)" ]
                clean
EOT
}

@test "btrfs: what all drivers do alike" {
        inside <<'EOT'
                . "$BATS_TEST_DIRNAME/lib/berth.bash"
                . "$BATS_TEST_DIRNAME/lib/behaviours.bash"
                export BERTH_MACHINES=$R BERTH_STATE=$T/state BERTH_RUN=$T/run BERTH_CACHE=$T/cache BERTH_SETTINGS=$T/settings
                behave btrfs
                clean
EOT
}

@test "btrfs: a full disk leaves the old state" {
        inside <<'EOT'
                populate
                before=$(dump)
                dd if=/dev/zero of="$T/mnt/fill" bs=64k status=none 2>/dev/null || true
                dd if=/dev/zero of="$T/mnt/fill2" bs=1k status=none 2>/dev/null || true
                if st create third btrfs "$T/tree" 2>"$T/err"; then [ "$(st cat third etc/version)" = one ]; st remove third; fi
                [ "$(dump)" = "$before" ]
                st remove other # always possible
                rm "$T/mnt/fill" "$T/mnt/fill2"
                st snapshot web third
                clean
EOT
}

@test "btrfs: system calls that fail leave the old state or the new one" {
        inside <<'EOT'
                populate
                save_store
                for verb in "clone web new" "snapshot web third" "rollback web first" "remove web" "rename web new"; do
                        before=$(dump)
                        for fault in ioctl:ENOSPC ioctl:EIO openat:EMFILE renameat2:EIO renameat:EIO fsync:EIO; do
                                for n in $(seq 1 60); do
                                        strace -o "$T/trace" -e trace=${fault%:*} -e inject=${fault%:*}:error=${fault#*:}:when=$n \
                                                "$TOOL" ${verb%% *} "$R" ${verb#* } 2>"$T/err" >/dev/null && status=0 || status=$?
                                        grep -q INJECTED "$T/trace" || break
                                        clear_locks; st list >/dev/null
                                        [ $status = 0 ] || [ -s "$T/err" ]
                                        if [ "$(dump)" != "$before" ]; then restore_store; fi
                                        clean
                                done
                                restore_store
                        done
                done
EOT
}

@test "btrfs: kill -9 anywhere in create" {
        inside <<<'st create other btrfs "$T/tree"; kill_everywhere create web btrfs "$T/tree"'
}
@test "btrfs: kill -9 anywhere in clone" { inside <<<'populate; kill_everywhere clone web new'; }
@test "btrfs: kill -9 anywhere in snapshot" { inside <<<'populate; kill_everywhere snapshot web third'; }
@test "btrfs: kill -9 anywhere in rollback" { inside <<<'populate; kill_everywhere rollback web first'; }
@test "btrfs: kill -9 anywhere in rename" { 
        inside <<'EOT'
                populate
                touch "$R/web.nspawn"
                dump() { st dump $FILES | sort; ls "$R" | grep nspawn; }
                kill_everywhere rename web new
EOT
}
@test "btrfs: kill -9 anywhere in remove" { inside <<<'populate; kill_everywhere remove web'; }
@test "btrfs: kill -9 anywhere in the removal of a snapshot" { inside <<<'populate; kill_everywhere remove web@second'; }

@test "btrfs: conversion to and from other drivers, with snapshots, dates and limits; kill -9 anywhere in it" {
        inside <<'EOT'
                FILES="etc/version gone dir/file"
                st create web overlay "$T/tree"
                st snapshot web first
                mkdir -p "$R/web.mstack/rw/data/etc"; echo two >"$R/web.mstack/rw/data/etc/version"
                before=$(dump)
                SYSCALLS="ioctl renameat renameat2 symlinkat" EVERY=9 kill_everywhere convert web btrfs
                [ "$(dump | sed 's/ btrfs / overlay /')" = "$before" ]
                st limit web 50000000
                st convert web directory
                [ "$(dump | sed 's/ directory / overlay /')" = "$before" ]
                st convert web btrfs
                clean
                SYSCALLS="ioctl renameat renameat2 symlinkat" EVERY=4 kill_everywhere convert web overlay without
                btrfs filesystem sync "$T/mnt"
                clean
EOT
}

@test "btrfs: streams between it and the others" {
        inside <<'EOT'
                export BERTH_MACHINES=$R BERTH_STATE=$T/state BERTH_RUN=$T/run BERTH_CACHE=$T/cache
                st create web btrfs "$T/tree"
                st snapshot web first
                echo two >"$R/web/etc/version"; rm "$R/web/gone"
                st snapshot web second
                "$BERTH" send web@first | "$BERTH" receive copy --driver=btrfs
                "$BERTH" send web@first | "$BERTH" receive stack --driver=overlay
                "$BERTH" send web@second --from=first >"$T/change"
                for name in copy stack; do
                        "$BERTH" receive $name "$T/change"
                        [ "$(st cat $name etc/version) $(st cat $name@first etc/version) $(st snapshots $name)" = "two one first second" ]
                        refused_in st cat $name gone
                done
                "$BERTH" fsck
                btrfs filesystem sync "$T/mnt"
                clean
EOT
}
