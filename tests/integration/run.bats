#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# berth run: one command, or an init, in the foreground.

load lib/berth

setup() {
        berth_setup
        busybox_root "$T/tree"
}
teardown() { berth_teardown; }

@test "the command's output and exit status come back" {
        run berth run -D "$T/tree" sh -c 'echo hello; exit 7'
        [ "$status" -eq 7 ]
        [ "$output" = hello ]
}

@test "a command that dies of a signal is an error with status 1" {
        run berth run -D "$T/tree" -a -- sh -c 'kill -SEGV $$'
        [ "$status" -ne 0 ]
}

@test "input is passed on, byte by byte" {
        head -c 300000 /dev/urandom >"$T/in"
        berth run -D "$T/tree" cat <"$T/in" >"$T/out"
        cmp "$T/in" "$T/out"
}

@test "PID 1 is the command, with its own process, host and network view" {
        run berth run -D "$T/tree" --hostname=deep -- sh -c 'echo $$; hostname; ls /sys/class/net; ls /proc | grep -c "^[0-9]"'
        [ "$status" -eq 0 ]
        [ "${lines[0]}" = 1 ]
        [ "${lines[1]}" = deep ]
        [ "${lines[2]}" = lo ]
}

@test "root inside is not root outside, and files on disk belong to root all the same" {
        run berth run -D "$T/tree" -- sh -c 'cat /proc/self/uid_map; touch /root/made; stat -c %u /root/made'
        [ "$status" -eq 0 ]
        [ "$(echo "${lines[0]}" | awk '$1 == 0 && $2 >= 524288 && $3 == 65536 { print "own" }')" = own ]
        [ "${lines[1]}" = 0 ]
        [ "$(stat -c %u "$T/tree/root/made")" = 0 ]
}

@test "--plan prints the plan and changes nothing" {
        run berth run -D "$T/tree" --plan -- touch /made
        [ "$status" -eq 0 ]
        [[ $output == *"machine tree"* ]]
        [ ! -e "$T/tree/made" ]
        [ ! -e "$BERTH_STATE" ]
        [ ! -e "$BERTH_RUN" ]
}

@test "--plan --json is JSON" {
        berth run -D "$T/tree" --plan --json=short -- true >"$T/plan"
        [ "$(wc -l <"$T/plan")" -eq 1 ]
        jq -e . "$T/plan" >/dev/null
}

@test "two trees of the same name run side by side" {
        mkdir "$T/a" "$T/b"
        busybox_root "$T/a/rootfs"
        busybox_root "$T/b/rootfs"
        mkfifo "$T/go"
        "$BERTH" run -D "$T/a/rootfs" cat <"$T/go" >"$T/out" &
        exec 5>"$T/go"
        for _ in $(seq 100); do [ -n "$(ls "$BERTH_RUN/machines" 2>/dev/null)" ] && break; sleep 0.05; done
        run berth run -D "$T/b/rootfs" echo second
        [ "$status" -eq 0 ]
        [ "$output" = second ]
        echo first >&5
        exec 5>&-
        wait $!
        [ "$(cat "$T/out")" = first ]
}

@test "one tree does not run twice" {
        mkfifo "$T/go"
        "$BERTH" run -D "$T/tree" cat <"$T/go" &
        exec 5>"$T/go"
        for _ in $(seq 100); do [ -n "$(ls "$BERTH_RUN/machines" 2>/dev/null)" ] && break; sleep 0.05; done
        run berth run -D "$T/tree" true
        [ "$status" -eq 1 ]
        [[ $output == *"in use"* ]]
        exec 5>&-
        wait $!
}

@test "--boot runs the init until it powers off, and a reboot starts it again" {
        busybox_root "$T/boots" 'n=$(cat /boots 2>/dev/null || echo 0); n=$((n + 1)); echo $n >/boots
[ $n -ge 3 ] && exec poweroff -f; exec reboot -f'
        run berth run -b -D "$T/boots"
        [ "$status" -eq 0 ]
        [ "$(cat "$T/boots/boots")" = 3 ]
}

@test "an init that is missing is said before anything starts" {
        run berth run -b -D "$T/tree"
        [ "$status" -eq 1 ]
        [[ $output == *"has no init to boot"* ]]
}

@test "a command that is missing is named" {
        run berth run -D "$T/tree" no-such-program
        [ "$status" -eq 1 ]
        [[ $output == *no-such-program* ]]
}

@test "a tree that is missing is named" {
        run berth run -D "$T/nowhere" true
        [ "$status" -eq 1 ]
        [[ $output == *"$T/nowhere"* ]]
}

@test "a settings file beside the tree counts, but not with what needs trust" {
        printf '[Exec]\nEnvironment=FROM_FILE=yes\n[Files]\nBind=/etc\n' >"$T/tree.nspawn"
        run berth run -D "$T/tree" -- sh -c 'echo $FROM_FILE; ls /etc/debian_version 2>/dev/null; true'
        [ "$status" -eq 0 ]
        [[ $output == *yes* ]]
        [[ $output == *Bind* ]] # the warning names it
        [ ! -e "$T/tree/etc/debian_version" ]
}

@test "SIGTERM to berth ends the machine" {
        "$BERTH" run -D "$T/tree" sleep 1000 &
        pid=$!
        for _ in $(seq 100); do [ -n "$(ls "$BERTH_RUN/machines" 2>/dev/null)" ] && break; sleep 0.05; done
        sleep 0.2
        kill -TERM $pid
        wait $pid || true
        berth_nothing_left
}

@test "SIGTERM to berth asks an init by the kill signal, the second one does not wait for it" {
        busybox_machine asked 'trap "echo asked >>/seen" USR1
echo up >/seen
while :; do sleep 0.1; done'
        "$BERTH" run -b -M asked --kill-signal=SIGUSR1 </dev/null >/dev/null 2>&1 &
        pid=$!
        until [ -e "$BERTH_MACHINES/asked/seen" ]; do sleep 0.05; done
        kill -TERM $pid
        until grep -q asked "$BERTH_MACHINES/asked/seen"; do sleep 0.05; done
        sleep 0.3
        kill -0 $pid # it waits for the init to end by itself
        kill -TERM $pid
        status=0
        wait $pid || status=$?
        [ "$status" = 0 ]
        berth_nothing_left
}

@test "a machine that was asked to stop does not start again, though its init reboots" {
        busybox_machine asked 'trap "echo rebooting >>/seen; reboot -f" USR1
echo up >>/seen
while :; do sleep 0.1; done'
        "$BERTH" run -b -M asked --kill-signal=SIGUSR1 </dev/null >/dev/null 2>&1 &
        pid=$!
        until [ -e "$BERTH_MACHINES/asked/seen" ]; do sleep 0.05; done
        kill -TERM $pid
        wait $pid
        [ "$(xargs <"$BERTH_MACHINES/asked/seen")" = "up rebooting" ]
}

@test "power-off and halt are an end without failure, with and without the stub init" {
        berth run -q -D "$T/tree" poweroff -f
        berth run -q -D "$T/tree" halt -f
        run berth run -q -D "$T/tree" --as-pid2 sh -c 'kill -SEGV $$'
        [ "$status" = 255 ]
}

@test "kill -9 of berth takes the machine along, and the next command clears the record" {
        "$BERTH" run -D "$T/tree" sleep 1000 &
        pid=$!
        for _ in $(seq 100); do [ -e "$BERTH_RUN/machines/tree/state" ] && break; sleep 0.05; done
        kill -9 $pid
        wait $pid || true
        for _ in $(seq 50); do [ "$(berth list --no-legend)" = "" ] && break; sleep 0.1; done
        run berth list
        [ "$output" = "No machines." ]
        berth_nothing_left
}
