#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Imports that are killed at, or fail in, any of their system calls: the machine is there, whole, or not at all; nothing is left once the
# next command has run, and the same import succeeds. Moments and faults are samples, evenly spread.

bats_require_minimum_version 1.5.0
load lib/berth

MOMENTS=4 # of each verb: one in many of its system calls

setup_file() {
        [ "$(stat -f -c %T /dev/shm 2>/dev/null)" != tmpfs ] || export BERTH_TEST_PLACE=${BERTH_TEST_PLACE:-/dev/shm}
}
setup() {
        berth_setup
        command -v mkfs.ext4 >/dev/null || PATH=$PATH:/sbin:/usr/sbin
        busybox_root "$T/root" busybox
        head -c 300K /dev/urandom >"$T/root/var/random"
        tar -C "$T/root" -cf - . | xz -1 >"$T/web.tar.xz"
}
teardown() { berth_teardown; }

make_disk() {
        truncate -s 16M "$T/web.raw"
        mkfs.ext4 -q -F -d "$T/root" "$T/web.raw"
        gzip -1 -k "$T/web.raw"
}

# Processes die with the one that was killed, though not in the same instant.
nobody_left() {
        local tries
        for tries in $(seq 600); do
                [ -n "$(berth_processes)" ] || return 0
                sleep 0.05
        done
        berth_processes | xargs -r ps -o pid=,ppid=,stat=,args= -p
        return 1
}

names() { "$BERTH" images --no-legend | awk '{ print $1 }' | tr '\n' ' '; }
is_whole_tree() { "$BERTH" export-tar web 2>/dev/null | tar -xO ./var/random | cmp - "$T/root/var/random"; }
is_whole_disk() { cmp "$T/web.raw" "$BERTH_MACHINES/web.raw"; }

# Whatever became of an import: IS_WHOLE VERB…
old_or_new() {
        nobody_left || return
        case $(names) in # and this command clears the rest
        "") ;;
        "web ") "$1" && "$BERTH" remove web || return ;;
        *) names; return 1 ;;
        esac
        berth_no_debris && berth_nothing_left || return
        [ -z "$(ls -A "$BERTH_MACHINES/.berth.v/work")" ] || { find "$BERTH_MACHINES/.berth.v/work"; return 1; }
        [ "$("$BERTH" list-transfers)" = "No transfers." ] && [ -z "$(ls -A "$BERTH_RUN/transfers" 2>/dev/null)" ]
}

again() { # IS_WHOLE VERB…
        "$BERTH" "${@:2}" 2>"$T/err" && "$1" && "$BERTH" remove web || { cat "$T/err"; return 1; }
}

# As strace counts: each system call by itself.
nth() { sed -n "${1}p" "$T/trace" | cut -d'(' -f1; }
nth_of_its_kind() { head -n "$1" "$T/trace" | grep -c "^$(nth "$1")("; }

killed() { # IS_WHOLE VERB…
        local total i n
        strace -e signal=none -o "$T/trace" "$BERTH" "${@:2}" >/dev/null 2>&1
        "$1" && "$BERTH" remove web
        total=$(grep -c '^[a-z]' "$T/trace")
        [ "$total" -ge 100 ]
        for ((i = 1; i <= MOMENTS; i++)); do
                n=$((total * i / (MOMENTS + 1)))
                status=0
                strace -o /dev/null -e "inject=$(nth $n):signal=SIGKILL:when=$(nth_of_its_kind $n)" "$BERTH" "${@:2}" >/dev/null 2>"$T/err" || status=$?
                # How often it polls is not the same in each run: the last moments may not come.
                [ "$status" = 137 ] || [ "$status" = 0 ] || { echo "at $n of $total: exit status $status"; cat "$T/err"; return 1; }
                old_or_new "$1" || { echo "at $n of $total: $(sed -n "${n}p" "$T/trace")"; return 1; }
        done
        again "$@"
}

# The Nth call of a kind fails, in the command and in each of its processes alike: faulty IS_WHOLE VERB… -- CALL:ERROR…
faulty() {
        local words=() fault n hit=0
        while [ "$1" != -- ]; do words+=("$1"); shift; done
        shift
        for fault in "$@"; do
                for n in 2 9 40; do
                        status=0
                        strace -f -o "$T/trace" -e "trace=${fault%:*}" -e "inject=${fault%:*}:error=${fault#*:}:when=$n" \
                                "$BERTH" "${words[@]:1}" >/dev/null 2>"$T/err" || status=$?
                        grep -q INJECTED "$T/trace" || { old_or_new "${words[0]}" && break; }
                        hit=$((hit + 1))
                        case $status in
                        0) ;;
                        1) [ "$(grep -c '^berth: ' "$T/err")" -eq 1 ] ;;
                        127) grep -q 'loading shared libraries' "$T/err" ;;
                        *) false ;;
                        esac || { echo "$fault at $n: exit status $status"; cat "$T/err"; return 1; }
                        old_or_new "${words[0]}" || { echo "$fault at $n"; cat "$T/err"; return 1; }
                done
        done
        [ "$hit" -ge 5 ]
        again "${words[@]}"
}

@test "import-tar, killed" {
        killed is_whole_tree import-tar "$T/web.tar.xz"
        killed is_whole_tree import-tar "$T/web.tar.xz" --driver=directory
}

@test "import-raw, killed" {
        make_disk
        killed is_whole_disk import-raw "$T/web.raw.gz"
}

@test "import-fs, killed" { cp -a "$T/root" "$T/web"; killed is_whole_tree import-fs "$T/web"; }

@test "import-tar, with calls that fail" {
        faulty is_whole_tree import-tar "$T/web.tar.xz" -- write:ENOSPC openat:EMFILE openat:EIO mkdirat:ENOSPC fsync:EIO syncfs:EIO renameat2:EIO \
                renameat:EIO read:EIO clone3:EAGAIN pipe2:EMFILE memfd_create:EMFILE
}

@test "import-raw, with calls that fail" {
        make_disk
        faulty is_whole_disk import-raw "$T/web.raw.gz" -- pwrite64:ENOSPC pwrite64:EIO ftruncate:EIO ftruncate:ENOSPC openat:EMFILE openat:ENOSPC read:EIO \
                syncfs:EIO renameat2:EIO renameat:EIO clone3:EAGAIN pipe2:EMFILE
}
