# SPDX-License-Identifier: LGPL-2.1-or-later
# What every integration test needs: a berth of its own below a temporary directory, a small root file system, and the proof that nothing
# is left. Use:
#
#   load lib/berth
#   setup()    { berth_setup; }
#   teardown() { berth_teardown; }
#
# After berth_setup: $T (temporary directory), $BERTH (program), $BERTH_MACHINES, $BERTH_STATE, $BERTH_RUN, $BERTH_CACHE, $BERTH_CGROUP
# exported. Nothing of the host's own machines is seen or touched, and test files may run at the same time.

BERTH=${BERTH:-$(dirname "${BASH_SOURCE[0]}")/../../../build/berth}

berth() { "$BERTH" "$@"; }

berth_setup() {
        [ "$(id -u)" = 0 ] || skip "machines need root"
        T=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-test.XXXXXX")
        BERTH_TEST_ID=${T##*.}
        export BERTH_MACHINES=$T/machines BERTH_STATE=$T/state BERTH_RUN=$T/run BERTH_CACHE=$T/cache BERTH_SETTINGS=$T/settings
        export BERTH_CGROUP=/berth-test-$BERTH_TEST_ID
        unset NOTIFY_SOCKET
}

# Where cgroup2 is mounted, empty when it is not.
cgroup2_mountpoint() { awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts; }

# Processes that belong to this test: in its cgroup, in a mount namespace that has something of its directory mounted, or one of berth's
# programs started with its BERTH_RUN.
berth_processes() {
        local cg pid own
        cg=$(cgroup2_mountpoint)
        if [ -n "$cg" ] && [ -d "$cg$BERTH_CGROUP" ]; then
                find "$cg$BERTH_CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null
        fi
        own=$(readlink /proc/self/ns/mnt)
        for pid in $(grep -lsF "${T##*/}" /proc/[0-9]*/mountinfo | cut -d/ -f3); do
                [ "$(readlink "/proc/$pid/ns/mnt" 2>/dev/null || echo "$own")" = "$own" ] || echo "$pid"
        done
        for pid in $(stat -c %N /proc/[0-9]*/exe 2>/dev/null | grep -F -- "-> '$(realpath "${BERTH%/*}")/berth" | cut -d/ -f3); do
                tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "BERTH_RUN=$BERTH_RUN" && echo "$pid"
        done
        return 0
}

# Fails, and says what, when the test left anything behind: processes, mounts, cgroups, loop devices, interfaces, hidden names in the store.
berth_nothing_left() {
        local bad=0 left cg
        left=$(berth_processes | sort -u | xargs -r ps -o pid=,args= -p) || :
        if [ -n "$left" ]; then echo "processes left: $left"; bad=1; fi
        left=$(grep -F "$T" /proc/self/mountinfo) || :
        if [ -n "$left" ]; then echo "mounts left: $left"; bad=1; fi
        cg=$(cgroup2_mountpoint)
        if [ -n "$cg" ] && [ -d "$cg$BERTH_CGROUP" ]; then
                left=$(find "$cg$BERTH_CGROUP" -mindepth 1 -type d)
                if [ -n "$left" ]; then echo "cgroups left: $left"; bad=1; fi
        fi
        left=$(losetup -l -n -O NAME,BACK-FILE 2>/dev/null | grep -F "$T") || :
        if [ -n "$left" ]; then echo "loop devices left: $left"; bad=1; fi
        left=$(ls /sys/class/net | grep -E '^(ve|vb|vz)-' | grep -F "$BERTH_TEST_ID") || :
        if [ -n "$left" ]; then echo "interfaces left: $left"; bad=1; fi
        if [ -d "$BERTH_RUN/machines" ]; then
                left=$(ls "$BERTH_RUN/machines")
                if [ -n "$left" ]; then echo "records left: $left"; bad=1; fi
        fi
        return $bad
}

# Nothing under construction is left in the store (the next command clears it, so run one first when the test killed something).
berth_no_debris() {
        local left
        left=$(find "$BERTH_MACHINES" -maxdepth 4 -name '.#*' ! -name '*.lck' ! -path '*/layers/*/*' 2>/dev/null)
        [ -z "$left" ] || { echo "debris in the store: $left"; return 1; }
}

berth_teardown() {
        local name status=0 tries
        [ -n "${T-}" ] || return 0
        for name in $("$BERTH" list --no-legend 2>/dev/null | awk '{print $1}'); do
                "$BERTH" terminate "$name" >/dev/null 2>&1
        done
        for tries in 1 2 3 4 5 6 7 8 9 10; do # what was killed may need a moment to be reaped
                berth_nothing_left >/dev/null && break
                sleep 0.1
        done
        berth_nothing_left || status=1
        berth_processes | xargs -r kill -9 2>/dev/null
        local cg
        cg=$(cgroup2_mountpoint)
        [ -z "$cg" ] || [ ! -d "$cg$BERTH_CGROUP" ] || find "$cg$BERTH_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
        # The real systemd-nspawn makes the same groups in the hierarchy that systemd has for itself on hybrid hosts, and leaves them.
        for cg in $(awk '$3 == "cgroup" && $4 ~ /name=systemd/ { print $2 }' /proc/self/mounts); do
                [ ! -d "$cg$BERTH_CGROUP" ] || find "$cg$BERTH_CGROUP" -depth -type d -exec rmdir {} + || status=1
        done
        rm -rf "$T"
        return $status
}

# A small root file system from the host's static busybox: busybox_root DIR [INIT]
#   INIT   busybox   /sbin/init is busybox, which starts one shell script and powers off on its signals
#          SCRIPT    the text of /sbin/init, run by busybox sh
#          none      no init at all (the default)
busybox_root() {
        local dir=$1 init=${2-none} busybox
        busybox=$(command -v busybox) || { echo "busybox-static is not installed" >&2; return 1; }
        mkdir -p "$dir"/{bin,sbin,usr/bin,etc,proc,sys,dev,run,tmp,root,var/log,home/lina}
        cp "$busybox" "$dir/bin/busybox"
        "$busybox" --list | grep -vxE 'busybox|init' | python3 -c 'import os, sys
for name in sys.stdin.read().split():
    if not os.path.lexists(sys.argv[1] + name): os.symlink("busybox", sys.argv[1] + name)' "$dir/bin/" # one program, not one for each
        chmod 1777 "$dir/tmp"
        chown 1000:1000 "$dir/home/lina"
        printf 'ID=busyroot\nVERSION_ID=1\nPRETTY_NAME="Busybox test root"\n' >"$dir/etc/os-release"
        printf 'root:x:0:0:root:/root:/bin/sh\nlina:x:1000:1000::/home/lina:/bin/sh\n' >"$dir/etc/passwd"
        printf 'root:x:0:\nlina:x:1000:\nstaff:x:50:lina\n' >"$dir/etc/group"
        case $init in
        none) ;;
        busybox)
                ln -s ../bin/busybox "$dir/sbin/init"
                printf '::sysinit:/bin/sh -c "echo system is up"\n::respawn:/bin/sleep 100000\n::shutdown:/bin/touch /var/log/clean-shutdown\n' \
                        >"$dir/etc/inittab" ;;
        *)
                printf '#!/bin/sh\n%s\n' "$init" >"$dir/sbin/init"
                chmod 755 "$dir/sbin/init" ;;
        esac
}

# A machine in the store that is a plain directory: busybox_machine NAME [INIT]
busybox_machine() {
        mkdir -p -m 700 "$BERTH_MACHINES"
        busybox_root "$BERTH_MACHINES/$1" "${2-busybox}"
}
