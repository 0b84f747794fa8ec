#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# How machines end and start again, what is typed and sent to berth meanwhile, and what a service manager is told of it.

load lib/berth

setup_file() {
        busybox_root "$BATS_FILE_TMPDIR/root"
        cp "${BERTH_BUILD:-$(dirname "$BERTH")}/tests/unit/engine/probe" "$BATS_FILE_TMPDIR/root/bin/probe"
}
setup() {
        berth_setup
        D=$T/root
        cp -a "$BATS_FILE_TMPDIR/root" "$D"
}
teardown() { berth_teardown; }

in_root() { "$BERTH" run --quiet -D "$D" --console=pipe "$@"; }
root_runs() { exec "$BERTH" run --quiet -D "$D" --console=pipe "$@"; } # in the background: $! is berth
typed() { "$BATS_TEST_DIRNAME/lib/typed" "$@"; }
boots_with() { printf '#!/bin/sh\n%s\n' "$1" >"$D/sbin/init" && chmod 755 "$D/sbin/init"; } # SCRIPT
until_file() { local i; for i in $(seq 600); do [ -s "$1" ] && return; sleep 0.05; done; echo "no $1"; return 1; }
leader() { sed -n 's/^LEADER=//p' "$BERTH_RUN/machines/root/state"; }
ended_with() { local status=0; wait "$1" || status=$?; [ "$status" = "$2" ] || { echo "status $status"; return 1; }; } # PID STATUS

@test "133 is a status like any other; under --keep-unit it would mean a restart, and becomes 1" {
        in_root sh -c 'exit 133' && status=0 || status=$?
        [ "$status" = 133 ]
        in_root --keep-unit --as-pid2 sh -c 'exit 133' && status=0 || status=$?
        [ "$status" = 1 ]
        run in_root probe crash
        [ "$status" = 1 ]
        [[ $output == *"was ended by signal "* ]]
}

@test "a reboot starts again, with a boot ID of its own, or ends with 133 under --keep-unit" {
        boots_with 'cat /proc/sys/kernel/random/boot_id; [ -e /second ] && poweroff -f; touch /second; reboot -f'
        run in_root -b
        [ "$status" = 0 ]
        [ "${#lines[@]}" = 2 ]
        [ "${lines[0]}" != "${lines[1]}" ]
        rm "$D/second"
        in_root -b --keep-unit && status=0 || status=$?
        [ "$status" = 133 ]
}

@test "a command that listens to SIGTERM gets it, is given time, and is killed by the second; one that does not is not waited for" {
        root_runs sh -c 'trap "echo asked >/asked; exit 5" TERM; echo >/up.1; while :; do sleep 0.1; done' &
        until_file "$D/up.1"
        kill -TERM $!
        ended_with $! 5
        root_runs sh -c 'trap "echo asked >/asked.2" TERM; echo >/up.2; while :; do sleep 0.1; done' &
        until_file "$D/up.2"
        kill -INT $!
        until_file "$D/asked.2"
        kill -TERM $!
        ended_with $! 0
        root_runs sh -c 'echo >/up.3; while :; do sleep 0.1; done' &
        until_file "$D/up.3"
        kill -TERM $!
        ended_with $! 0
        root_runs --machine=asked sh -c 'trap "exit 6" TERM; echo >/up.4; while :; do sleep 0.1; done' &
        until_file "$D/up.4"
        "$BERTH" poweroff asked
        ended_with $! 6
}

@test "SIGRTMIN+18 gives memory back and ends nothing" {
        mkfifo "$T/go"
        root_runs sh -c 'echo >/up; read -r line; exit $line' <"$T/go" &
        exec 7>"$T/go"
        until_file "$D/up"
        kill -52 $!
        echo 9 >&7
        ended_with $! 9
        exec 7>&-
}

@test "the stub init: power-off and reboot by signal, all processes are asked first, SIGTERM is for the command" {
        local script='trap t=term TERM; trap h=hup HUP; sleep 1000 & until grep -q sleep /proc/$!/comm; do :; done; kill -STOP $!; echo up >>/seen; while [ -z "$t" ] || [ -z "$h" ]; do sleep 0.1; done; echo $t $h >>/seen'
        root_runs --as-pid2 sh -c "$script" & # SIGCONT lets the one that is stopped end
        until_file "$D/seen"
        kill -37 "$(leader)" # SIGRTMIN+3
        ended_with $! 0
        [ "$(xargs <"$D/seen")" = "up term hup" ]
        rm "$D/seen"
        for signal in 2 39; do # SIGINT and SIGRTMIN+5
                rm -f "$D/again" "$D/seen"
                root_runs --as-pid2 sh -c '[ -e /seen ] && exit 4; echo >/seen; while :; do sleep 0.1; done' &
                until_file "$D/seen"
                kill -$signal "$(leader)"
                ended_with $! 4
        done
        rm "$D/seen"
        root_runs --as-pid2 sh -c 'trap "exit 7" TERM; echo >/seen; while :; do sleep 0.1; done' &
        until_file "$D/seen"
        kill -TERM $!
        ended_with $! 7
        [ "$(in_root --as-pid2 --private-users=no sh -c 'tr "\0" "\n" </proc/1/environ | cut -d= -f1' | sort | xargs)" = "container container_uuid" ]
}

@test "keys at the console: three times ^] kills, ^]^]p powers off, ^]^]r reboots" {
        boots_with 'trap "echo off >>/log; poweroff -f" TERM; echo system is up; while :; do sleep 0.1; done'
        typed "system is up" '\x1d\x1d\x1d' -- "$BERTH" run -q -D "$D" -b --console=interactive
        [ ! -e "$D/log" ]
        typed "system is up" '\x1d\x1dp' -- "$BERTH" run -q -D "$D" -b --console=interactive
        [ "$(cat "$D/log")" = off ]
        typed "ready" '\x1d\x1d\x1d' -- "$BERTH" run -q -D "$D" --console=interactive sh -c 'trap "" TERM HUP INT; echo ready; while :; do sleep 0.1; done'
        run typed "one" '\x1d\x1dr' "two" '\x1d\x1dp' -- "$BERTH" run -q -D "$D" -a --console=interactive \
                sh -c 'trap "exit 3" TERM; [ -e /two ] && echo two || echo one; touch /two; while :; do sleep 0.1; done'
        [ "$status" = 3 ]
        ln -sf ../bin/busybox "$D/sbin/init"
        printf '::sysinit:/bin/echo system is up\n::respawn:/bin/sleep 100000\n::shutdown:/bin/echo going down\n' >"$D/etc/inittab"
        run typed "system is up" '\x1d\x1dr' "system is up" '\x1d\x1dp' -- "$BERTH" run -q -D "$D" -b --console=interactive
        [ "$status" = 0 ]
        [[ $output == *"Requesting system reboot"*"system is up"*"Requesting system poweroff"* ]]
}

@test "console modes: what is joined to what" {
        local script='tty; [ -L /dev/console ] && echo console; read -r line; echo "got $line"'
        run typed "console" 'x\n' -- "$BERTH" run -q -D "$D" --console=interactive sh -c "$script"
        [[ $output == */dev/pts/0*console*"got x"* ]]
        run typed "console" 'x\n' -- "$BERTH" run -q -D "$D" --console=autopipe sh -c "$script"
        [[ $output == */dev/pts/0*console*"got x"* ]]
        for mode in pipe autopipe; do
                run "$BERTH" run -q -D "$D" --console=$mode sh -c "$script" <<<x
                [ "$(xargs <<<"$output")" = "not a tty got x" ]
        done
        # read-only: a terminal, of which what it shows alone comes out; nothing of the input is taken
        { "$BERTH" run -q -D "$D" --console=read-only sh -c 'tty; [ -L /dev/console ] && echo console'; cat; } <<<rest >"$T/out"
        [ "$(tr -d '\r' <"$T/out" | xargs)" = "/dev/pts/0 console rest" ]
        run "$BERTH" run -q -D "$D" --console=passive sh -c 'tty >/tty; [ -L /dev/console ] && echo shown to nobody' <<<x
        [ "$status" = 0 ] && [ -z "$output" ]
        [ "$(cat "$D/tty")" = /dev/pts/0 ]
}

@test "a service manager is told of leader, readiness, status and end, by berth itself, and its watchdog is fed" {
        boots_with 'probe notify STATUS=forged; exec probe stay "STATUS=all is well
READY=1"'
        "$BATS_TEST_DIRNAME/lib/notified" "$T/notify" 'all is well[^$]*READY=1[^$]*WATCHDOG=1[^$]*WATCHDOG=1' \
                "$BERTH" run -q -D "$D" -b --notify-ready=yes </dev/null >"$T/out"
        cat "$T/out"
        sed 's/PID=[0-9]*$/PID=N/; /^WATCHDOG=1$/d; /^ok\r*$/d' "$T/out" >"$T/told"
        diff - "$T/told" <<'END'
STATUS=Container running.|X_NSPAWN_LEADER_PID=N
STATUS=Container running: all is well
READY=1
STOPPING=1|STATUS=Terminating...
END
        rm "$T/notify"
        "$BATS_TEST_DIRNAME/lib/notified" "$T/notify" '' "$BERTH" run -q -P -D "$D" sh -c 'echo ${NOTIFY_SOCKET-none} ${WATCHDOG_USEC-none}; exit 3' >"$T/out" && status=0 || status=$?
        [ "$status" = 3 ]
        grep -qx 'READY=1' "$T/out" && grep -qx '/run/host/notify none' "$T/out"
        rm "$T/notify"
        "$BATS_TEST_DIRNAME/lib/notified" "$T/notify" '' "$BERTH" run -q -P -D "$D" --keep-unit reboot -f >"$T/out" && status=0 || status=$?
        [ "$status" = 133 ]
        grep -qx 'STOPPING=1|STATUS=Restarting...' "$T/out"
}

@test "credentials of a command of an ordinary user that can gain no rights can be read by it, else by root alone" {
        local show='stat -c %a $CREDENTIALS_DIRECTORY $CREDENTIALS_DIRECTORY/a; cat $CREDENTIALS_DIRECTORY/a'
        [ "$(in_root --set-credential=a:b --user=lina --no-new-privileges=yes sh -c "$show" | xargs)" = "555 444 b" ]
        run in_root --set-credential=a:b --user=lina sh -c "$show"
        [[ $output == 500*"Permission denied"* ]]
        [ "$(in_root --set-credential=a:b --no-new-privileges=yes sh -c "$show" | xargs)" = "500 400 b" ]
        [ "$(in_root sh -c 'echo ${CREDENTIALS_DIRECTORY-none}')" = none ]
}

@test "one network switch on the command line hides the file's network, and says so; its published ports stay" {
        printf '[Network]\nZone=lan\n' >"$T/root.nspawn"
        run in_root --settings=trusted --private-network ls /sys/class/net
        [ "$status" = 0 ]
        [[ $output == *"Zone= ("*"root.nspawn:2) does not count, as argument "* ]]
        [ "${lines[-1]}" = lo ]
}

@test "called systemd-nspawn: every option that help prints is taken" {
        mkdir "$T/compat"
        ln -s "$(realpath "$BERTH")" "$T/compat/systemd-nspawn"
        local option n=0
        for option in $("$T/compat/systemd-nspawn" --help | grep -oE '(^| )--[a-z0-9-]+' | sort -u); do
                run "$T/compat/systemd-nspawn" "$option=" --plan -D "$D" true </dev/null
                [[ $output != *"there is no option"* ]] || { echo "$option: $output"; return 1; }
                n=$((n + 1))
        done
        [ "$n" -gt 70 ]
        run "$T/compat/systemd-nspawn" --frobnicate= --plan -D "$D" true
        [[ $output == *"there is no option"* ]]
}
