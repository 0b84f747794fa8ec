#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# berth shell: into a machine whose init is busybox, which knows nothing of it.

load lib/berth

setup() {
        berth_setup
        busybox_machine web
        berth start web
}
teardown() { berth_teardown; }

@test "who enters is held to the machine's own filters, and to its --suppress-sync" {
        busybox_machine held busybox
        cp "$BERTH_BUILD/tests/unit/engine/probe" "$BERTH_MACHINES/held/bin/probe"
        "$BERTH" start --system-call-filter='~@chown' --system-call-filter=@keyring --restrict-address-families=AF_UNIX --suppress-sync=yes held
        run "$BERTH" shell held -- chown 1 /tmp
        [ "$status" = 1 ] && [[ $output == *"not permitted"* ]]
        [ "$("$BERTH" shell held -- probe call keyctl)" != EPERM ]
        [ "$("$BERTH" shell held -- probe call route)" = EAFNOSUPPORT ]
        [ "$("$BERTH" shell held -- probe call fsync)" = ok ]
}

@test "output, errors, input and exit status" {
        run berth shell web -- sh -c 'cat; exit 5' <<<"given"
        [ "$status" -eq 5 ]
        [ "$output" = given ]
        berth shell web -- sh -c 'echo out; echo err >&2' >"$T/out" 2>"$T/err"
        [ "$(cat "$T/out")" = out ]
        [ "$(cat "$T/err")" = err ]
}

@test "a command that dies of a signal gives 128 and its number" {
        run berth shell web -- sh -c 'kill -USR1 $$'
        [ "$status" -eq $((128 + 10)) ]
}

@test "USER@NAME, --uid and supplementary groups" {
        run berth shell lina@web id
        [ "$output" = "uid=1000(lina) gid=1000(lina) groups=50(staff)" ]
        run berth shell --uid=1000 web -- sh -c 'id -un; pwd; echo $HOME $USER'
        [ "${lines[0]}" = lina ]
        run berth shell nobody-here@web id
        [ "$status" -eq 1 ]
        [[ $output == *nobody-here* ]]
}

@test "--setenv, and nothing of the caller's environment" {
        export SECRET=42
        run berth shell -E GREETING=hi web -- sh -c 'echo "$GREETING:$SECRET"'
        [ "$output" = "hi:" ]
}

@test "options of the command are the command's" {
        run berth shell web ls -d /etc
        [ "$status" -eq 0 ]
        [ "$output" = /etc ]
}

@test "a terminal if and only if standard input is one" {
        run berth shell web -- sh -c 'tty; true' </dev/null
        [[ $output == *"not a tty"* ]]
        script -qec "$BERTH shell web -- tty | cat >$T/out" /dev/null
        grep -q '/dev/pts/' "$T/out"
}

@test "a login shell on a terminal" {
        run script -qec "$BERTH shell web" /dev/null <<<'tty; echo login=$0; exit 9'
        [[ $output == *"/dev/pts/"* ]]
        [[ $output == *"login=-"* ]]
        [ "$status" -eq 9 ]
}

@test "exec is the same" {
        run berth exec web echo ok
        [ "$output" = ok ]
}

@test "the entered process is confined as the machine is" {
        run berth shell web -- sh -c 'cat /proc/self/uid_map; grep CapBnd /proc/1/status /proc/self/status | cut -d: -f3 | uniq | wc -l'
        [ "$(echo "${lines[0]}" | awk '{ print ($2 >= 524288) }')" = 1 ]
        [ "${lines[1]}" = 1 ]
        run berth shell web -- sh -c 'echo 1 >/proc/sys/kernel/panic'
        [ "$status" -ne 0 ]
}

@test "who enters has no more rights than the machine was started with" {
        busybox_machine less
        berth start less --drop-capability=CAP_CHOWN,CAP_SYS_ADMIN --no-new-privileges=yes
        run berth shell less -- sh -c 'grep -hE "CapBnd|NoNewPrivs" /proc/1/status /proc/self/status | sort | uniq | wc -l; chown 1 /tmp'
        berth terminate less
        [ "${lines[0]}" = 2 ]
        [ "$status" -ne 0 ]
        [[ $output == *"not permitted"* ]]
}

@test "a machine that does not run, a command that does not exist" {
        run berth shell nothing true
        [ "$status" -eq 1 ]
        [[ $output == *"machine 'nothing' is not running"* ]]
        run berth shell web no-such-program
        [ "$status" -ne 0 ]
        [[ $output == *no-such-program* ]]
}

@test "a signal to berth shell reaches the command" {
        "$BERTH" shell web -- sh -c 'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.1; done' >"$T/out" &
        pid=$!
        for _ in $(seq 100); do grep -q ready "$T/out" && break; sleep 0.05; done
        kill -TERM $pid
        status=0
        wait $pid || status=$?
        [ "$status" -eq 3 ]
        grep -q "got it" "$T/out"
}
