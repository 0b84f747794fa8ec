#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The settings of systemd-nspawn, as a payload sees them.

load lib/berth

setup() {
        berth_setup
        D=$T/root
        busybox_root "$D"
        mkdir "$T/compat"
        ln -s "$(realpath "$BERTH")" "$T/compat/systemd-nspawn"
}
teardown() { berth_teardown; }

in_root() { "$BERTH" run --quiet -D "$D" --console=pipe "$@"; }
nspawn() { "$T/compat/systemd-nspawn" --quiet "$@"; }
refused() { # MESSAGE-PART... -- COMMAND...
        local parts=()
        while [ "$1" != -- ]; do parts+=("$1"); shift; done
        shift
        run "$@"
        [ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
        for part in "${parts[@]}"; do [[ $output == *"$part"* ]] || { echo "no '$part' in: $output"; return 1; }; done
}
merged_usr() { # a root whose programs are all in /usr
        mv "$D"/bin/* "$D/usr/bin/"
        rmdir "$D/bin" "$D/sbin"
        ln -s usr/bin "$D/bin"
        ln -s usr/bin "$D/sbin"
}

# ---- by the name systemd-nspawn ----

@test "called systemd-nspawn: no user namespace, the host's network, the command is PID 1" {
        run nspawn -P -D "$D" sh -c 'echo $$; cat /proc/self/uid_map; readlink /proc/self/ns/net'
        [ "${lines[0]}" = 1 ]
        [ "$(echo ${lines[1]})" = "0 0 4294967295" ]
        [ "${lines[2]}" = "$(readlink /proc/self/ns/net)" ]
}

@test "called systemd-nspawn: the current directory is the root when none is named" {
        cd "$D"
        [ "$(nspawn -P cat /etc/os-release | head -n 1)" = ID=busyroot ]
}

@test "called systemd-nspawn: -M finds the machine, options end at the command" {
        busybox_machine fedora none
        [ "$(nspawn -P -M fedora echo -x -b)" = "-x -b" ]
}

@test "called systemd-nspawn: --version says which one it stands for, --help lists options" {
        [[ $(nspawn --version) == "systemd 257 (berth "* ]]
        [[ $(nspawn --no-pager --help) == *--private-users-ownership=* ]]
}

@test "called systemd-nspawn: what the machine writes into a file comes between what the caller writes" {
        { echo first; nspawn -D "$D" echo second </dev/null; echo third; } >"$T/out"
        [ "$(tr -d '\r' <"$T/out" | xargs)" = "first second third" ]
        printf '1\n2\n' >"$T/in"
        { read -r _; "$BERTH" run -q --console=interactive -D "$D" head -n 1; } <"$T/in" >"$T/out"
        [[ $(cat "$T/out") != *1* ]]
}

@test "called systemd-nspawn: help lists what an option knows" {
        [[ $(nspawn --kill-signal=help) == *SIGTERM*SIGRTMIN+3* ]]
        [[ $(nspawn --capability=help) == *CAP_CHOWN*CAP_BPF* ]]
        [[ $(nspawn --drop-capability=help) == *CAP_CHOWN* ]]
        [[ $(nspawn --rlimit help) == *NOFILE* ]]
        [[ $(nspawn --resolv-conf=help) == *replace-stub* ]]
        [[ $(nspawn --timezone=help) == *symlink* ]]
        [[ $(nspawn --link-journal=help) == *try-guest* ]]
        [[ $("$BERTH" run --console=help) == *autopipe* ]]
        [ "$(nspawn -P -D "$D" --hostname=help hostname)" = help ]
}

@test "called systemd-nspawn: --no-ask-password and --system ask for what is so, --cleanup clears a killed machine" {
        [ "$(nspawn --no-ask-password --system -P -D "$D" echo here)" = here ]
        "$T/compat/systemd-nspawn" -q -P -M gone -D "$D" sleep 1000 &
        for i in $(seq 50); do [ -e "$BERTH_RUN/machines/gone/state" ] && break; sleep 0.1; done
        refused "'gone' is running" -- nspawn --cleanup -M gone
        kill -9 $!
        wait $! || true
        for i in $(seq 20); do nspawn --cleanup -M gone && break; sleep 0.1; done
        [ ! -e "$BERTH_RUN/machines/gone" ]
        refused --cleanup --machine -- nspawn --cleanup
}

@test "--selinux-context needs SELinux" {
        [ ! -e /sys/fs/selinux/enforce ] || skip "SELinux is active here"
        refused --selinux-context "not active" -- in_root -Z system_u:system_r:x:s0 true
        refused --selinux-apifs-context "not active" -- in_root -L system_u:object_r:x:s0:c1,c2 true
        refused "is no SELinux label" -- in_root -Z x true
}

@test "what excludes each other is refused, and both are named" {
        mkdir "$T/shared"
        while IFS='|' read -r options first second; do
                eval "set -- $options"
                run nspawn --plan "$@" true
                [ "$status" = 1 ] && [[ $output == *"$first"* ]] && [[ $output == *"$second"* ]] ||
                        { echo "status $status, not '$first' and '$second' for $options: $output"; return 1; }
        done <<'END'
-D "$D" -b -a|--boot|--as-pid2
-D "$D" -b --ambient-capability=CAP_KILL|--boot|--ambient-capability
-D "$D" --ambient-capability=all|--ambient-capability|all
-D "$D" --ambient-capability=CAP_SYS_TIME|--ambient-capability|--capability=CAP_SYS_TIME
-D "$D" --template="$T/shared" -x|--template|--ephemeral
--template="$T/shared"|--template|--directory or --machine
-D "$D" -i "$T/image.raw"|--directory|--image
--template="$D" -i "$T/image.raw"|--template|--image
-D "$D" --mstack="$T/m.mstack"|--directory|--mstack
-D "$D" --network-bridge=br0 --network-zone=x|--network-bridge|--network-zone
-D "$D" --network-namespace-path=/proc/self/ns/net --network-veth|--network-namespace-path|--network-veth
-D "$D" --network-namespace-path=/proc/self/ns/net --network-bridge=br0|--network-namespace-path|--network-bridge
-D "$D" --network-namespace-path=/proc/self/ns/net --network-zone=z|--network-namespace-path|--network-zone
-D "$D" --network-namespace-path=/proc/self/ns/net --network-interface=x0|--network-namespace-path|--network-interface
-D "$D" --network-namespace-path=/proc/self/ns/net --network-macvlan=x0|--network-namespace-path|--network-macvlan
-D "$D" --network-namespace-path=/proc/self/ns/net --network-ipvlan=x0|--network-namespace-path|--network-ipvlan
-D "$D" --network-namespace-path=/proc/self/ns/net --network-veth-extra=a|--network-namespace-path|--network-veth-extra
-D "$D" --network-namespace-path=/proc/self/ns/net --port=80|--network-namespace-path|--port
-D "$D" --port=80|--port|--network-veth
-D "$D" --private-users-delegate=1 --private-users=no|--private-users-delegate|--private-users=no
-D "$D" --forward-journal-max-use=1G|--forward-journal-max-use|--forward-journal
-D "$D" --bind="$T/shared":/ -U|nothing can be mounted on '/'|--directory
-D "$D" --tmpfs=/ --private-users=655360 --private-users-ownership=map|nothing can be mounted on '/'|--directory
-D "$D" --overlay="$T/shared":"$T/shared":/ -U|nothing can be mounted on '/'|--directory
-D "$D" -x --link-journal=host|--ephemeral|--link-journal
-D "$D" -x --link-journal=guest|--ephemeral|--link-journal
-D "$D" --private-users=655360 --private-users-ownership=chown --read-only|chown|--read-only
-D "$D" --private-users=655360 --private-users-ownership=chown --volatile=state|chown|--volatile
-D "$D" --private-users=655360 --private-users-ownership=chown --volatile=overlay|chown|--volatile
-D "$D" --bind-user=daemon|--bind-user|--private-users
-D "$D" --private-users=pick --private-users-map=0:700000:10|--private-users|--private-users-map
-D "$D" --keep-unit --slice=a|--keep-unit|--slice
-D "$D" --keep-unit --property=A=b|--keep-unit|--property
-D / -x --private-users=655360 --private-users-ownership=chown|chown|--ephemeral
-D /|--directory|--ephemeral or --volatile
END
}

@test "called systemd-nspawn: what a variable shares with the host is refused with what wants to be apart from it" {
        for name in SHARE_NS_PID SHARE_NS_UTS; do
                for option in -b:--boot -a:--as-pid2 --register=yes:--register; do
                        refused "SYSTEMD_NSPAWN_$name" "exclude each other" "${option#*:}" -- env SYSTEMD_NSPAWN_$name=yes "$T/compat/systemd-nspawn" -q -D "$D" "${option%%:*}" true
                done
        done
}

@test "called systemd-nspawn: variables that steer it are refused when they ask for what there is not" {
        for name in UNIFIED_CGROUP_HIERARCHY SYSTEMD_NSPAWN_UNIFIED_HIERARCHY; do
                refused "$name=no" "cgroup v1" -- env $name=no "$T/compat/systemd-nspawn" -q -P -D "$D" true
                [ "$(env $name=yes "$T/compat/systemd-nspawn" -q -P -D "$D" echo here)" = here ]
        done
        for name in SYSTEMD_NSPAWN_{UNIFIED_HIERARCHY,API_VFS_WRITABLE,LOCK,TMPFS_TMP,USE_CGNS,SHARE_SYSTEM,SHARE_NS_IPC,SHARE_NS_PID,SHARE_NS_UTS} \
                        UNIFIED_CGROUP_HIERARCHY SYSTEMD_SUPPRESS_SYNC; do
                refused "$name=perhaps" neither -- env $name=perhaps "$T/compat/systemd-nspawn" -q -P -D "$D" true
        done
        refused SYSTEMD_NSPAWN_NETWORK_MAC "no address" -- env SYSTEMD_NSPAWN_NETWORK_MAC=perhaps "$T/compat/systemd-nspawn" -q -P -D "$D" true
        refused SHARE_NS_IPC "neither yes nor no" -- env SYSTEMD_NSPAWN_SHARE_NS_IPC=perhaps "$T/compat/systemd-nspawn" -q -P -D "$D" true
        [ "$(SYSTEMD_NSPAWN_CONTAINER_SERVICE=other nspawn -P -D "$D" sh -c 'echo $container; cat /run/host/container-manager' | xargs)" = "other other" ]
        SYSTEMD_NSPAWN_TMPFS_TMP=0 nspawn -P -D "$D" sh -c 'touch /tmp/kept; ! grep " /tmp " /proc/mounts' && [ -e "$D/tmp/kept" ]
        SYSTEMD_NSPAWN_TMPFS_TMP=1 nspawn -P -D "$D" grep -q ' /tmp tmpfs ' /proc/mounts
        SYSTEMD_NSPAWN_API_VFS_WRITABLE=0 SYSTEMD_NSPAWN_LOCK=1 SYSTEMD_SUPPRESS_SYNC=1 nspawn -P -D "$D" true
}

@test "called systemd-nspawn: SYSTEMD_NSPAWN_LOCK=no takes an image that another has" {
        "$T/compat/systemd-nspawn" -q -P -M holder -D "$D" sh -c 'touch /root/up; exec sleep 100000' &
        for i in $(seq 300); do [ -e "$D/root/up" ] && break; sleep 0.1; done
        refused "in use" -- nspawn -P -M second -D "$D" echo here
        refused "in use" -- env SYSTEMD_NSPAWN_LOCK=yes "$T/compat/systemd-nspawn" -q -P -M second -D "$D" echo here
        [ "$(SYSTEMD_NSPAWN_LOCK=no nspawn -P -M second -D "$D" echo here)" = here ]
        refused "already running" -- env SYSTEMD_NSPAWN_LOCK=no "$T/compat/systemd-nspawn" -q -P -M holder -D "$D" echo here
        "$BERTH" terminate holder
        wait
}

# What can be written below /proc and /sys: their mounts with "rw".
writable_api() { sh -c "$*" | awk '($3 == "proc" || $3 == "sysfs") && $4 ~ "^rw" { print $2 }' | sort -u | xargs; }

@test "called systemd-nspawn: SYSTEMD_NSPAWN_API_VFS_WRITABLE=network makes the network's settings writable, the host's too, and nothing else" {
        [ "$(writable_api "'$T/compat/systemd-nspawn' -q -P -D '$D' cat /proc/mounts")" = /proc ]
        [ "$(writable_api "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network '$T/compat/systemd-nspawn' -q -P -D '$D' cat /proc/mounts")" = "/proc /proc/sys/net" ]
        [ "$(writable_api "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network '$T/compat/systemd-nspawn' -q -P --private-network -U -D '$D' cat /proc/mounts")" = "/proc /proc/sys/net" ]
        [ "$(writable_api "SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes '$T/compat/systemd-nspawn' -q -P -D '$D' cat /proc/mounts")" = "/proc /sys" ]
        SYSTEMD_NSPAWN_API_VFS_WRITABLE=network nspawn -P -D "$D" sh -c 'f=/proc/sys/net/core/somaxconn; cat $f >/root/is && cat /root/is >$f; ! echo 1 >/proc/sys/kernel/printk'
        refused "API_VFS_WRITABLE=network" --private-users -- env SYSTEMD_NSPAWN_API_VFS_WRITABLE=network "$T/compat/systemd-nspawn" -q -P -U -D "$D" true
        refused "API_VFS_WRITABLE=yes" --private-users -- env SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes "$T/compat/systemd-nspawn" -q -P -U -D "$D" true
}

@test "called systemd-nspawn: namespaces that variables share are the host's, the others the machine's own" {
        local variable shared name
        while read -r variable shared; do
                env "SYSTEMD_NSPAWN_$variable" "$T/compat/systemd-nspawn" -q -P -D "$D" \
                        sh -c 'for n in ipc pid uts cgroup; do echo "$n $(readlink /proc/self/ns/$n)"; done; exit 3' >"$T/out" && status=0 || status=$?
                [ "$status" = 3 ]
                for name in ipc pid uts cgroup; do
                        if [[ " $shared " == *" $name "* ]]; then
                                grep -qxF "$name $(readlink /proc/self/ns/$name)" "$T/out"
                        else
                                ! grep -qF "$(readlink /proc/self/ns/$name)" "$T/out"
                        fi
                done
        done <<'END'
SHARE_SYSTEM=1 ipc pid uts
SHARE_NS_IPC=yes ipc
SHARE_NS_PID=1 pid
SHARE_NS_UTS=1 uts
USE_CGNS=0 cgroup
USE_CGNS=1
END
        [ "$(hostname)" != root ] # a shared name is left alone
        SYSTEMD_NSPAWN_SHARE_NS_IPC=1 nspawn -P -D "$D" --private-users=pick true
        # what runs on is ended with the machine, though no PID namespace does it
        SYSTEMD_NSPAWN_SHARE_NS_PID=1 nspawn -P -D "$D" sh -c 'sleep 1000 >/dev/null 2>&1 & :'
        berth_nothing_left
        refused SHARE_NS_PID --private-users -- env SYSTEMD_NSPAWN_SHARE_NS_PID=1 "$T/compat/systemd-nspawn" -q -P -D "$D" -U true
        refused SHARE_NS_PID --as-pid2 -- env SYSTEMD_NSPAWN_SHARE_NS_PID=1 "$T/compat/systemd-nspawn" -q -P -D "$D" -a true
}

@test "called systemd-nspawn: writable API file systems, and the address of host0, by variables" {
        SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 nspawn -P -D "$D" sh -ec 'echo other >/proc/sys/kernel/hostname; [ "$(hostname)" = other ]; grep " /sys sysfs rw," /proc/mounts'
        ! nspawn -P -D "$D" sh -c 'echo other >/proc/sys/kernel/hostname' 2>/dev/null
        refused API_VFS_WRITABLE --private-users -- env SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 "$T/compat/systemd-nspawn" -q -P -D "$D" -U true
        [ "$(SYSTEMD_NSPAWN_NETWORK_MAC=02:11:22:33:44:55 unshare --net "$T/compat/systemd-nspawn" -q -P -D "$D" --network-veth cat /sys/class/net/host0/address)" = 02:11:22:33:44:55 ]
        refused NETWORK_MAC -- env SYSTEMD_NSPAWN_NETWORK_MAC=03:11:22:33:44:55 "$T/compat/systemd-nspawn" -q -P -D "$D" true
}

@test "make install puts the name into a directory of its own" {
        build=$(dirname "$(realpath "$BERTH")")
        [ -e "$build/build.ninja" ] || skip "not a build directory"
        DESTDIR=$T/dest meson install -C "$build" --no-rebuild >/dev/null
        link=$(find "$T/dest" -path '*/berth/compat/systemd-nspawn')
        [ -n "$link" ]
        [ -e "$T/dest$(readlink "$link")" ]
}

# ---- the settings file ----

@test "--settings=no reads no file, yes lets the command line win, override the file" {
        printf '[Exec]\nHostname=filed\n' >"$T/root.nspawn"
        [ "$(in_root hostname)" = filed ]
        [ "$(in_root --settings=no hostname)" = root ]
        [ "$(in_root --hostname=typed hostname)" = typed ]
        [ "$(in_root --settings=override --hostname=typed hostname)" = filed ]
}

@test "a file beside the tree is trusted only with --settings=trusted" {
        mkdir "$T/shared"
        echo seen >"$T/shared/file"
        printf '[Files]\nBind=%s:/mnt\n' "$T/shared" >"$T/root.nspawn"
        run in_root ls /mnt
        [[ $output == *"Bind= is left out, as the file is not trusted"* ]]
        [[ $output != *file ]]
        [ "$(in_root --settings=trusted cat /mnt/file)" = seen ]
}

@test "one mount on the command line hides all mounts of the file" {
        mkdir "$D/a"
        printf '[Files]\nTemporaryFileSystem=/a\n' >"$T/root.nspawn"
        in_root --settings=trusted grep ' /a tmpfs' /proc/mounts
        run in_root --settings=trusted --tmpfs=/mnt grep ' /a tmpfs' /proc/mounts
        [ "$status" = 1 ]
}

# ---- changes that are thrown away ----

@test "--ephemeral throws changes away, and has a name of its own" {
        run in_root -x sh -c 'echo new >/new; cat /new; hostname'
        [ "${lines[0]}" = new ]
        [[ ${lines[1]} =~ ^root-[0-9a-f]{16}$ ]]
        [ ! -e "$D/new" ]
        berth_no_debris
}

@test "--ephemeral runs a machine of the store twice at a time" {
        busybox_machine web none
        mkfifo "$T/go"
        "$BERTH" run -q -P -x --settings=no -M web cat <"$T/go" >/dev/null &
        exec 7>"$T/go"
        sleep 0.5
        run "$BERTH" run -q -P -x -D "$BERTH_MACHINES/web" echo other
        exec 7>&-
        wait
        [ "$output" = other ]
}

@test "kill -9 of an ephemeral machine: the next command clears what it left" {
        "$BERTH" run -q -P -D "$D" -x sh -c 'echo big >/big; sleep 100' &
        for i in $(seq 50); do [ -n "$(find "$BERTH_MACHINES" -path '*/data/big' 2>/dev/null)" ] && break; sleep 0.1; done
        [ -n "$(find "$BERTH_MACHINES" -path '*/data/big')" ]
        kill -9 $!
        wait $! || true
        sleep 0.3
        "$BERTH" images >/dev/null
        berth_no_debris
}

@test "--volatile=overlay keeps no change, state only has a /var of its own" {
        in_root --volatile=overlay sh -c 'echo new >/new && [ -e /new ]'
        [ ! -e "$D/new" ]
        in_root --volatile=state sh -c 'touch /var/x && ! touch /new 2>/dev/null'
        [ ! -e "$D/var/x" ]
}

@test "--volatile=yes shows /usr alone, read-only, and refuses a tree that is not merged" {
        refused "--volatile=yes" "--volatile=overlay" -- in_root --volatile=yes true
        merged_usr
        in_root --volatile sh -c '[ ! -e /etc/passwd ] && ! touch /usr/x 2>/dev/null && touch /etc/x && [ -x /bin/sh ]'
        in_root --volatile --private-users=no sh -c '! touch /usr/x 2>/dev/null && touch /etc/x'
        [ ! -e "$D/etc/x" ]
}

@test "--template makes the directory, or the machine, once" {
        "$BERTH" run -q -P --template="$D" -D "$T/copy" touch /made
        [ -e "$T/copy/made" ] && [ ! -e "$D/made" ]
        "$BERTH" run -q -P --template=/nowhere -D "$T/copy" [ -e /made ]
        "$BERTH" run -q -P --template="$D" -M fresh touch /made
        "$BERTH" run -q -P -M fresh [ -e /made ]
        refused --template "is no directory" -- "$BERTH" run -q -P --template=/nowhere -D "$T/other" true || [[ $output == *nowhere* ]]
        refused --template --ephemeral -- "$BERTH" run -q -P -x --template="$D" -D "$T/copy" true
}

@test "--pivot-root makes a directory of the tree the root" {
        mkdir -p "$D/deploy/sysroot"
        cp -a "$D"/bin "$D"/etc "$D"/deploy/
        mkdir -p "$D"/deploy/{proc,sys,dev,run,tmp,usr}
        echo inner >"$D/deploy/etc/which"
        in_root --pivot-root=/deploy:/sysroot sh -c '[ "$(cat /etc/which)" = inner ] && [ -d /sysroot/deploy ]'
        in_root --private-users=no --pivot-root=/deploy [ ! -e /deploy ]
}

@test "a tree that is nothing but a /usr gets the links and directories that programs look for" {
        mkdir -p "$T/bare/usr/lib"
        cp -a "$D/bin" "$T/bare/usr/bin"
        in_bare() { "$BERTH" run -q -P -D "$T/bare" "$@"; }
        run in_bare --read-only /usr/bin/busybox true
        in_bare sh -c '[ -L /bin ] && [ -L /lib ] && [ "$(stat -c %a /root)" = 750 ] && [ -d /etc ] && [ ! -e /sbin ]'
        [ "$(readlink "$T/bare/bin")" = usr/bin ]
        in_root [ ! -L /bin ]
}

# ---- mounts ----

@test "--overlay: changes go to the upper layer, owned by the machine's root" {
        mkdir -p "$T/low" "$T/up"
        echo 1 >"$T/low/f"
        in_root --overlay="$T/low:$T/up:/mnt" sh -c '[ "$(stat -c %u /mnt/f)" = 0 ] && echo 2 >/mnt/f'
        [ "$(cat "$T/low/f" "$T/up/f" | xargs)" = "1 2" ]
        [ "$(stat -c %u "$T/up/f")" = 0 ]
        [ "$(ls -A "$T" | grep -c work)" = 0 ]
}

@test "--overlay without an upper layer keeps nothing, --overlay-ro takes nothing" {
        mkdir -p "$T/low" "$T/more"
        echo 1 >"$T/low/f"
        in_root --overlay="$T/low::/mnt" sh -c 'echo 2 >/mnt/f && [ "$(cat /mnt/f)" = 2 ]'
        [ "$(cat "$T/low/f")" = 1 ]
        in_root --overlay-ro="$T/low:$T/more:/mnt" sh -c '[ -e /mnt/f ] && ! touch /mnt/g 2>/dev/null'
}

@test "--overlay of the image's own directories" {
        mkdir "$D"/{l1,l2,l3}
        echo a >"$D/l1/a"
        in_root --overlay=+/l1:+/l2:/l3 sh -c '[ -e /l3/a ] && echo b >/l3/b'
        [ "$(cat "$D/l2/b")" = b ]
        [ "$(find "$D" -name '*.work' | wc -l)" = 0 ]
}

@test "bind mounts have owners: idmap, rootidmap, owneridmap, uid= and gid=" {
        mkdir "$T/mine"
        chown 1234:1234 "$T/mine"
        owner() { in_root --bind="$T/mine:/home/lina:norbind,$1" stat -c %u:%g /home/lina; }
        [ "$(owner idmap)" = 1234:1234 ]
        [ "$(owner rootidmap)" = 0:0 ]
        [ "$(owner owneridmap)" = 1000:1000 ]
        [ "$(owner uid=77,gid=88)" = 77:88 ]
        [ "$(in_root --private-users=no --bind="$T/mine:/mnt:uid=77,gid=88" stat -c %u:%g /mnt)" = 77:88 ]
}

@test "a bind mount without a source is an empty directory that is gone afterwards" {
        in_root --bind=:/mnt sh -c '[ -z "$(ls /mnt)" ] && touch /mnt/x'
        [ ! -e "$D/mnt/x" ]
}

@test "uid= and gid= of a tmpfs are the machine's" {
        [ "$(in_root --tmpfs=/mnt:uid=1000,gid=50 stat -c %u:%g /mnt)" = 1000:50 ]
}

# ---- users ----

@test "ID maps of one's own" {
        run in_root --private-users-map=0:700000:1000 --private-users-map=1000:1000:1 cat /proc/self/uid_map
        [ "$(echo $output)" = "0 700000 1000 1000 1000 1" ]
        in_root --private-users-map=0:700000:1000 touch /made
        [ "$(stat -c %u "$D/made")" = 0 ]
        refused overlap -- in_root --private-users-map=0:700000:10 --private-users-map=5:800000:10 true
        refused --private-users --private-users-map exclude -- in_root --private-users=pick --private-users-map=0:700000:10 true
}

@test "a range is picked where the host has no users, no groups and no subordinate IDs" {
        base() { # [FILE LINE]: the range picked, on a host with that line in /etc/FILE
                local name=ids-$BERTH_TEST_ID
                cat "/etc/$1" >"$T/$1" 2>/dev/null || :
                echo "$2" >>"$T/$1"
                unshare --mount --propagation private sh -c 'mount --bind "$1" "/etc/$2" && shift 2 && exec "$@"' - "$T/$1" "$1" \
                        "$BERTH" run --quiet -D "$D" --console=pipe --machine="$name" cat /proc/self/uid_map | awk '{ print $2 }'
        }
        free=$(base passwd "") # of a name always the same one first
        [ "$free" -ge 524288 ] && [ "$((free % 65536))" = 0 ]
        [ "$(base passwd "")" = "$free" ]
        [ "$(base passwd "there:x:$((free + 7)):1::/:/bin/sh")" != "$free" ]
        [ "$(base group "there:x:$((free + 65535)):")" != "$free" ]
        [ ! -e /etc/subuid ] || [ "$(base subuid "there:$((free - 10)):20")" != "$free" ]
        [ ! -e /etc/subgid ] || [ "$(base subgid "there:$((free + 65530)):20")" != "$free" ]
        exec 9>"/run/systemd/nspawn-uid/$free" # as systemd-nspawn holds it
        "$BATS_TEST_DIRNAME/lib/ofd-lock" -n 9
        [ "$(base passwd "")" != "$free" ]
        rm -f "/run/systemd/nspawn-uid/$free"
        exec 9>&-
}

@test "devices belong to the machine's root: it opens what is 0600 on the host, with and without a user namespace" {
        local devices=(null zero full random urandom tty) more device users
        for device in fuse net/tun; do [ ! -c "/dev/$device" ] || more+=" $device"; done
        for users in pick no; do
                run in_root --private-users=$users sh -c "cd /dev; stat -c '%n %a %t:%T %u' ${devices[*]}$more"
                [ "$output" = "$(cd /dev && stat -c '%n %a %t:%T 0' ${devices[*]}$more)" ]
                in_root --private-users=$users sh -ec "for d in null full$more; do exec 3<>/dev/\$d; done; ! grep ' /dev/null ' /proc/self/mountinfo"
                [ "$(umask 077; in_root --private-users=$users stat -c %a /dev /dev/char ${more:+/dev/net} | uniq)" = 755 ]
                in_root --private-users=$users cmp -s /dev/char/1:5 /dev/zero -n 16
        done
}

@test "files of a tree that is shifted can still be mapped to another range" {
        chown -hR 655360:655360 "$D"
        [ "$(in_root --private-users=1310720 stat -c %u /etc/passwd)" = 0 ]
}

@test "--private-users-ownership=off leaves the owners as they are" {
        [ "$(in_root --private-users=1310720 --private-users-ownership=off stat -c %u /etc/passwd)" != 0 ]
}

@test "--private-users-ownership=chown gives the files to the range, access lists and capabilities too" {
        chmod 4755 "$D/bin/busybox"
        command -v setfacl >/dev/null && setfacl -m u:1000:r "$D/etc/group"
        in_root --private-users=655360 --private-users-ownership=chown true
        [ "$(stat -c %u:%g "$D" "$D/etc/passwd" "$D/bin/sh" | sort -u)" = 655360:655360 ]
        [ "$(stat -c %u "$D/home/lina")" = 656360 ]
        [ "$(stat -c %a "$D/bin/busybox")" = 4755 ]
        ! command -v getfacl >/dev/null || getfacl -n "$D/etc/group" 2>/dev/null | grep -q '^user:656360:r'
        [ "$(in_root --private-users=yes stat -c %u:%g /etc/passwd)" = 0:0 ]
        refused chown --read-only -- in_root --read-only --private-users=655360 --private-users-ownership=chown true
}

@test "--bind-user: the user is known inside, and its home is its own" {
        grep -q '^nobody' /etc/passwd || skip "no users"
        useradd -M -d "$T/home" -s /bin/bash "bt${BERTH_TEST_ID,,}" 2>/dev/null || skip "useradd does not work here"
        user=bt${BERTH_TEST_ID,,}
        mkdir "$T/home"
        chown "$user" "$T/home"
        chmod 755 "$T"
        run in_root --bind-user="$user" --bind-user-group=wheel sh -c "
                cat /run/host/userdb/$user.user /run/host/userdb/60514.group
                stat -c 'home %u' /run/host/home/$user"
        run2=$output
        refused --bind-user "user namespace" -- in_root --private-users=no --bind-user="$user" true
        userdel "$user"
        [[ $run2 == *'"uid":60514'* ]]
        [[ $run2 == *'"memberOf":["wheel"]'* ]]
        [[ $run2 == *'"homeDirectory":"/run/host/home/'* ]]
        [[ $run2 == *"home 60514"* ]]
}

# ---- the commands that people use ----

@test "the commands of guides run as they are written" {
        busybox_machine gentoo-stage3-amd64 'echo booted; ls /var/portage /var/tmp/portage; echo o >/var/tmp/portage/made; uname -m; poweroff -f'
        busybox_machine fedora none
        printf '#!/bin/sh\necho dnf "$@"\n' >"$BERTH_MACHINES/fedora/bin/dnf"
        chmod 755 "$BERTH_MACHINES/fedora/bin/dnf"
        mkdir "$T/portage" "$T/tmp"
        echo tree >"$T/portage/profile"
        as_written() { # COMMAND-LINE: with the places that it names
                PATH=$T/compat:$PATH unshare --mount sh -ec '
                        mkdir -p /var/lib/machines
                        mount --bind "$BERTH_MACHINES" /var/lib/machines
                        mkdir -p /var/tmp/portage /var/portage
                        mount --bind "$0/portage" /var/portage
                        mount --bind "$0/tmp" /var/tmp/portage
                        unset BERTH_MACHINES
                        eval "$1"' "$T" "$1" </dev/null
        }
        [ "$(as_written 'echo "echo in \$PWD; exit 5" | systemd-nspawn -q --console=pipe -D /var/lib/machines/gentoo-stage3-amd64 || echo $?' | xargs)" = "in /root 5" ]
        run as_written 'systemd-nspawn -D /var/lib/machines/gentoo-stage3-amd64 -b'
        [ "$status" = 0 ] && [[ $output == *booted* ]]
        run as_written 'systemd-nspawn --machine=gentoo-stage3-amd64 --boot --bind-ro=/var/portage --bind=/var/tmp/portage'
        [ "$status" = 0 ] && [[ $output == *profile* ]]
        [ "$(cat "$T/tmp/made")" = o ]
        [ "$(as_written 'systemd-nspawn -q -M fedora dnf install -y systemd' | tr -d '\r')" = "dnf install -y systemd" ]
        rmdir /var/portage /var/tmp/portage 2>/dev/null || :
}

@test "a settings file with Personality=x86 and binds; a device that the host lacks is named" {
        mkdir "$T/pulse"
        busybox_machine box none
        cat >"$T/box.nspawn" <<END
[Exec]
Personality=x86
[Files]
BindReadOnly=$T/pulse:/mnt
Bind=$T/pulse:/run/user/host/pulse
END
        mv "$T/box.nspawn" "$BERTH_MACHINES/box.nspawn"
        run nspawn -P --settings=trusted -M box sh -c 'uname -m; [ -d /run/user/host/pulse ] && ! touch /mnt/x 2>/dev/null'
        [ "$status" = 0 ] && { [ "$output" = i686 ] || [ "$(uname -m)" != x86_64 ]; }
        printf '[Files]\nBind=/dev/dri-of-nobody\n' >"$BERTH_MACHINES/box.nspawn"
        refused /dev/dri-of-nobody -- nspawn -P --settings=trusted -M box true
}

@test "--personality=x86 runs a 32-bit root" {
        [ "$(uname -m)" = x86_64 ] || skip "not an x86-64 host"
        cat >"$T/uname.c" <<'END'
static long call(long nr, long a, long b, long c)
{
        long r;
        __asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
        return r;
}
void _start(void)
{
        static char names[6 * 65];
        int n = 0;
        call(122, (long)names, 0, 0); /* uname */
        while (names[4 * 65 + n])
                n++;
        call(4, 1, (long)(names + 4 * 65), n);
        call(1, sizeof(long) == 4 ? 32 : 64, 0, 0);
}
END
        cc -m32 -O1 -static -nostdlib -fno-stack-protector -fno-pic -no-pie -o "$T/uname" "$T/uname.c" || skip "no 32-bit compiler"
        mkdir -p "$T/root32/usr/bin"
        cp "$T/uname" "$T/root32/usr/bin/uname"
        run nspawn -P --personality=x86 -D "$T/root32" /usr/bin/uname
        [ "$status" = 32 ] && [ "$output" = i686 ]
        run "$BERTH" run -q -P --personality=x86 -D "$T/root32" /usr/bin/uname
        [ "$status" = 32 ] && [ "$output" = i686 ]
}

# ---- what is handed in ----

@test "sockets of a service manager are handed in (LISTEN_FDS)" {
        activated() { # OPTION...: one pipe at descriptor 3
                python3 -c '
import os, sys
r, w = os.pipe()
os.write(w, b"from outside\n")
os.close(w)
if r != 3:
    os.dup2(r, 3)
os.set_inheritable(3, True)
os.environ["LISTEN_FDS"] = "1"
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[1], sys.argv[1:])' "$BERTH" run -q -P -D "$D" "$@"
        }
        [ "$(activated sh -c 'cat <&3; echo $LISTEN_FDS $LISTEN_PID $$' | xargs)" = "from outside 1 1 1" ]
        [ "$(activated --as-pid2 sh -c 'cat <&3; echo $LISTEN_FDS $LISTEN_PID $$' | xargs)" = "from outside 1 2 2" ]
        [ "$(LISTEN_FDS=1 LISTEN_PID=1 in_root sh -c 'echo x$LISTEN_FDS; ls /proc/self/fd' | xargs)" = "x 0 1 2 3" ]
}

# ---- rights ----

@test "--ambient-capability reaches a command of an ordinary user" {
        in_root --ambient-capability=CAP_NET_RAW -u lina grep -q '^CapEff:.*0000000000002000' /proc/self/status
        refused --boot --ambient-capability -- in_root -b --ambient-capability=CAP_NET_RAW
        refused --ambient-capability --capability=CAP_SYS_TIME -- in_root --ambient-capability=CAP_SYS_TIME true
}

@test "--system-call-filter takes calls away, by name and by group, and refusing wins" {
        refused "not permitted" -- in_root --system-call-filter='~chmod fchmodat fchmodat2' chmod 700 /tmp
        refused "not permitted" -- in_root --system-call-filter='@chown' --system-call-filter='~@chown' chown 1 /tmp
        refused "there is no group '@nope'" -- in_root --system-call-filter=@nope true
        refused "there is no system call 'frobnicate'" -- in_root --system-call-filter=frobnicate true
        in_root --system-call-filter=@keyring true
}

@test "--system-call-filter of a file that is not trusted only takes away" {
        printf '[Exec]\nSystemCallFilter=~@chown\n' >"$T/root.nspawn"
        refused "not permitted" -- in_root chown 1 /tmp
        printf '[Exec]\nSystemCallFilter=~@chown\nSystemCallFilter=@swap\n' >"$T/root.nspawn"
        run in_root chown 1 /tmp
        [ "$status" = 0 ]
        [[ $output == *"SystemCallFilter= is left out"* ]]
}

@test "--restrict-address-families" {
        refused "Address family not supported" -- in_root --restrict-address-families='~AF_INET AF_INET6' ping -c1 127.0.0.1
        in_root --restrict-address-families='AF_INET AF_INET6' ping -c1 127.0.0.1
        refused "Address family not supported" -- in_root --restrict-address-families=none ping -c1 127.0.0.1
}

# ---- what of the host is shown ----

@test "credentials are handed in, for root alone, and cannot be changed" {
        printf 'from a file' >"$T/secret"
        run in_root --set-credential='a:b\x00c\n' --load-credential="s:$T/secret" sh -c '
                od -An -c $CREDENTIALS_DIRECTORY/a; cat $CREDENTIALS_DIRECTORY/s; echo
                stat -c %a $CREDENTIALS_DIRECTORY/s; touch $CREDENTIALS_DIRECTORY/x 2>/dev/null || echo kept'
        [ "$(echo ${lines[0]})" = 'b \0 c \n' ]
        [ "${lines[1]}" = "from a file" ]
        [ "${lines[2]}" = 400 ]
        [ "${lines[3]}" = kept ]
        [ -z "$("$BERTH" run --plan -D "$D" --set-credential=a:geheim true | grep geheim)" ]
        refused "credential '/nowhere'" -- in_root --load-credential=a:/nowhere true
}

@test "--resolv-conf: copy leaves a link, replace does not, bind and delete" {
        [ -r /etc/resolv.conf ] || skip "the host has no resolv.conf"
        in_root --resolv-conf=bind-host cat /etc/resolv.conf | cmp - /etc/resolv.conf
        rm -f "$D/etc/resolv.conf"
        ln -s ../run/guest.conf "$D/etc/resolv.conf"
        in_root --resolv-conf=copy-host true
        [ -L "$D/etc/resolv.conf" ]
        in_root --resolv-conf=replace-host cmp /etc/resolv.conf /etc/resolv.conf
        [ ! -L "$D/etc/resolv.conf" ]
        cmp "$D/etc/resolv.conf" /etc/resolv.conf
        in_root --resolv-conf=delete [ ! -e /etc/resolv.conf ]
        refused --resolv-conf --read-only -- in_root --read-only --resolv-conf=copy-host true
        refused --resolv-conf "/usr/lib/systemd/resolv.conf" -- in_root --resolv-conf=copy-static true || [ -e /usr/lib/systemd/resolv.conf ]
}

@test "--timezone" {
        [ -e /etc/localtime ] || skip "the host has no time zone"
        in_root --timezone=copy true
        cmp "$D/etc/localtime" /etc/localtime
        in_root --timezone=delete [ ! -e /etc/localtime ]
        in_root --timezone=bind cmp /etc/localtime /etc/localtime
}

@test "called systemd-nspawn on a read-only tree without /etc/localtime: it starts all the same" {
        rm -f "$D/etc/localtime" "$D/etc/resolv.conf"
        nspawn -P --read-only -D "$D" true
        [ ! -e "$D/etc/resolv.conf" ]
}

@test "--link-journal shows the journal on the host, or the host's directory inside" {
        id=00112233445566778899aabbccddeeff
        echo $id >"$D/etc/machine-id"
        mkdir -p "$T/log/journal"
        # a /var/log of the test's own
        with_log() { unshare -m sh -c 'mount --bind "$0" /var/log && exec "$@"' "$T/log" "$@"; }
        with_log "$BERTH" run -q -P -D "$D" --link-journal=host sh -c "echo entry >/var/log/journal/$id/file"
        [ "$(cat "$T/log/journal/$id/file")" = entry ]
        [ "$(stat -c %u "$T/log/journal/$id/file")" = 0 ]
        rm -r "$T/log/journal/$id"
        with_log "$BERTH" run -q -P -D "$D" --link-journal=try-guest sh -c "echo inner >/var/log/journal/$id/file"
        [ "$(readlink "$T/log/journal/$id")" = "$D/var/log/journal/$id" ]
        rm "$T/log/journal/$id"
        rmdir "$T/log/journal"
        with_log "$BERTH" run -q -P -D "$D" --link-journal=try-host true
        [ ! -e "$T/log/journal" ]
}

# ---- units, endings ----

@test "a reboot under --keep-unit ends with 133, for the unit to start it again" {
        run in_root --keep-unit --capability=CAP_SYS_BOOT sh -c 'kill -9 1 2>/dev/null; reboot -f'
        [ "$status" = 133 ]
        run in_root poweroff -f
        [ "$status" = 0 ]
}

@test "--property where berth makes the control groups: limits that the kernel keeps, and what systemd alone can do is refused" {
        [ ! -d /run/systemd/system ] || skip "systemd makes them here"
        local v1=/sys/fs/cgroup/pids
        if [ -e "$v1/pids.max" ] || [ -e "$v1/cgroup.procs" ]; then
                run in_root --property=TasksMax=7 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait'
                [[ $output == *"fork"* ]] # cannot: seven it is
                in_root sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait'
                [ -z "$(find "$v1" -name "*berth*$BERTH_TEST_ID*")" ]
        fi
        refused "property Description" systemd -- in_root --property=Description=x true
        refused "did you mean 'TasksMax'" -- in_root --property=TaskMax=x true
        refused "'many' is no value of property TasksMax" -- in_root --property=TasksMax=many true
}

@test "what only systemd could do is refused by name" {
        [ ! -d /run/systemd/system ] || skip "systemd is here"
        refused --register machined -- in_root --register=yes true
        in_root --register=no true
        refused --keep-unit --slice -- in_root --keep-unit --slice=a.slice true
}

@test "--slice names the control group's place" {
        [ -n "$(cgroup2_mountpoint)" ] || skip "no cgroup2"
        "$BERTH" run --plan -D "$D" --slice=a-b.slice true | grep -q 'cgroup /a.slice/a-b.slice/berth-root'
}

@test "refused together: each message names both" {
        refused --boot --as-pid2 -- in_root -b -a
        refused --ephemeral --link-journal -- in_root -x --link-journal=host true
        refused "own root directory" --ephemeral -- "$BERTH" run -q -P -D / true
        "$BERTH" run -q -P -x -D / --machine="m${BERTH_TEST_ID,,}" true
}
