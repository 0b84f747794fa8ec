#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same small root, started by the systemd-nspawn that is installed and by berth under that name, with ten sets of options: what a static
# program inside (world.c) finds must be the same, but for what compare.differences explains.

load lib/berth

setup() {
        berth_setup
        command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed"
        version=$(systemd-nspawn --version | awk 'NR == 1 { print $2 }')
        [ "${version%%[!0-9]*}" -ge 252 ] || skip "this systemd-nspawn is older than 252"
        mkdir "$T/compat" "$T/host" "$T/low" "$T/up"
        echo shared >"$T/host/file"
        ln -s "$(realpath "$BERTH")" "$T/compat/systemd-nspawn"
        busybox_root "$T/template" "exec /bin/world"
        mkdir "$T/template"/{mnt,srv,opt,usr/lib}
        cp "$T/template/etc/os-release" "$T/template/usr/lib/os-release"
        printf '%s\n' '#!/bin/sh' 'if [ "$1" = passwd ]; then grep "^$2:" /etc/passwd; else echo "$2 50"; fi' >"$T/template/usr/bin/getent"
        chmod 755 "$T/template/usr/bin/getent"
        cp "${BERTH_BUILD:-$(dirname "$BERTH")}/tests/unit/engine/world" "$T/template/bin/world"
        cgroup=$(cgroup2_mountpoint)
        [ -n "$cgroup" ] || skip "no cgroup2"
        mkdir "$cgroup$BERTH_CGROUP"
}
teardown() {
        [ -z "${cgroup-}" ] || find "$cgroup$BERTH_CGROUP" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null
        berth_teardown
}

# In a control group of its own, as --keep-unit puts the machine below the caller's, and with a /run/systemd of its own: what systemd-nspawn
# leaves there goes with it, and the nodes that it masks others with are there without systemd, too.
started_by() { # PROGRAM OUT OPTION...
        local program=$1 out=$2
        shift 2
        rm -rf --one-file-system "$T/world" "$T/up"
        mkdir "$T/up"
        cp -a "$T/template" "$T/world"
        (
                group=$(mktemp -d "$cgroup$BERTH_CGROUP/caller.XXXXXX")
                echo $BASHPID >"$group/cgroup.procs"
                export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 TERM=dumb
                umask 022
                exec unshare --mount sh -ec '
                        mount -t tmpfs tmpfs /run/systemd
                        mkdir -m 0 /run/systemd/inaccessible /run/systemd/inaccessible/dir
                        mknod -m 0 /run/systemd/inaccessible/chr c 0 0
                        mknod -m 0 /run/systemd/inaccessible/blk b 0 0
                        mkfifo -m 0 /run/systemd/inaccessible/fifo
                        : >/run/systemd/inaccessible/reg
                        chmod 0 /run/systemd/inaccessible/reg
                        chmod 755 /run/systemd/inaccessible
                        exec timeout 60 "$@"' sh "$program" --register=no --keep-unit -D "$T/world" "$@" </dev/null >"$out" 2>"$out.err"
        ) || { cat "$out.err"; tail -n 3 "$out"; return 1; }
}

compared() { # OPTION...
        started_by systemd-nspawn "$T/nspawn.out" "$@"
        started_by "$T/compat/systemd-nspawn" "$T/berth.out" "$@"
        [ -z "${COMPARE_KEEP-}" ] || cp "$T"/*.out "$COMPARE_KEEP"
        "$BATS_TEST_DIRNAME/lib/world-compare" "$T/nspawn.out" "$T/berth.out" "$BATS_TEST_DIRNAME/compare.differences" \
                "$BATS_FILE_TMPDIR/used" "${version%%[!0-9]*}"
        touch "$BATS_FILE_TMPDIR/set-$BATS_TEST_NUMBER"
}

@test "1: no option at all" {
        compared --quiet /bin/world
}

@test "2: the caller's descriptors, a private network, a name and a machine ID" {
        compared --pipe --private-network --hostname=named --uuid=0123456789abcdef0123456789abcdef -E A=b -E PATH=/bin world
}

@test "3: a user namespace, files mapped" {
        compared --quiet --private-users=655360 --private-users-ownership=map --private-network /bin/world
}

@test "4: a user namespace, files given away, the host's network" {
        compared --quiet --private-users=655360 --private-users-ownership=chown /bin/world
}

@test "5: a stub init, an ordinary user, a working directory" {
        compared --quiet --as-pid2 --user=lina --chdir=/home/lina /bin/world
}

@test "6: an init" {
        compared --quiet --boot --private-users=655360:65536 --private-users-ownership=map --private-network one two
}

@test "7: rights: capabilities, calls, no new privileges" {
        compared --quiet --capability=CAP_SYS_TIME,CAP_IPC_LOCK,CAP_SYS_RAWIO --drop-capability=CAP_SYS_ADMIN,CAP_CHOWN --no-new-privileges=yes \
                '--system-call-filter=@keyring perf_event_open' '--system-call-filter=~@swap @aio' /bin/world
}

@test "8: mounts of all kinds, read-only" {
        compared --quiet --read-only --bind="$T/host:/mnt" --bind-ro="$T/host:/srv:norbind" --tmpfs=/var:mode=0700,uid=5 --inaccessible=/opt \
                --inaccessible=/etc/group --overlay="$T/low:$T/up:/home" --overlay-ro="$T/low:$T/host:/root" /bin/world
}

@test "9: nothing is kept, limits, an affinity, a personality" {
        compared --quiet --volatile=overlay --rlimit=NOFILE=100:200 --rlimit=CORE=infinity --oom-score-adjust=77 --cpu-affinity=0 \
                --personality=x86 --suppress-sync=yes /bin/world
}

@test "10: all rights, ambient ones for a user, credentials, a throw-away copy" {
        compared --quiet --capability=all --ambient-capability=CAP_NET_RAW,CAP_KILL --user=lina --ephemeral --machine=world \
                --set-credential=a:b --resolv-conf=off --timezone=off --link-journal=no /bin/world
}

@test "all differences that are explained were seen" {
        [ "$(find "$BATS_FILE_TMPDIR" -name 'set-*' | wc -l)" = 10 ] || skip "not all sets were compared"
        run awk -v used="$BATS_FILE_TMPDIR/used" -v version="${version%%[!0-9]*}" '
                BEGIN { while ((getline line <used) > 0) seen[line] = 1 }
                { sub(/^[ \t]+|[ \t]+$/, "") }
                /^(#|$)/ { next }
                match($0, /^<[0-9]+ /) && version >= substr($0, 2, RLENGTH - 2) + 0 { next }
                !($0 in seen) { print "explains nothing: " $0 }' "$BATS_TEST_DIRNAME/compare.differences"
        echo "$output"
        [ -z "$output" ]
}
