#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ctrl-C and kill -9 at many moments of create, clone, snapshot and remove. Afterwards no process is left, nothing is mounted, the store
# holds the old state or the new one, the next command clears the rest, and the same command succeeds. (What the store does between any
# two of its system calls is tests/integration/store.bats.)

bats_require_minimum_version 1.5.0

load lib/berth
load lib/mirror

setup_file() {
        # Dozens of whole roots, each with its syncs: where it is to be had, on a file system that has no disk to wait for.
        [ "$(stat -f -c %T /dev/shm 2>/dev/null)" != tmpfs ] || export BERTH_TEST_PLACE=${BERTH_TEST_PLACE:-/dev/shm}
        mirror_setup_file
}
teardown_file() { mirror_teardown_file; }

setup() {
        berth_setup
        [ -z "${MIRROR-}" ] || P=$T/p
}

teardown() {
        [ -z "${web-}" ] || { kill "$web" && wait "$web" 2>/dev/null || true; }
        berth_teardown
}

# ---- helpers ----

# Starts a command as the foreground job of a terminal would run: in a process group of its own, with SIGINT as it is by default. $pid
start() {
        : >"$T/err"
        setsid env --default-signal=INT,QUIT "$@" >"$T/out" 2>"$T/err" </dev/null 3>&- &
        pid=$!
        while alive && [[ $(readlink "/proc/$pid/exe") != */berth* ]]; do sleep 0.001; done # bash, setsid and env come first
}

# As start, for `tiny`.
start_create() { # NAME [OPTION]…
        start "$BERTH" create "$1" debian:tiny --variant=minbase --mirror="${URL:-file://$MIRROR/www}" --keyring="$KEYRING" "${@:2}"
}

alive() { kill -0 "$pid" 2>/dev/null; }

# Waits until a line of its log begins so, or it has ended.
until_step() { while alive && ! grep -q "^$1" "$T/err"; do sleep 0.002; done; }

# By interrupt (to the process group, as the terminal does it) or kill (the program alone).
strike() { # interrupt|kill
        case $1 in
        interrupt) kill -INT -- "-$pid" 2>/dev/null || true ;;
        kill) kill -KILL "$pid" 2>/dev/null || true ;;
        esac
        status=0
        wait "$pid" 2>/dev/null || status=$?
        ended=$(tail -n 1 "$T/err")
        interrupt_is_plain "$1" || return
        nobody_left
}

# What an interrupted command says, if anything, is one line.
interrupt_is_plain() {
        [ "$(grep -c '^berth: ' "$T/err")" -le 1 ] || { cat "$T/err"; return 1; }
        case $1:$status in
        *:0 | interrupt:130 | kill:137) ;;
        interrupt:1) [[ $ended == "berth: "*interrupted* ]] || { cat "$T/err"; return 1; } ;;
        *) echo "exit status $status"; cat "$T/err"; return 1 ;;
        esac
}

# Processes die with the one that was killed, though not in the same instant.
nobody_left() {
        local tries
        for tries in $(seq 100); do
                [ -n "$(berth_processes)" ] || break
                sleep 0.05
        done
        [ -z "$(berth_processes)" ] || { echo "processes left:"; berth_processes | xargs -r ps -o pid=,ppid=,stat=,args= -p; return 1; }
        ! grep -F "$T" /proc/self/mountinfo
}

# The next command, whatever it is, clears what is left.
next_command() {
        "$BERTH" images >"$T/images"
        berth_no_debris
        [ -z "$(ls -A "$BERTH_MACHINES/.berth.v/work" 2>/dev/null)" ] || { echo "debris: $(find "$BERTH_MACHINES/.berth.v/work" | head)"; return 1; }
}

names() { "$BERTH" images --no-legend | awk '{ print $1 }' | tr '\n' ' '; }

is_whole() { # NAME
        local root=$BERTH_MACHINES/$1.mstack/layer@0
        [ "$(grep -c '^Status: install ok installed$' "$root/var/lib/dpkg/status")" = 27 ] && [ -x "$root/usr/bin/dpkg" ] &&
                [ ! -e "$root/usr/sbin/policy-rc.d" ] || { echo "$1 is not whole"; ls "$root"; return 1; }
}

# After a blow to `create web`: the old machine is as it was, the new one is whole or is not there, and then it can be made.
old_or_new() { # [OPTION]…
        next_command || return
        is_whole old || return
        case $(names) in
        "old ") again=1; tiny web "$@" >"$T/out" 2>"$T/again" || { cat "$T/again"; return 1; } ;;
        "old web ") ;;
        *) echo "machines: $(names)"; return 1 ;;
        esac
        is_whole web && is_whole old && berth_nothing_left && berth_no_debris || return
        "$BERTH" remove web
        [ -z "$(ls -A "$BERTH_MACHINES/.berth.v/work")" ] && [ "$(names)" = "old " ]
}

# Blows at COUNT moments, spread over a while that starts with a step: moments HOW STEP MILLISECONDS COUNT
moments() {
        local how=$1 step=$2 span=$3 count=$4 i hit=0
        for ((i = 0; i < count; i++)); do
                start_create web --rebuild
                until_step "$step"
                sleep "$(printf '%d.%03d' $((span * i / count / 1000)) $((span * i / count % 1000)))"
                strike "$how" || return
                [ "$status" = 0 ] || hit=$((hit + 1))
                old_or_new --rebuild || { echo "moment $i after '$step'"; return 1; }
        done
        echo "$hit of $count struck"
        [ "$hit" -ge 1 ]
}

# ---- create ----

@test "create, interrupted while it reads the index and fetches" {
        tiny old 2>/dev/null
        web_delayed 150
        for i in 0 1 2 3 4; do
                rm -rf "$BERTH_CACHE"
                start_create web --rebuild
                sleep "0.$((i * 2))"
                strike interrupt
                [ "$status" != 0 ]
                old_or_new --rebuild
        done
}

@test "create, killed while it reads the index and fetches" {
        tiny old 2>/dev/null
        web_delayed 150
        for i in 0 1 2 3 4; do
                rm -rf "$BERTH_CACHE"
                start_create web --rebuild
                sleep "0.$((i * 2))"
                strike kill
                [ "$status" != 0 ]
                old_or_new --rebuild
        done
}

# A mirror that takes its time with every file.
web_delayed() {
        "$(dirname "$BERTH")/tests/unit/transfer/httpd" "$MIRROR/www" "$T/log" delay="$1" >"$T/port" 3>&- &
        web=$!
        while ! [ -s "$T/port" ]; do sleep 0.02; done
        URL=http://127.0.0.1:$(cat "$T/port")
}

@test "create, interrupted while it unpacks" { tiny old 2>/dev/null; moments interrupt Fetching 300 6; }
@test "create, killed while it unpacks" { tiny old 2>/dev/null; moments kill Fetching 300 6; }
@test "create, interrupted while it configures" { tiny old 2>/dev/null; moments interrupt Configuring 400 7; }
@test "create, killed while it configures" { tiny old 2>/dev/null; moments kill Configuring 400 7; }

# A mirror with a package whose script hangs, and does not care about being asked to end.
stubborn_mirror() {
        mirror_copy "$T/www"
        URL=file://$T/www
        mkdir -p "$P/DEBIAN"
        printf '#!/bin/sh\ntrap "" INT TERM HUP QUIT\nsetsid sleep 1000 &\nwhile :; do sleep 1000; done\n' >"$P/DEBIAN/postinst"
        chmod 755 "$P/DEBIAN/postinst"
        mirror_package "$T/www" stubborn
        mirror_index "$T/www"
}

# The process of the sandbox whose command line has these words.
sandbox_process() { berth_processes | sort -u | xargs -r ps -o pid=,args= -p | awk -v words="$1" 'index($0, words) { print $1; exit }'; }

start_stubborn() {
        local tries
        start_create web --include=stubborn
        until_step Configuring
        for tries in $(seq 200); do
                [ -z "$(sandbox_process 'sleep 1000')" ] || return 0
                sleep 0.05
        done
        return 1
}

@test "create, struck while a script hangs that nothing but SIGKILL ends" {
        stubborn_mirror
        tiny old 2>/dev/null
        for how in interrupt kill; do
                start_stubborn
                strike $how
                [ "$status" != 0 ]
                old_or_new
        done
}

@test "create, killed with its whole process group, or only the shell that configures" {
        stubborn_mirror
        tiny old 2>/dev/null
        start_stubborn
        kill -KILL -- "-$pid"
        wait "$pid" 2>/dev/null || true
        nobody_left
        old_or_new
        start_stubborn
        kill -KILL "$(sandbox_process 'sh -s')"
        status=0
        wait "$pid" || status=$?
        cat "$T/err"
        [ "$status" = 1 ] && [ "$(grep -c '^berth: ' "$T/err")" = 1 ]
        [[ $(tail -n 1 "$T/err") == "berth: the packages cannot be configured: "* ]]
        nobody_left
        old_or_new
}

# The Nth line of a trace as strace counts: each system call by itself.
nth() { sed -n "${1}p" "$T/trace" | cut -d'(' -f1; }
nth_of_its_kind() { head -n "$1" "$T/trace" | grep -c "^$(nth "$1")("; }

# Killed at the Nth rename: what create does last, commit and clone, is a row of them. (The sandbox is not traced, only create itself.)
@test "create, killed at each step of commit and clone" {
        tiny old 2>/dev/null
        local calls=renameat2,renameat,rename,syncfs n last=0
        strace -o "$T/trace" -e "trace=$calls" "$BERTH" create web debian:tiny --variant=minbase --mirror="file://$MIRROR/www" --keyring="$KEYRING" --rebuild 2>/dev/null
        "$BERTH" remove web
        last=$(grep -c '^[rs]' "$T/trace")
        n=$(awk '/^syncfs/ { print NR; exit }' "$T/trace")
        [ "$last" -ge "$n" ] && [ $((last - n)) -ge 2 ]
        for (( ; n <= last; n++)); do
                status=0
                strace -o /dev/null -e "trace=$calls" -e "inject=$(nth $n):signal=SIGKILL:when=$(nth_of_its_kind $n)" "$BERTH" create web debian:tiny --variant=minbase \
                        --mirror="file://$MIRROR/www" --keyring="$KEYRING" --rebuild >/dev/null 2>"$T/err" || status=$?
                [ "$status" = 137 ] || { echo "step $n of $last: exit status $status"; cat "$T/err"; return 1; }
                nobody_left
                old_or_new --rebuild || { echo "step $n of $last: $(sed -n "${n}p" "$T/trace")"; return 1; }
        done
}

@test "create without --rebuild, killed while it clones" {
        tiny old 2>/dev/null
        for i in $(seq 0 14); do
                start_create web
                sleep "0.0$(printf %02d $((i * 2)))"
                strike kill
                old_or_new
        done
}

# ---- the verbs of the store ----

# Blows at 15 moments of a verb that takes a few milliseconds: the moments are its system calls, evenly spread.
# struck VERB… with the functions `before` (makes the state it starts from) and `after` (judges, and runs the verb again)
struck() {
        local signal total i n
        before
        strace -o "$T/trace" "$BERTH" "$@" >/dev/null 2>&1
        total=$(grep -c '^[a-z]' "$T/trace")
        [ "$total" -ge 30 ]
        for signal in SIGKILL SIGINT; do
                for ((i = 1; i <= 15; i++)); do
                        n=$((total * i / 16))
                        before
                        status=0
                        env --default-signal=INT strace -o /dev/null -e "inject=$(nth $n):signal=$signal:when=$(nth_of_its_kind $n)" "$BERTH" "$@" >/dev/null 2>"$T/err" || status=$?
                        [ "$status" = 137 ] || [ "$status" = 130 ] || { echo "$signal at $n of $total: exit status $status"; cat "$T/err"; return 1; }
                        ! grep -v "^web2: reset " "$T/err" || { cat "$T/err"; return 1; }
                        nobody_left && next_command && after "$@" || { echo "$signal at $n of $total: $(sed -n "${n}p" "$T/trace")"; return 1; }
                        berth_nothing_left && berth_no_debris
                done
        done
}

fresh_store() {
        rm -rf "$BERTH_MACHINES"
        [ -d "$T/template" ] || { tiny web 2>/dev/null; cp -a "$BERTH_MACHINES" "$T/template"; return; }
        cp -al "$T/template" "$BERTH_MACHINES"
}

@test "clone, struck" {
        before() { fresh_store; }
        after() {
                is_whole web || return
                case $(names) in
                "web ") "$BERTH" "$@" || return ;;
                "web web2 ") ;;
                *) names; return 1 ;;
                esac
                is_whole web2 && is_whole web && hostname_is web2
        }
        struck clone web web2
}

# Also in a machine that there is since an instant ago.
hostname_is() { # NAME
        [ "$(cat "$BERTH_MACHINES/$1.mstack/rw/data/etc/hostname")" = "$1" ] || { echo "$1 calls itself $(cat "$BERTH_MACHINES/$1.mstack/rw/data/etc/hostname")"; return 1; }
}

@test "clone, killed at each system call around the one that makes the machine: it is there with its own name, or not at all" {
        local n first last made=0
        fresh_store
        strace -o "$T/trace" "$BERTH" clone web web2 >/dev/null 2>&1
        last=$(grep -c '^[a-z]' "$T/trace")
        first=$(awk '/^renameat2.*web2.mstack/ { print NR; exit }' "$T/trace")
        [ "$((last - first))" -ge 4 ]
        for ((n = first - 12; n <= last - 1; n++)); do
                fresh_store
                status=0
                strace -o /dev/null -e "inject=$(nth $n):signal=SIGKILL:when=$(nth_of_its_kind $n)" "$BERTH" clone web web2 >/dev/null 2>"$T/err" || status=$?
                [ "$status" = 137 ]
                nobody_left && next_command && is_whole web || { echo "at $n of $last"; return 1; }
                case $(names) in
                "web ") ;;
                "web web2 ") made=$((made + 1)); is_whole web2 && hostname_is web2 || { sed -n "${n}p" "$T/trace"; return 1; } ;;
                *) names; return 1 ;;
                esac
        done
        [ "$made" -ge 3 ]
}

@test "snapshot, struck" {
        before() { fresh_store; }
        after() {
                is_whole web && [ "$(names)" = "web " ] || return
                [ -n "$("$BERTH" snapshots web --no-legend)" ] || "$BERTH" "$@" || return
                "$BERTH" snapshots web --no-legend | grep -qw s && "$BERTH" rollback web s && is_whole web
        }
        struck snapshot web s
}

@test "remove, struck" {
        before() { fresh_store; "$BERTH" snapshot web s; "$BERTH" clone web web2; }
        after() {
                is_whole web2 || return
                case $(names) in
                "web web2 ") is_whole web && "$BERTH" snapshots web --no-legend | grep -qw s && "$BERTH" "$@" || return ;;
                "web2 ") ;;
                *) names; return 1 ;;
                esac
                [ "$(names)" = "web2 " ] && [ -z "$(ls "$BERTH_MACHINES/.berth.v/snapshots")" ]
        }
        struck remove web
}
