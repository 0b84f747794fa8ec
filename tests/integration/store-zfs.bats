#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The store on ZFS: zfs-fuse with a pool on a file, in a mount namespace of its own. The daemon is started by each test and ends with it.

load lib/store

setup() {
        [ "$(id -u)" = 0 ] || skip "mounting needs root"
        command -v zfs-fuse >/dev/null || skip "needs zfs-fuse"
        [ -c /dev/fuse ] || skip "needs /dev/fuse"
        local place=${BERTH_TEST_PLACE:-/var/tmp}
        [ "$(stat -f -c %T /dev/shm 2>/dev/null)" != tmpfs ] || place=/dev/shm
        T=$(mktemp -d "$place/berth-zfs.XXXXXX")
        make_tree
}

teardown() {
        [ -n "${T-}" ] || return 0
        refused grep -F "$T" /proc/self/mountinfo
        [ ! -e "$T/pid" ] || refused alive "$(cat "$T/pid")"
        rm -rf --one-file-system "$T"
}

# Not as kill(2) has it, to which those are alive that nobody has reaped yet.
alive() { readlink "/proc/$1/exe" >/dev/null; }

# Runs standard input as a script with a fresh pool `bt` whose dataset bt/machines is mounted at the store.
inside() {
        export T TOOL FILES BATS_TEST_DIRNAME BERTH BERTH_BUILD=$BUILD
        export -f in_store alive
        (cat && echo 'echo complete >"$T/complete"') >"$T/script"
        unshare -m bash -c in_store || return
        [ -e "$T/complete" ]
}

in_store() {
        set -eu
        . "$BATS_TEST_DIRNAME/lib/store.bash"
        R=$T/m
        # The socket and the lock of the daemon are at fixed places.
        mkdir -p /run/zfs /run/lock/zfs
        mount -t tmpfs none /run/zfs
        mount -t tmpfs none /run/lock/zfs
        zfs-fuse --no-kstat-mount -p "$T/pid" 3>&-
        daemon=$(cat "$T/pid")
        stop_daemon() {
                kill -KILL "$daemon" # its mounts go with the namespace; by itself it takes seconds
                for _ in $(seq 200); do alive "$daemon" || break; sleep 0.05; done
        }
        trap stop_daemon EXIT
        for _ in $(seq 100); do [ ! -e /run/zfs/zfs_socket ] || break; sleep 0.05; done
        truncate -s 128M "$T/disk"
        zpool create -o cachefile=none -m none bt "$T/disk" >/dev/null
        zfs create -o mountpoint="$R" bt/machines
        # No debris: neither directories, nor datasets but machines, images and those that hold snapshots, nor hidden snapshots nobody needs.
        clean() {
                [ -z "$(ls -A "$R/.berth.v/work")" ] || { echo "debris:"; find "$R/.berth.v/work"; return 1; }
                [ -z "$(find "$R" -maxdepth 1 -name '.#*' ! -name .#.berth.v.lck)" ] || { echo "locks left"; return 1; }
                local name origin state mounted
                while IFS=$'\t' read -r name origin state mounted; do
                        case $name in
                        bt/machines/.berth.v/*-past@.berth-*) ;;
                        bt/machines/.berth.v/*-past | bt/machines/.berth.v/*-past@* | bt/machines/.berth.v/image-*) ;;
                        bt/machines/.berth.v) ;;
                        bt/machines/.berth.v/*) echo "left: $name"; return 1 ;;
                        *@.berth-*) zfs list -H -o origin -r bt | grep -qxF "$name" || { echo "needed by nobody: $name"; return 1; } ;;
                        *@*) ;;
                        bt/machines/*) [ "$mounted" = yes ] || { echo "not mounted: $name"; return 1; } ;;
                        esac
                        [ "$state" = - ] || { echo "not completed: $name $state"; return 1; }
                done < <(zfs list -H -t filesystem,snapshot -r -o name,origin,org.berth:state,mounted bt)
                for name in "$R"/*; do
                        [ ! -d "$name" ] || zfs list "bt/machines/${name##*/}" >/dev/null || { echo "directory left: $name"; return 1; }
                done
        }
        populate() {
                st create web zfs "$T/tree"
                st snapshot web first
                echo two >"$R/web/etc/version"
                st snapshot web second
                echo three >"$R/web/etc/version"
        }
        # A zfs that counts its commands that change something. It kills berth, and does what it was told all the same: as an orphan.
        killer() {
                mkdir "$T/bin"
                cat >"$T/bin/zfs" <<SCRIPT
#!/bin/bash
[ "\$1" != get ] || exec $(command -v zfs) "\$@"
n=\$((\$(cat "$T/count") + 1))
echo \$n >"$T/count"
[ \$n != "\$(cat "$T/kill-at")" ] || { echo \$\$ >"$T/orphan"; kill -9 \$PPID; }
exec $(command -v zfs) "\$@"
SCRIPT
                chmod +x "$T/bin/zfs"
        }
        counted() { # N VERB ARG…: killed at the Nth command
                echo "$1" >"$T/kill-at"
                echo 0 >"$T/count"
                (PATH=$T/bin:$PATH exec "$TOOL" "$2" "$R" "${@:3}") >/dev/null 2>"$T/err"
        }
        # kill_each UNDO VERB ARG…: UNDO leads back to the state before, for the next kill.
        kill_each() {
                local undo=$1 before after state n total
                shift
                killer
                before=$(dump)
                counted 0 "$@" || { cat "$T/err"; return 1; }
                total=$(cat "$T/count")
                after=$(dump)
                clean || return
                [ "$before" != "$after" ] || { echo "'$*' changes nothing"; return 1; }
                for n in $(seq "${FIRST:-1}" "${EVERY:-1}" "$total"); do
                        $undo
                        (counted "$n" "$@") 2>/dev/null && { echo "not killed at $n"; return 1; }
                        while alive "$(cat "$T/orphan")"; do sleep 0.02; done
                        state=$(dump) # and settles it
                        clear_locks
                        clean || { echo "after a kill at command $n"; return 1; }
                        if [ "$state" = "$before" ]; then
                                st "$@" >/dev/null || { echo "again, after a kill at command $n"; return 1; }
                                state=$(dump)
                        fi
                        [ "$state" = "$after" ] || { echo "after a kill at command $n:"; echo "$state"; return 1; }
                done
                echo "# '$1': $n kills" >&3
        }
        FILES="etc/version gone dir/file"
        . "$T/script"
}

@test "zfs: machines are datasets, chosen by themselves; those made by hand are as good, mounted or not" {
        inside <<'EOT'
                [ "$(st default)" = zfs ]
                st create web default "$T/tree"
                zfs create -o mountpoint="$R/hand" bt/machines/hand
                cp -a "$T/tree/." "$R/hand"
                [ "$(st list)" = "$(printf 'hand zfs rw\nweb zfs rw')" ]
                st clone hand copy
                [ "$(cat "$R/copy/etc/version")" = one ]
                [ "$(zfs get -H -o value mountpoint bt/machines/copy)" = "$R/copy" ]
                st snapshot hand s
                zfs list -t snapshot bt/machines/hand@s
                st rename hand other
                [ "$(zfs get -H -o value mountpoint bt/machines/other)" = "$R/other" ]
                [ "$(st snapshots other)" = s ]
                zfs unmount bt/machines/copy
                [ "$(st list)" = "$(printf 'copy zfs rw\nother zfs rw\nweb zfs rw')" ]
                st snapshot copy unmounted
                zfs mount bt/machines/copy
                zfs create bt/machines/web/data
                fails_with "has datasets of its own below it ('bt/machines/web/data'), which only 'zfs' can change" remove web
                until zfs destroy bt/machines/web/data 2>/dev/null; do sleep 0.1; done
                st remove web; st remove other; st remove copy
                [ -z "$(st list)" ]
                clean
EOT
}

@test "zfs: machines of a dataset elsewhere, mounted into a store that is on no ZFS" {
        inside <<'EOT'
                zfs set mountpoint=none bt/machines
                R=$T/plain
                mkdir "$R"
                zfs create -o mountpoint="$R/web" bt/machines/web
                cp -a "$T/tree/." "$R/web"
                cp -a "$T/tree" "$R/tree"
                [ "$(st list)" = "$(printf 'tree directory rw\nweb zfs rw')" ]
                st snapshot web one
                echo two >"$R/web/etc/version"
                st clone web copy
                st snapshot web two
                st rollback web one
                [ "$(cat "$R/web/etc/version") $(cat "$R/copy/etc/version")" = "one two" ]
                st rename web new
                [ "$(st snapshots new)" = "one two" ]
                st remove new; st remove copy
                [ "$(st list)" = "tree directory rw" ]
                [ ! -e "$R/new" ] && [ ! -e "$R/web" ]
                [ -z "$(zfs list -H -o name -t filesystem,snapshot -r bt/machines | grep -v '^bt/machines\(/.berth.v\)\?$')" ]
EOT
}

@test "zfs: a rollback to an older snapshot keeps the newer ones, there and back again" {
        inside <<'EOT'
                populate
                zfs set compression=gzip bt/machines/web
                st snapshot web third
                for round in 1 2; do
                        st rollback web first
                        [ "$(st cat web etc/version)" = one ]
                        [ "$(st snapshots web)" = "first second third" ]
                        zfs list -t snapshot bt/machines/web@first >/dev/null # a native one, by the machine's name
                        st rollback web third
                        [ "$(st cat web etc/version)" = three ]
                        [ "$(st snapshots web)" = "first second third" ]
                        st rollback web second
                        [ "$(st cat web etc/version)" = two ]
                        clean
                done
                zfs list -t snapshot bt/machines/web@first bt/machines/web@second >/dev/null
                [ "$(zfs get -H -o value compression bt/machines/web)" = gzip ]
                fails_with "already has a snapshot 'third'" snapshot web third
                st clone web@third copy
                [ "$(cat "$R/copy/etc/version")" = three ]
                st remove web@third # copy stands on it
                [ "$(st snapshots web)" = "first second" ]
                st remove web
                [ "$(cat "$R/copy/etc/version")" = three ]
                st remove copy
                [ "$(zfs list -H -o name -t filesystem,snapshot -r bt/machines)" = "$(printf 'bt/machines\nbt/machines/.berth.v')" ]
                clean
EOT
}

@test "zfs: removing a machine loses nothing of its clones, nor of theirs" {
        inside <<'EOT'
                populate
                st clone web@first early
                st clone web late
                st clone web@second second
                st snapshot second first # the same name as one it stands behind
                st clone late latest
                st remove web
                clean
                for pair in early:one second:two late:three latest:three; do [ "$(cat "$R/${pair%:*}/etc/version")" = "${pair#*:}" ]; done
                st remove late; st remove early
                [ "$(cat "$R/second/etc/version") $(cat "$R/latest/etc/version")" = "two three" ]
                [ "$(st snapshots second)" = first ]
                st remove second; st remove latest
                [ "$(zfs list -H -o name -t filesystem,snapshot -r bt/machines)" = "$(printf 'bt/machines\nbt/machines/.berth.v')" ]
EOT
}

@test "zfs: limits, read-only, properties of new datasets; finished images are cloned and replaced" {
        inside <<'EOT'
                populate
                st limit web 4194304
                st rollback web first
                st clone web copy
                for name in web copy; do [ "$(st limit $name | cut -d' ' -f3)" = 4194304 ]; done
                if dd if=/dev/urandom of="$R/copy/big" bs=1M count=8 conv=fsync status=none 2>"$T/err"; then exit 1; fi
                grep -q "quota exceeded" "$T/err"
                rm "$R/copy/big"
                st read-only copy yes
                [ "$(st list)" = "$(printf 'copy zfs ro\nweb zfs rw')" ]
                if touch "$R/copy/x" 2>/dev/null; then exit 1; fi
                fails_with "is read-only; 'berth read-only copy no' makes it writable" remove copy
                st read-only copy no
                touch "$R/copy/x"
                st create image:key zfs "$T/tree"
                fails_with "cannot make 'key'" create image:key zfs "$T/tree"
                st clone image:key new
                echo newer >"$T/tree/etc/version"
                st create image:key zfs "$T/tree" replace
                st clone image:key newer
                [ "$(st list images)" = "key zfs rw" ]
                [ "$(cat "$R/new/etc/version") $(cat "$R/newer/etc/version")" = "one newer" ]
                clean
                st remove image:key
                [ -z "$(st list images)" ]
                clean
EOT
}

@test "zfs: what is busy stays as it is, with the tool's words for it; a full pool likewise" {
        inside <<'EOT'
                populate
                before=$(dump)
                for verb in "remove web" "rollback web first" "rename web new"; do
                        (cd "$R/web" && fails_with "busy" $verb)
                        [ "$(dump)" = "$before" ]
                        clean
                done
                dd if=/dev/urandom of="$R/web/fill" bs=1M status=none 2>"$T/err" || true
                grep -q "No space left" "$T/err"
                fails_with "" create new zfs "$T/tree"
                [ "$(dump)" = "$before" ]
                rm "$R/web/fill"
                mkdir "$T/empty" # no zfs: everything that needs it says so
                PATH=/usr/bin:/bin st list >/dev/null
EOT
}

@test "zfs: machines run; where IDs cannot be mapped, the way out is named" {
        inside <<'EOT'
                . "$BATS_TEST_DIRNAME/lib/berth.bash"
                export BERTH_MACHINES=$R BERTH_STATE=$T/state BERTH_RUN=$T/run BERTH_CACHE=$T/cache
                busybox_root "$T/root"
                st create web zfs "$T/root"
                if "$BERTH" run web -- /bin/true 2>"$T/err"; then exit 1; fi
                grep -q "cannot be mounted with mapped IDs; use --private-users=no, or --private-users-ownership=chown" "$T/err"
                if "$BERTH" run web --private-users-ownership=chown -- /bin/true 2>"$T/err"; then exit 1; fi
                grep -q "knows no user IDs as large as are needed here; use --private-users=no" "$T/err"
                "$BERTH" run web --private-users=no -- /bin/touch /mark
                "$BERTH" clone web two
                [ -e "$R/two/mark" ]
                "$BERTH" list-images | grep -q '^web  *dataset no  *[0-9.]*[KM] '
                "$BERTH" set-limit web 50M
                "$BERTH" show-image web | grep -qx "Limit=52428800"
                zfs unmount bt/machines/web # as after a start of the host without it
                "$BERTH" run web --private-users=no -- /bin/ls /mark
                "$BERTH" remove web two
                clean
EOT
}

@test "zfs: what all drivers do alike" {
        inside <<'EOT'
                . "$BATS_TEST_DIRNAME/lib/berth.bash"
                . "$BATS_TEST_DIRNAME/lib/behaviours.bash"
                export BERTH_MACHINES=$R BERTH_STATE=$T/state BERTH_RUN=$T/run BERTH_CACHE=$T/cache BERTH_SETTINGS=$T/settings
                behave zfs --private-users=no
                clean
EOT
}

@test "zfs: kill -9 at each command of create" {
        inside <<'EOT'
                st create other zfs "$T/tree"
                undo() { st remove web; }
                kill_each undo create web zfs "$T/tree"
EOT
}
@test "zfs: kill -9 at each command of clone" {
        inside <<<'populate; undo() { st remove new; }; kill_each undo clone web new'
}
@test "zfs: kill -9 at each command of snapshot" {
        inside <<<'populate; undo() { st remove web@third; }; kill_each undo snapshot web third'
}
@test "zfs: kill -9 at each command of rollback" {
        inside <<'EOT'
                populate
                st snapshot web third
                undo() { st rollback web third; }
                st rollback web first
                undo
                kill_each undo rollback web first
EOT
}
@test "zfs: kill -9 at each command of rename" {
        inside <<'EOT'
                populate
                touch "$R/web.nspawn"
                dump() { st dump $FILES | sort; ls "$R" | grep nspawn; }
                undo() { st rename new web; }
                kill_each undo rename web new
EOT
}
@test "zfs: kill -9 at each command of the removal of a machine with clones" {
        inside <<'EOT'
                st create web zfs "$T/tree"
                st clone web other
                undo() { st rename other web; st clone web other; }
                kill_each undo remove web
EOT
}

@test "zfs: conversion to and from other drivers, with snapshots" {
        inside <<'EOT'
                st create web directory "$T/tree"
                st snapshot web first
                echo two >"$R/web/etc/version"
                before=$(dump)
                st convert web zfs
                clean
                [ "$(st cat web etc/version)" = two ]
                st copy web@first old directory # read through a clone, where there is no .zfs directory
                [ "$(st cat old etc/version)" = one ]
                st remove old
                clean
                [ "$(zfs list -H -o name -t snapshot)" = bt/machines/web@first ]
                st limit web 50000000
                st convert web directory
                [ "$(dump)" = "$before" ]
                [ -z "$(ls -A "$R/.berth.v/work")" ]
                refused zfs list bt/machines/web
EOT
}

back_to_directory() { st remove web; st create web directory "$T/tree"; }
back_to_zfs() { st remove web; st create web zfs "$T/tree"; }
export -f back_to_directory back_to_zfs

@test "zfs: a kill at some commands of a conversion" {
        inside <<'EOT'
                clean() { [ -z "$(ls -A "$R/.berth.v/work")" ] || { find "$R/.berth.v/work"; zfs list -t all; return 1; }; } # a directory is no dataset
                st create web directory "$T/tree"
                st convert web zfs # what is made once is there
                back_to_directory
                FIRST=3 EVERY=8 kill_each back_to_directory convert web zfs
                rm -r "$T/bin"
                EVERY=6 kill_each back_to_zfs convert web directory
EOT
}

@test "zfs: streams from it and to it" {
        inside <<'EOT'
                export BERTH_MACHINES=$R BERTH_STATE=$T/state BERTH_RUN=$T/run BERTH_CACHE=$T/cache
                populate
                "$BERTH" send web@first | "$BERTH" receive copy --driver=zfs
                [ "$(zfs list -H -o name -t snapshot -r bt/machines/copy)" = bt/machines/copy@first ]
                [ "$(st cat copy etc/version)" = one ]
                "$BERTH" send web >"$T/now"
                "$BERTH" receive now --driver=zfs "$T/now"
                [ "$(st cat now etc/version)" = three ]
                printf X | dd of="$T/now" bs=1 seek=$(($(stat -c %s "$T/now") / 2)) conv=notrunc status=none
                refused "$BERTH" receive bad --driver=zfs "$T/now"
                clean
                "$BERTH" fsck
EOT
}
