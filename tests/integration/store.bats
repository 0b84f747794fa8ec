#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The store by itself, through store-tool: real overlay mounts (each in a mount namespace of its own), real kills.

load lib/store

setup() {
        [ "$(id -u)" = 0 ] || skip "whiteouts and trusted.* need root"
        local place=${BERTH_TEST_PLACE:-/var/tmp}
        # Hundreds of kills, each with its syncs: where it is to be had, on a file system that has no disk to wait for.
        if [[ $BATS_TEST_DESCRIPTION = kill* ]] && [ "$(stat -f -c %T /dev/shm 2>/dev/null)" = tmpfs ]; then place=/dev/shm; fi
        T=$(mktemp -d "$place/berth-store.XXXXXX")
        R=$T/m
        make_tree
}

teardown() {
        [ -n "${T-}" ] || return 0
        refused grep -F "$T" /proc/self/mountinfo
        [[ $(losetup -l -n -O BACK-FILE) != *"$T"* ]]
        clear_locks
        rm -rf --one-file-system "$T"
}

# Sets driver, path, upper, work, lower.
show() { eval "$(st show "$1")"; }

# in_mount NAME COMMAND: with the machine's root, as the kernel puts it together, in $M
in_mount() {
        show "$1"
        mkdir -p "$T/mnt"
        M=$T/mnt lower=$lower upper=$upper work=$work unshare -m bash -euc '
                if [ -n "$upper" ]; then rw=,upperdir=$upper,workdir=$work; fi
                mount -t overlay overlay -o "lowerdir=$lower${rw-},index=off,redirect_dir=on" "$M"
                cd "$M"
                '"$2"
}

# The layers, and no debris: nothing under construction, no promise, no layer without a user, no lock.
clean() {
        [ -z "$(ls -A "$R/.berth.v/work")" ] || { echo "debris:"; find "$R/.berth.v/work"; return 1; }
        [ -z "$(find "$R/.berth.v/layers" -mindepth 1 -maxdepth 1 ! -type d)" ] || { echo "promises left"; return 1; }
        [ -z "$(find "$R" -maxdepth 1 -name '.#*' ! -name .#.berth.v.lck)" ] || { echo "locks left"; return 1; }
        local used there name
        for name in $(ls "$R/.berth.v/snapshots"); do
                [ -e "$R/$name.mstack" ] || [ -e "$R/$name" ] || { echo "snapshots without a machine: $name"; return 1; }
        done
        used=$(find "$R" -maxdepth 5 -type l -name 'layer@*' -not -path "$R/.berth.v/layers/*" -printf '%l\n' | sed 's|.*/||' | sort -u)
        there=$(ls "$R/.berth.v/layers")
        [ "$used" = "$there" ] || { echo "layers used: $used"; echo "there: $there"; return 1; }
}

@test "an overlay machine has the layout of systemd.mstack(7)" {
        st create web overlay "$T/tree"
        [ "$(readlink "$R/web.mstack/layer@0" | sed 's|[0-9a-f]*$||')" = ../.berth.v/layers/ ]
        [ -d "$R/web.mstack/rw/data" ] && [ -d "$R/web.mstack/rw/work" ]
        [ "$(cat "$R/web.mstack/layer@0/etc/version")" = one ]
        [ "$(stat -c %a "$R")" = 700 ]
        [ "$(st list)" = "web overlay rw" ]
        clean
}

@test "the default driver is overlay where the file system can carry one, directory on an overlay" {
        [ "$(st default)" = overlay ]
        clean
        mkdir -p "$T/l" "$T/u" "$T/w" "$T/mnt"
        T=$T TOOL=$TOOL unshare -m bash -euc '
                mount -t overlay overlay -o "lowerdir=$T/l,upperdir=$T/u,workdir=$T/w" "$T/mnt"
                [ "$("$TOOL" default "$T/mnt/m")" = directory ]'
}

@test "the root directory keeps mode, owner, ACL and attributes through build, snapshot, clone and rollback" {
        chmod 751 "$T/tree"; chown 12:34 "$T/tree"; setfattr -n user.mark -v first "$T/tree"
        st create web overlay "$T/tree"
        show web
        [ "$(stat -c '%a %u %g' "$upper")" = "751 12 34" ]
        [ "$(getfattr --only-values -n user.mark "$upper")" = first ]
        in_mount web 'chmod 710 .; setfacl -m u:77:rx .; setfattr -n user.mark -v second .'
        st snapshot web acl
        st clone web copy
        for name in web copy; do
                show $name
                [ "$(getfattr --only-values -n user.mark "$upper")" = second ]
                getfacl -n --omit-header "$upper" | grep -qx user:77:r-x
        done
        in_mount web 'setfacl -b .; chmod 700 .'
        st rollback web acl
        [[ $(getfattr -d -m - "$upper") != *trusted.overlay* ]]
        in_mount web 'getfacl -n --omit-header . | grep -qx user:77:r-x'
        clean
}

@test "what is read without a mount is what the kernel shows: whiteouts, opaque directories, redirects, links" {
        mkdir -p "$T/tree/a/b/c"; echo deep >"$T/tree/a/b/c/deep"; ln -s ../../etc/version "$T/tree/a/b/rel"; ln -s loop "$T/tree/loop"
        st create web overlay "$T/tree"
        in_mount web 'rm gone; rm -r opaque; mkdir opaque; echo new >opaque/new; mv dir moved; mv a/b a/renamed; echo two >etc/version'
        st snapshot web s1
        in_mount web 'mv a/renamed/c moved/c2; rm -r etc; mkdir etc; echo three >etc/version; ln -s /moved/c2/.. up; ln -s /up/../up/file far'
        st snapshot web s2
        in_mount web 'mv moved again; echo more >again/c2/more'
        # Absolute links are left out: in the mount, they would be followed to the host's files.
        in_mount web 'find . \( -type f -o -type l ! -lname "/*" \) -printf "%P\n" | sort | while read -r name; do
                        printf "%s: %s\n" "$name" "$(cat "$name" 2>/dev/null || echo unreadable)"; done' >"$T/kernel"
        cat "$T/kernel"
        [ "$(wc -l <"$T/kernel")" -ge 7 ]
        while IFS=: read -r name _; do
                printf '%s: %s\n' "$name" "$(st cat web "$name" 2>/dev/null || echo unreadable)"
        done <"$T/kernel" | diff "$T/kernel" -
        [ "$(st cat web /link)" = three ]
        for gone in gone opaque/hidden a/b/c/deep moved/file a/renamed/c/deep nothing loop etc/version/x; do
                refused st cat web $gone
        done
        [ "$(st cat web again/c2/deep)" = deep ]
        [ "$(st cat web@s1 a/renamed/c/deep)" = deep ]
        [ "$(st cat web@s1 moved/file)" = file ]
        [ "$(st cat web@s2 far)" = file ]
        [ "$(st cat web ../../../link)" = three ]
}

@test "reading an image never opens devices and pipes" {
        mkfifo "$T/tree/pipe"; mknod "$T/tree/null" c 1 3
        for driver in overlay directory; do
                st create m$driver $driver "$T/tree"
                refused timeout 5 "$TOOL" cat "$R" m$driver pipe
                [ -z "$(timeout 5 "$TOOL" cat "$R" m$driver pipe 2>&1 | grep -v 'Invalid argument')" ]
                refused st cat m$driver null
        done
}

@test "clone and snapshot copy no file, and the kernel shows the same in all of them" {
        st create web overlay "$T/tree"
        in_mount web 'echo two >etc/version; rm gone; mv dir moved'
        before=$(stat -c %i "$R/web.mstack/rw/data")
        sum='find . -mindepth 1 -printf "%P %y %m\n" | sort; find . -type f -exec sha256sum {} + | sort'
        in_mount web "$sum" >"$T/before"
        st clone web copy
        st snapshot web snap
        in_mount web "$sum" | diff "$T/before" -
        in_mount copy "$sum" | diff "$T/before" -
        in_mount web@snap "$sum" | diff "$T/before" -
        show web
        [ "$(stat -Lc %i "$R/web.mstack/layer@1")" = "$before" ]
        [ "$(stat -Lc %i "$R/copy.mstack/layer@1")" = "$before" ]
        [ "$(stat -Lc %i "$R/.berth.v/snapshots/web/snap.mstack/layer@1")" = "$before" ]
        [ "$(ls "$R/.berth.v/layers" | wc -l)" = 2 ]
        in_mount copy 'echo mine >etc/version; rm moved/file'
        in_mount web 'echo theirs >etc/other'
        [ "$(st cat web etc/version)" = two ]
        [ "$(st cat web moved/file)" = file ]
        refused st cat copy etc/other
        clean
}

@test "machines that share layers are mounted at the same time, also while one of them is frozen and removed" {
        st create web overlay "$T/tree"
        in_mount web 'echo two >etc/version; mv dir moved'
        st clone web copy
        mkdir "$T/mnt2"
        show copy; copy_lower=$lower copy_upper=$upper copy_work=$work
        export T R TOOL copy_lower copy_upper copy_work
        in_mount web '
                mount -t overlay overlay -o "lowerdir=$copy_lower,upperdir=$copy_upper,workdir=$copy_work,redirect_dir=on" "$T/mnt2"
                echo web >etc/version; echo copy >"$T/mnt2/etc/version"; mv moved/file moved/web; rm -r "$T/mnt2/moved"
                [ "$(cat etc/version) $(cat "$T/mnt2/etc/version")" = "web copy" ]
                [ "$(cat moved/web)" = file ] && [ ! -e "$T/mnt2/moved" ]
                cd /; umount "$M"
                "$TOOL" snapshot "$R" web s
                "$TOOL" remove "$R" web
                [ "$(cat "$T/mnt2/etc/version") $(cat "$T/mnt2/gone")" = "copy here" ]'
        [ "$(st cat copy etc/version)" = copy ]
        clean
}

@test "a snapshot of an unchanged machine adds no layer, nor do clones of a cached image" {
        st create image:key overlay "$T/tree"
        for n in 1 2 3; do st clone image:key web$n; done
        st snapshot web1 a; st snapshot web1 b
        [ "$(ls "$R/.berth.v/layers" | wc -l)" = 1 ]
        [ "$(st list images)" = "key overlay ro" ]
        clean
}

@test "rollback gives up the present state, keeps newer snapshots and the date of creation" {
        st create web overlay "$T/tree"
        show web; born=$created
        st snapshot web one
        in_mount web 'echo two >etc/version; rm gone'
        st snapshot web two
        in_mount web 'echo three >etc/version'
        st rollback web one
        [ "$(st cat web etc/version) $(st cat web gone)" = "one here" ]
        [ "$(st snapshots web)" = "one two" ]
        st rollback web two
        [ "$(st cat web etc/version)" = two ]
        refused st cat web gone
        show web; [ "$created" = "$born" ]
        fails_with "machine 'web' has no snapshot 'three'" rollback web three
        clean
}

@test "layers go with their last user" {
        st create web overlay "$T/tree"
        in_mount web 'echo two >etc/version'
        st clone web copy
        in_mount copy 'echo copy >etc/version'
        st snapshot copy s
        [ "$(ls "$R/.berth.v/layers" | wc -l)" = 3 ]
        st remove web
        [ "$(ls "$R/.berth.v/layers" | wc -l)" = 3 ]
        [ "$(st cat copy etc/version)" = copy ]
        st remove copy@s
        [ "$(ls "$R/.berth.v/layers" | wc -l)" = 3 ]
        st remove copy
        [ -z "$(ls "$R/.berth.v/layers")" ]
        [ ! -e "$R/.berth.v/snapshots/copy" ]
        clean
}

@test "a cached image is replaced, its clones stay" {
        st create image:key overlay "$T/tree"
        st clone image:key web
        echo new >"$T/tree/etc/version"
        fails_with "cannot make" create image:key overlay "$T/tree"
        [ "$(st cat image:key etc/version)" = one ]
        st create image:key overlay "$T/tree" replace
        [ "$(st cat image:key etc/version) $(st cat web etc/version)" = "new one" ]
        st create image:key directory "$T/tree" replace
        [ "$(st list images)" = "key directory rw" ]
        clean
}

@test "a running machine is frozen for the copy of what it changed, and keeps its writable layer" {
        st create web overlay "$T/tree"
        in_mount web 'echo two >etc/version; rm gone; mv dir moved'
        show web; before=$(stat -c %i "$upper")
        sleep 60 3>&- & pid=$!
        [ "$(st snapshot web s running $pid)" = "$(printf 'freeze\nthaw')" ]
        [ "$(st clone web copy running $pid)" = "$(printf 'freeze\nthaw')" ]
        [[ $(awk '{print $3}' /proc/$pid/stat) = [SR] ]]
        kill $pid
        [ "$(stat -c %i "$upper")" = "$before" ]
        for name in web web@s copy; do
                [ "$(st cat $name etc/version) $(st cat $name moved/file)" = "two file" ]
                refused st cat $name gone
                in_mount $name '[ "$(cat etc/version) $(cat moved/file)" = "two file" ]; [ ! -e gone ]; [ ! -e dir ]'
        done
        clean
}

@test "nothing is lost when the freezer fails" {
        st create web overlay "$T/tree"
        in_mount web 'echo two >etc/version'
        before=$(dump)
        fails_with "kill" snapshot web s running 2147483646
        [ "$(dump)" = "$before" ]
        clean
}

@test "directory machines: clone, snapshot, rollback, remove" {
        setfattr -n user.mark -v kept "$T/tree/gone"
        st create web directory "$T/tree"
        [ "$(st list)" = "web directory rw" ]
        st snapshot web one
        echo two >"$R/web/etc/version"; rm "$R/web/gone"
        st clone web copy
        [ "$(st cat copy etc/version) $(st cat copy link)" = "two two" ]
        st snapshot web two
        st rollback web one
        [ "$(st cat web etc/version)" = one ]
        [ "$(getfattr --only-values -n user.mark "$R/web/gone")" = kept ]
        [ "$(st snapshots web)" = "one two" ]
        st clone web@two third
        [ "$(cat "$R/third/etc/version")" = two ]
        st remove web@two
        st remove web; st remove copy; st remove third
        [ -z "$(st list)" ]
        [ -z "$(ls "$R/.berth.v/snapshots")" ]
        clean
}

@test "a rename takes snapshots and settings along, on both drivers" {
        for driver in overlay directory; do
                st create web $driver "$T/tree"
                st snapshot web one
                echo "[Exec]" >"$R/web.nspawn"
                show web; born=$created
                st rename web new
                [ "$(st list)" = "new $driver rw" ]
                [ "$(st snapshots new)" = one ]
                [ -e "$R/new.nspawn" ] && [ ! -e "$R/web.nspawn" ]
                show new; [ "$created" = "$born" ]
                st rollback new one
                st create web $driver "$T/tree"
                [ -z "$(st snapshots web)" ]
                fails_with "machine 'web' already exists" rename new web
                touch "$R/late.nspawn"
                fails_with "'$R/late.nspawn' exists, so 'new.nspawn' cannot get that name" rename new late
                fails_with "no machine name" rename new a/b
                st remove new; st remove web
                rm "$R"/*.nspawn
                clean
        done
}

@test "read-only machines are cloned and snapshotted, not changed" {
        for driver in overlay directory; do
                st create web $driver "$T/tree"
                st snapshot web one
                if [ $driver = overlay ]; then in_mount web 'echo two >etc/version'; else echo two >"$R/web/etc/version"; fi
                st read-only web yes || skip "no immutable attribute in $T"
                [ "$(st list)" = "web $driver ro" ]
                show web
                for verb in "remove web" "rollback web one" "rename web new"; do fails_with "is read-only; 'berth read-only web no' makes it writable" $verb; done
                st clone web copy; st snapshot web two
                [ "$(st cat copy etc/version) $(st cat web@two etc/version)" = "two two" ]
                [ "$(st list)" = "$(printf "copy $driver rw\nweb $driver ro")" ]
                st read-only web no
                st rollback web one
                [ "$(st cat web etc/version)" = one ]
                fails_with "which cannot limit what a machine uses" limit web 1000000
                st remove web; st remove copy
                clean
        done
}

@test "disk images: clone, snapshot, rollback, rename, remove; holes stay holes" {
        mkdir -p "$R"
        truncate -s 64M "$R/disk.raw"
        echo one | dd of="$R/disk.raw" bs=1M seek=3 conv=notrunc status=none
        content() { dd if="$1" bs=1M skip=3 count=1 status=none | head -n 1; }
        [ "$(st list)" = "disk raw rw" ]
        st snapshot disk first
        echo two | dd of="$R/disk.raw" bs=1M seek=3 conv=notrunc status=none
        st clone disk copy
        st snapshot disk second
        [ "$(content "$R/copy.raw")" = two ]
        [ "$(stat -c %s "$R/copy.raw")" = 67108864 ]
        [ "$(stat -c %b "$R/copy.raw")" -lt 8192 ]
        st rollback disk first
        [ "$(content "$R/disk.raw")" = one ]
        st clone disk@second third
        [ "$(content "$R/third.raw")" = two ]
        [ "$(st snapshots disk)" = "first second" ]
        echo hash >"$R/disk.roothash"
        st rename disk new
        [ "$(st snapshots new)" = "first second" ] && [ -e "$R/new.roothash" ]
        [ "$(st list)" = "$(printf '%s raw rw\n' copy new third)" ]
        st remove new@first
        st remove new; st remove copy; st remove third
        rm "$R/new.roothash"
        [ -z "$(st list)" ] && [ -z "$(ls "$R/.berth.v/snapshots")" ]
        clean
}

@test "names: taken, impossible, missing" {
        st create web overlay "$T/tree"
        st create plain directory "$T/tree"
        fails_with "machine 'web' already exists; remove it or choose another name" create web directory "$T/tree"
        fails_with "machine 'plain' already exists" create plain overlay "$T/tree"
        fails_with "machine 'plain' already exists" clone web plain
        for bad in -x 'a/b' ../x '' 'a b' .hidden web.mstack web.raw "$(printf 'a%.0s' {1..65})"; do
                fails_with "no machine name" create "$bad" overlay "$T/tree"
                fails_with "no machine name" clone web "$bad"
        done
        for bad in ../x a/b '' .x x.mstack; do fails_with "no snapshot name" snapshot web "$bad"; done
        fails_with "machine 'wbe' does not exist; did you mean 'web'?" show wbe
        fails_with "machine 'other' does not exist" remove other
        st snapshot web s
        fails_with "already has a snapshot 's'" snapshot web s
        touch "$R/disk.raw"
        st show disk | grep -qx driver=raw
        fails_with "already exists" clone web disk
        clean
}

@test "nspawn's locks keep others out, and ours are nspawn's" {
        st create web overlay "$T/tree"
        st snapshot web s
        inode=$(stat -c '/run/systemd/nspawn/locks/inode-%d:%i' "$R/web.mstack")
        mkfifo "$T/hold"
        st lock web <"$T/hold" >"$T/out" 3>&- & pid=$!
        exec 9>"$T/hold"
        for _ in $(seq 100); do grep -q locked "$T/out" && break; sleep 0.02; done
        refused "$BATS_TEST_DIRNAME/lib/ofd-lock" -n "$R/.#web.mstack.lck" true
        refused "$BATS_TEST_DIRNAME/lib/ofd-lock" -n "$inode" true
        for verb in "rollback web s" "snapshot web t" "clone web copy" "remove web" "lock web" "lock web shared"; do
                fails_with "'web' is in use" $verb </dev/null
        done
        exec 9>&-
        wait $pid
        [ ! -e "$inode" ]
        "$BATS_TEST_DIRNAME/lib/ofd-lock" "$R/.#web.mstack.lck" "$TOOL" list "$R" >/dev/null
        refused "$BATS_TEST_DIRNAME/lib/ofd-lock" "$R/.#web.mstack.lck" "$TOOL" remove "$R" web
        rm "$R/.#web.mstack.lck"
        st remove web
        clean
}

@test "a transaction under way is not debris, a dead one is" {
        st create web overlay "$T/tree"
        mkdir "$R/.berth.v/work/.#new.0123456789abcdef"
        flock "$R/.berth.v/work/.#new.0123456789abcdef" "$TOOL" list "$R"
        [ -n "$(ls -A "$R/.berth.v/work")" ]
        st list
        clean
}

@test "a new machine does not inherit the snapshots of one that others removed" {
        st create web overlay "$T/tree"
        st snapshot web old
        rm -rf "$R/web.mstack"
        st create web overlay "$T/tree"
        [ -z "$(st snapshots web)" ]
        clean
}

@test "what others made: plain trees, stacks of directories; what is not supported is refused by name" {
        mkdir -p "$R/foreign.mstack/layer@2/dir" "$R/foreign.mstack/layer@10/etc" "$R/foreign.mstack/rw" "$R/lost+found"
        cp -a "$T/tree" "$R/plain"
        echo two >"$R/foreign.mstack/layer@2/dir/file"; echo ten >"$R/foreign.mstack/layer@10/etc/version"; echo base >"$R/foreign.mstack/layer@2/base"
        [ "$(st list)" = "$(printf 'foreign overlay rw\nplain directory rw')" ]
        show foreign
        [ "$lower" = "$R/foreign.mstack/layer@10:$R/foreign.mstack/layer@2" ]
        [ "$(st cat foreign base) $(st cat plain link)" = "base one" ]
        fails_with "so other states cannot share it" snapshot foreign s
        mkdir "$R/foreign.mstack/root"
        fails_with "'root', which is not supported yet" show foreign
        rmdir "$R/foreign.mstack/root"; touch "$R/foreign.mstack/layer@3.raw"
        fails_with "'layer@3.raw', which is not supported yet" show foreign
        rm "$R/foreign.mstack/layer@3.raw"
        st remove foreign; st remove plain
        [ ! -e "$R/plain" ] && [ ! -e "$R/foreign.mstack" ]
}

@test "a machine that is a mount point is read and cloned, not removed" {
        mkdir -p "$R/web" "$T/src"
        cp -a "$T/tree/." "$T/src"
        R=$R T=$T TOOL=$TOOL unshare -m bash -euc '
                mount --bind "$T/src" "$R/web"
                "$TOOL" clone "$R" web copy
                "$TOOL" snapshot "$R" web s
                if "$TOOL" remove "$R" web 2>"$T/err"; then exit 1; fi
                if "$TOOL" rollback "$R" web s 2>>"$T/err"; then exit 1; fi'
        [ "$(grep -c "is a mount point; unmount it first" "$T/err")" = 2 ]
        [ "$(cat "$R/copy/etc/version") $(cat "$T/src/etc/version")" = "one one" ]
}

@test "a full disk leaves the old state, and says so" {
        truncate -s 64M "$T/disk"
        mkfs.ext4 -q -F -m 0 -O ^has_journal "$T/disk"
        dd if=/dev/urandom of="$T/tree/big" bs=1M count=20 status=none
        mkdir "$T/mnt"
        T=$T TOOL=$TOOL unshare -m bash -eu <<'SCRIPT'
                mount -o loop "$T/disk" "$T/mnt"
                st() { local verb=$1; shift; "$TOOL" "$verb" "$T/mnt/m" "$@"; }
                files="etc/version gone dir/file"
                st create dir directory "$T/tree"
                st create web overlay "$T/tree"
                mkdir "$T/u"; mount --bind "$T/mnt/m/web.mstack/rw/data" "$T/u"; echo two >"$T/u/x"; umount "$T/u"
                before=$(st dump $files)
                for verb in "clone dir copy" "snapshot dir s" "create third overlay $T/tree" "create third directory $T/tree"; do
                        if st $verb 2>"$T/err"; then echo "$verb succeeded"; exit 1; fi
                        [[ $verb = create* ]] || grep -q "the file system of '$T/mnt/m' is full" "$T/err"
                        [ "$(st dump $files)" = "$before" ]
                        [ -z "$(ls -A "$T/mnt/m/.berth.v/work")" ]
                done
                dd if=/dev/zero of="$T/mnt/fill" bs=64k status=none 2>/dev/null || true
                dd if=/dev/zero of="$T/mnt/fill2" bs=1k status=none 2>/dev/null || true
                for verb in "clone web copy" "snapshot web s"; do
                        if st $verb 2>"$T/err"; then echo "$verb succeeded"; exit 1; fi
                        grep -q "the file system of '$T/mnt/m' is full" "$T/err"
                done
                st remove dir
                rm "$T/mnt/fill" "$T/mnt/fill2"
                [ "$(st dump $files)" = "$(grep -v ^dir <<<"$before")" ]
                st clone web copy
SCRIPT
}

@test "directory machines on xfs share their blocks, on ext4 they are copied" {
        command -v mkfs.xfs >/dev/null || skip "needs xfsprogs"
        dd if=/dev/urandom of="$T/tree/big" bs=1M count=100 status=none
        for fs in "xfs -m reflink=1" "ext4 -F"; do
                truncate -s 1G "$T/disk"
                mkfs.${fs%% *} -q ${fs#* } "$T/disk"
                mkdir -p "$T/mnt"
                R=$T/mnt/m FS=${fs%% *} T=$T TOOL=$TOOL unshare -m bash -eu <<'SCRIPT'
                        mount -o loop "$T/disk" "$T/mnt"
                        "$TOOL" create "$R" web directory "$T/tree"
                        used() { sync -f "$T/mnt"; df -k --output=used "$T/mnt" | tail -n 1; }
                        before=$(used)
                        "$TOOL" clone "$R" web copy
                        "$TOOL" snapshot "$R" web s
                        more=$(($(used) - before))
                        if [ $FS = xfs ]; then [ $more -lt 20000 ]; else [ $more -ge 200000 ]; fi
                        cmp "$T/tree/big" "$R/copy/big"
                        echo changed >"$R/copy/big"
                        "$TOOL" rollback "$R" web s
                        cmp "$T/tree/big" "$R/web/big"
SCRIPT
                rm "$T/disk"
        done
}

@test "a deep stack is announced, and one too deep for overlayfs refused" {
        st create web overlay "$T/tree"
        id=$(basename "$(readlink "$R/web.mstack/layer@0")")
        stack() { for n in $(seq 0 $(($1 - 1))); do ln -sfn ../.berth.v/layers/$id "$R/web.mstack/layer@$n"; done; }
        stack 63; echo x >"$R/web.mstack/rw/data/x"
        [ -z "$(st snapshot web a)" ]
        echo y >"$R/web.mstack/rw/data/x"
        [[ "$(st snapshot web b)" == "warning: 'web' stands on 65 layers"* ]]
        stack 500; echo z >"$R/web.mstack/rw/data/x"
        fails_with "500 layers, as many as overlayfs can stack; roll it back" snapshot web c
        [ "$(st cat web x)" = z ]
}

# --- kill -9 -----------------------------------------------------------------------------------------------------------------------

save_store() { cp -a "$R" "$T/template"; }
restore_store() { rm -rf "$R"; cp -a "$T/template" "$R"; }

# ---- from one driver to another --------------------------------------------------------------------------------------------------

@test "convert keeps name, date, identity and snapshots; without them if asked" {
        populate overlay
        st remove other
        mkdir "$R/web.mstack/rw/data/attr" && setfattr -n user.x -v y "$R/web.mstack/rw/data/attr" && chown 5:6 "$R/web.mstack/rw/data/attr"
        local created before
        created=$(st show web | grep created)
        before=$(dump)
        st convert web directory
        clean
        [ "$(st list)" = "web directory rw" ]
        [ "$(dump | sed 's/ directory / overlay /')" = "$before" ]
        [ "$(st snapshots web)" = "first second" ]
        [ "$(st show web | grep created)" = "$created" ]
        [ "$(getfattr -n user.x --only-values "$R/web/attr") $(stat -c %u:%g "$R/web/attr")" = "y 5:6" ]
        fails_with "machine 'web' is on the directory driver already" convert web directory
        st convert web overlay
        clean
        [ "$(dump)" = "$before" ]
        st rollback web first
        [ "$(st cat web etc/version)" = one ]
        st convert web directory without
        clean
        [ -z "$(st snapshots web)" ]
        truncate -s 1M "$R/disk.raw"
        fails_with "machine 'disk' is a disk image, which is not looked into" convert disk directory
        fails_with "the raw driver makes no new machines" convert web raw
}

@test "a copy on another driver is a machine of its own" {
        populate overlay
        st copy web new directory
        clean
        [ "$(st cat new etc/version) $(st snapshots new)" = "three " ]
        st copy web@first old directory
        [ "$(st cat old etc/version)" = one ]
        fails_with "machine 'old' already exists" copy web old directory
        clean
}

@test "flatten leaves one layer, and snapshots as they were" {
        populate overlay
        local before
        before=$(dump)
        rm "$R/web.mstack/rw/data/etc/version"; in_mount web 'echo four >etc/version; rm gone; rm -r opaque; mkdir opaque; ln link hard'
        st flatten web
        clean
        [ "$(ls "$R/web.mstack")" = "$(printf 'layer@0\nrw')" ]
        [ "$(st cat web etc/version)" = four ]
        refused st cat web gone
        refused st cat web opaque/hidden
        [ "$(dump | grep @)" = "$(grep @ <<<"$before")" ]
        st create plain directory "$T/tree"
        fails_with "machine 'plain' is on the directory driver, which has no layers" flatten plain
}

@test "conversion and flattening of a machine that is in use, or on a full disk, leave it as it was" {
        mkdir "$T/small" && R=$T/small/m
        T=$T R=$R TOOL=$TOOL FILES=$FILES unshare -m bash -euc '
                mount -t tmpfs -o size=4M,mode=755 none "$T/small"
                st() { local verb=$1; shift; "$TOOL" "$verb" "$R" "$@"; }
                head -c 2500000 /dev/urandom >"$T/tree/big"
                st create web directory "$T/tree"
                before=$(st dump $FILES)
                for verb in "convert web overlay"; do
                        if st $verb 2>"$T/err"; then exit 1; fi
                        grep -q "is full" "$T/err" || { cat "$T/err"; exit 1; }
                        [ "$(st dump $FILES)" = "$before" ]
                        [ -z "$(ls -A "$R/.berth.v/work")" ]
                done
                coproc "$TOOL" lock "$R" web
                read -r line <&"${COPROC[0]}"
                if st convert web overlay 2>"$T/err"; then exit 1; fi
                grep -q "in use" "$T/err" || { cat "$T/err"; exit 1; }'
}

# A machine with two snapshots and a change since, and a clone that shares a layer.
populate() { # DRIVER
        st create web $1 "$T/tree"
        local root=$R/web
        [ $1 = directory ] || root=$R/web.mstack/rw/data
        st snapshot web first
        mkdir -p "$root/etc"; echo two >"$root/etc/version"
        st snapshot web second
        st clone web other
        mkdir -p "$root/etc"; echo three >"$root/etc/version"
}

@test "kill -9 anywhere in create" {
        st create other overlay "$T/tree"
        kill_everywhere create web overlay "$T/tree"
}
@test "kill -9 anywhere in clone, overlay" { populate overlay; kill_everywhere clone web new; }
@test "kill -9 anywhere in clone of a running machine, overlay" { populate overlay; kill_everywhere clone web new running 0; }
@test "kill -9 anywhere in snapshot, overlay" { populate overlay; kill_everywhere snapshot web third; }
@test "kill -9 anywhere in rollback, overlay" { populate overlay; kill_everywhere rollback web first; }
@test "kill -9 anywhere in rename, overlay" { populate overlay; kill_everywhere rename web new; }
@test "kill -9 anywhere in remove, overlay" { populate overlay; kill_everywhere remove web; }
@test "kill -9 anywhere in the removal of a snapshot, overlay" { populate overlay; kill_everywhere remove web@second; }
@test "kill -9 anywhere in clone, directory" { populate directory; kill_everywhere clone web new; }
@test "kill -9 anywhere in snapshot, directory" { populate directory; kill_everywhere snapshot web third; }
@test "kill -9 anywhere in rollback, directory" { populate directory; kill_everywhere rollback web first; }
@test "kill -9 anywhere in remove, directory" { populate directory; kill_everywhere remove web; }

@test "kill -9 anywhere in a conversion with snapshots" { populate overlay; SYSCALLS="mkdirat renameat renameat2 symlinkat syncfs" EVERY=9 kill_everywhere convert web directory; }
@test "kill -9 anywhere in a conversion back" { populate directory; st remove web@first; SYSCALLS="renameat renameat2 symlinkat syncfs" EVERY=5 kill_everywhere convert web overlay; }
@test "kill -9 anywhere in flattening" {
        populate overlay
        FILES="etc/version gone dir/file"
        dump() { st dump $FILES | sort; ls "$R/web.mstack" | grep -c layer; }
        EVERY=6 kill_everywhere flatten web
}

@test "kill -9 anywhere in the clearing of debris" {
        populate overlay
        killed renameat2 2 clone web new
        [ -n "$(ls -A "$R/.berth.v/work")" ]
        [ -n "$(find "$R/.berth.v/layers" -mindepth 1 -maxdepth 1 -type l)" ]
        cp -a "$R" "$T/template"
        st list >/dev/null
        clear_locks
        expected=$(dump)
        clean
        kills=0
        for sys in renameat2 renameat unlinkat unlink; do
                for n in 1 2 3 4 5 6; do
                        rm -rf "$R"; cp -a "$T/template" "$R"
                        killed $sys $n list || break
                        kills=$((kills + 1))
                        clear_locks
                        [ "$(dump)" = "$expected" ]
                        clean
                done
        done
        [ $kills -ge 4 ]
}
