#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of machines that run: kill, reboot, pause, wait, login, and their settings files.

load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

record() { sed -n "s/^$2=//p" "$BERTH_RUN/machines/$1/state"; }
terminal() { "$BATS_TEST_DIRNAME/lib/terminal" "$@"; }
until_true() { # COMMAND...: for up to 30 s
        local i
        for ((i = 0; i < 300; i++)); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
        echo "never true: $*"
        return 1
}

@test "kill: every process of a machine, or its first one, with any signal" {
        busybox_machine web 'trap "echo one >>/log" USR1
                sh -c "trap \"echo two >>/log\" USR1; touch /armed; while :; do sleep 0.1; done" &
                while :; do sleep 0.1; done'
        berth start web
        until_true test -e "$BERTH_MACHINES/web/armed"
        berth kill web --signal=USR1 --kill-whom=leader
        until_true grep -qx one "$BERTH_MACHINES/web/log"
        ! grep -q two "$BERTH_MACHINES/web/log"
        berth kill -s SIGUSR1 web || true # sleep(1) dies of it, which the shells go on without
        until_true grep -qx two "$BERTH_MACHINES/web/log"
        run berth kill web --signal=SIGFOO
        [ "$status" -eq 1 ] && [[ $output == *"'SIGFOO' is no value for --signal=SIGNAL"* ]]
        run berth kill nobody
        [ "$output" = "berth: machine 'nobody' is not running" ]
        berth kill web --signal=KILL
        berth wait web --for=exit
        berth_nothing_left
}

@test "reboot: asked cleanly, it is up again when the command returns, with a new first process and all else as it was" {
        busybox_machine web
        berth start web --hostname=other
        before=$(record web LEADER)
        berth reboot web
        [ -e "$BERTH_MACHINES/web/var/log/clean-shutdown" ]
        [ "$(record web LEADER)" != "$before" ]
        [ "$(berth shell web hostname)" = other ]
        berth restart web
        berth terminate web
}

@test "reboot of several at once, one of which is none" {
        busybox_machine one
        busybox_machine two
        berth start one two
        a=$(record one LEADER) b=$(record two LEADER)
        run berth reboot one nobody two
        [ "$status" -eq 1 ] && [[ $output == *"machine 'nobody' is not running"* ]]
        [ "$(record one LEADER)" != "$a" ] && [ "$(record two LEADER)" != "$b" ]
        berth terminate one two
}

@test "reboot of a machine that does not follow, cannot be asked, or has no supervisor any more" {
        busybox_machine deaf
        printf '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 1; done\n' >"$BERTH_MACHINES/deaf/sbin/sh-init"
        chmod 755 "$BERTH_MACHINES/deaf/sbin/sh-init"
        ln -sf sh-init "$BERTH_MACHINES/deaf/sbin/init"
        busybox_machine web
        berth start deaf web
        a=$(record deaf LEADER) b=$(record web LEADER)
        kill -9 "$(record web SUPERVISOR)"
        berth reboot deaf web --timeout=1
        [ "$(record deaf LEADER)" != "$a" ] && [ "$(record web LEADER)" != "$b" ]
        [ -e "$BERTH_MACHINES/web/var/log/clean-shutdown" ]
        berth terminate deaf web
}

@test "pause holds every process still; it is not entered, is copied as it is, and powers off cleanly all the same" {
        busybox_machine web
        berth start web
        berth shell web -- sh -c 'while :; do echo >>/count; usleep 10000; done' &
        until_true test -s "$BERTH_MACHINES/web/count"
        berth pause web
        a=$(stat -c %s "$BERTH_MACHINES/web/count")
        sleep 0.3
        [ "$(stat -c %s "$BERTH_MACHINES/web/count")" = "$a" ]
        [ "$(berth show web | sed -n 's/^State=//p')" = paused ]
        run berth shell web true
        [ "$status" -eq 1 ] && [ "$output" = "berth: machine 'web' is paused; let it go on with 'berth resume web'" ]
        berth snapshot web still
        [ "$(berth show web | sed -n 's/^State=//p')" = paused ]
        berth resume web
        [ "$(berth show web | sed -n 's/^State=//p')" = running ]
        until_true test "$(stat -c %s "$BERTH_MACHINES/web/count")" -gt "$a"
        berth shell web true
        berth pause web
        berth poweroff web
        [ -e "$BERTH_MACHINES/web/var/log/clean-shutdown" ]
        wait
}

@test "wait for a machine that starts, is ready by its inittab, and ends" {
        busybox_machine web
        printf '::sysinit:/bin/sh -c "while [ ! -e /go ]; do usleep 10000; done"\n::respawn:/bin/sleep 100000\n' >"$BERTH_MACHINES/web/etc/inittab"
        "$BERTH" wait web >"$T/running" 2>&1 && echo yes >>"$T/running" &
        berth start web
        until_true grep -qx yes "$T/running"
        run berth wait web --for=ready --timeout=500ms
        [ "$status" -eq 1 ] && [ "$output" = "berth: machine 'web' is not ready in time" ]
        touch "$BERTH_MACHINES/web/go"
        berth wait web --for=ready --timeout=30
        "$BERTH" wait web --for=exit &
        pid=$!
        sleep 0.2
        kill -0 $pid
        berth poweroff web
        wait $pid
        run berth wait web --for=exit
        [ "$status" -eq 0 ]
        run berth wait web --for=lunch
        [[ $output == *"there are running, ready, exit"* ]]
}

@test "runit is asked as runit-init asks it, and a link there leads nowhere outside" {
        busybox_machine web 'trap "test -x /etc/runit/stopit && { test -x /etc/runit/reboot && echo reboot >>/how; test -x /etc/runit/reboot || echo halt >>/how; kill -9 -1; exit; }" CONT
                runsvdir /none & while :; do sleep 0.1; done'
        mv "$BERTH_MACHINES/web/sbin/init" "$BERTH_MACHINES/web/sbin/runit"
        ln -s runit "$BERTH_MACHINES/web/sbin/init"
        mkdir -p "$BERTH_MACHINES/web/etc/runit" "$BERTH_MACHINES/web/run/runit" "$T/outside"
        ln -s "$T/outside/stopit" "$BERTH_MACHINES/web/etc/runit/stopit"
        mkdir -p "$BERTH_MACHINES/web$T/outside"
        berth start web
        [ "$(record web INIT)" = runit ]
        a=$(record web LEADER)
        berth reboot web
        [ "$(cat "$BERTH_MACHINES/web/how")" = reboot ]
        [ -n "$(record web LEADER)" ] && [ "$(record web LEADER)" != "$a" ]
        berth poweroff web
        [ "$(tail -n 1 "$BERTH_MACHINES/web/how")" = halt ]
        [ ! -e "$T/outside/stopit" ] && [ -e "$BERTH_MACHINES/web$T/outside/stopit" ]
        # Nor to a file of the host that is bound in, of which the machine's root is not the owner.
        touch "$T/outside/ours"
        chmod 640 "$T/outside/ours"
        ln -sf /ours "$BERTH_MACHINES/web/etc/runit/stopit"
        berth start web --bind="$T/outside/ours:/ours:noidmap"
        berth poweroff web --timeout=1 || :
        [ "$(stat -c %a "$T/outside/ours")" = 640 ]
}

@test "login asks for the name at a terminal of the machine's own, and needs one" {
        busybox_machine web
        echo 'root:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1:0:0:root:/root:/bin/sh' >"$BERTH_MACHINES/web/etc/passwd"
        berth start web
        run berth login web </dev/null
        [ "$status" -eq 1 ] && [[ $output == *"standard input is no terminal"* ]]
        run terminal 'login: ' 'root\n' 'assword: ' 'secret\n' '# ' 'tty; hostname; exit\n' 'web' '' -- "$BERTH" login web
        [[ $output == *"/dev/pts/"* ]]
        rm "$BERTH_MACHINES/web/bin/login"
        run terminal -- "$BERTH" login web
        [ "$status" -eq 1 ] && [[ $output == *"has neither agetty nor login inside"* ]]
        berth terminate web
}

@test "cat and edit: the file that holds, and a mistake that does not get into it" {
        busybox_machine web
        run berth cat web
        [ "$status" -eq 1 ] && [ "$output" = "berth: machine 'web' has no settings file; 'berth edit web' makes one" ]
        printf '#!/bin/sh\nprintf "[Exec]\\nHostname=edited\\n" >"$1"\n' >"$T/good"
        printf '#!/bin/sh\necho "Nonsense=1" >>"$1"\n' >"$T/bad"
        chmod +x "$T/good" "$T/bad"
        EDITOR=$T/good berth edit web
        run berth cat web
        [ "$output" = "# $BERTH_SETTINGS/web.nspawn
[Exec]
Hostname=edited" ]
        EDITOR=$T/bad run berth edit web
        [ "$status" -eq 1 ]
        [[ $output == *"web.nspawn.edit:3: "*"Nonsense"* ]]
        [[ $output == *"nothing was changed"* ]]
        grep -q Nonsense "$BERTH_SETTINGS/web.nspawn.edit"
        ! grep -q Nonsense "$BERTH_SETTINGS/web.nspawn"
        EDITOR=false run berth edit web
        [ "$status" -eq 1 ] && [ -e "$BERTH_SETTINGS/web.nspawn.edit" ]
        EDITOR=$T/good berth edit web
        [ ! -e "$BERTH_SETTINGS/web.nspawn.edit" ]
        berth start web
        [ "$(berth shell web hostname)" = edited ]
        berth terminate web
        printf '[Exec]\nHostname=beside\n' >"$BERTH_MACHINES/other.nspawn"
        run berth cat other "$BERTH_MACHINES/other.nspawn"
        [ "$(grep -c '^# .*other.nspawn' <<<"$output")" = 2 ]
}

@test "bind: a directory and a file of the host, owners mapped, and read-only where root inside cannot undo it" {
        busybox_machine web
        mkdir "$T/shared" && echo text >"$T/shared/file" && chown 1000:1000 "$T/shared/file"
        berth start web
        run berth bind web "$T/shared" /mnt/shared
        [ "$status" -eq 1 ] && [[ $output == *"cannot mount on '/mnt/shared' in the machine; --mkdir makes it"* ]]
        berth bind web "$T/shared" /mnt/shared --mkdir
        [ "$(berth shell web stat -c %u:%g /mnt/shared/file)" = 1000:1000 ]
        berth shell web --uid=lina -- sh -c 'echo more >>/mnt/shared/file'
        [ "$(tail -n 1 "$T/shared/file")" = more ]
        berth shell web -- touch /mnt/shared/new
        [ "$(stat -c %u "$T/shared/new")" = 0 ]
        (cd "$T" && berth bind web shared/file /root/file --mkdir --read-only)
        [ "$(berth shell web head -n 1 /root/file)" = text ]
        ! berth shell web -- sh -c 'echo >>/root/file'
        ! berth shell web -- sh -c 'mount -o remount,bind,rw /root/file'
        ! berth shell web -- sh -c 'echo >>/root/file'
        run berth bind web "$T/shared" /root/file
        [ "$status" -eq 1 ] && [[ $output == *"is a directory, unlike '/root/file'"* ]]
        run berth bind web "$T/nothing" /mnt
        [ "$status" -eq 1 ] && [[ $output == *"cannot open '$T/nothing'"* ]]
        ! grep -q "$T" /proc/self/mountinfo
        berth terminate web
        berth start web --private-users=no
        berth bind web "$T/shared" /tmp/../root --read-only
        [ "$(berth shell web head -n 1 /root/file)" = text ]
        berth terminate web
}

@test "copy-to and copy-from: trees with owners mapped, files replaced only with --force" {
        busybox_machine web
        mkdir -p "$T/tree/sub" && echo one >"$T/tree/sub/file" && ln -s sub/file "$T/tree/link" && mkfifo "$T/tree/pipe"
        chown -R 1000:50 "$T/tree" && chmod 4755 "$T/tree/sub/file"
        berth start web
        berth copy-to web "$T/tree" /srv/new/tree
        [ "$(berth shell web stat -c %u:%g:%a /srv/new/tree/sub/file)" = 1000:50:755 ]
        [ "$(berth shell web stat -c %u:%a /srv/new)" = 0:755 ]
        [ "$(berth shell web readlink /srv/new/tree/link)" = sub/file ]
        berth shell web test -p /srv/new/tree/pipe
        (cd "$T/tree" && berth copy-to web sub/file /root/file)
        [ "$(berth shell web cat /root/file)" = one ]
        run berth copy-to web "$T/tree" /srv/new/tree
        [ "$status" -eq 1 ] && [[ $output == *"it is there already; --force replaces files that are"* ]]
        echo two >"$T/tree/sub/file"
        berth shell web touch /srv/new/tree/kept
        berth copy-to web "$T/tree" /srv/new/tree --force
        [ "$(berth shell web cat /srv/new/tree/sub/file)" = two ]
        berth shell web test -e /srv/new/tree/kept
        berth shell web -- sh -c 'chmod 6755 /root/file; chown lina /root/file'
        berth copy-from web /root/file "$T/back"
        [ "$(stat -c %u:%a "$T/back")" = 1000:755 ]
        berth copy-from web /srv/new/tree "$T/back.d"
        [ "$(cat "$T/back.d/sub/file")" = two ]
        [ "$(stat -c %u:%g "$T/back.d/sub")" = 1000:50 ]
        run berth copy-from web etc/passwd "$T/x"
        [ "$status" -eq 1 ] && [[ $output == *"'etc/passwd' is no absolute path"* ]]
        berth terminate web
}

@test "copies follow no link out of the machine" {
        busybox_machine web
        mkdir "$T/outside" && echo secret >"$T/outside/file"
        mkdir -p "$BERTH_MACHINES/web/srv"
        ln -s "$T/outside" "$BERTH_MACHINES/web/srv/abs"
        ln -s ../../../../../../../../..$T/outside "$BERTH_MACHINES/web/srv/rel"
        berth start web
        for link in abs rel; do
                run berth copy-from web /srv/$link/file "$T/stolen"
                [ "$status" -eq 1 ] && [ ! -e "$T/stolen" ]
        done
        echo pwned >"$T/file"
        for link in abs rel; do
                berth copy-to web "$T/file" /srv/$link/file # to where the link leads inside: $T/outside is made there
                [ "$(berth shell web cat "$T/outside/file")" = pwned ]
                berth shell web rm "$T/outside/file"
        done
        [ "$(cat "$T/outside/file")" = secret ]
        berth copy-from web /srv/abs "$T/link" # a link is copied as one
        [ "$(readlink "$T/link")" = "$T/outside" ]
        berth terminate web
}

@test "log: of a machine that runs, followed, and of the last times it ran" {
        busybox_machine web 'printf "\033[1mfirst\033[0m line\r\n"; trap "echo asked; echo last words; exit" TERM; touch /up; while :; do sleep 0.1; done'
        run berth log web
        [ "$status" -eq 1 ] && [ "$output" = "berth: there is no log of machine 'web'" ]
        berth start web
        until_true test -e "$BERTH_MACHINES/web/up"
        until_true grep -q first "$BERTH_RUN/machines/web/console.log"
        [ "$(berth log web)" = "first line" ]
        "$BERTH" log -f web >"$T/followed" &
        pid=$!
        until_true grep -q first "$T/followed"
        berth poweroff web
        wait $pid
        grep -qx "last words" "$T/followed"
        [ "$(berth log web -n 1)" = "last words" ]
        [ "$(berth log web --lines=2 | head -n 1)" = asked ]
        berth start web
        berth poweroff web
        [ -e "$BERTH_STATE/log/web.log.1" ] && [ "$(stat -c %a "$BERTH_STATE/log/web.log")" = 600 ]
        berth remove web
        [ -z "$(ls "$BERTH_STATE/log")" ]
}

@test "console: what is shown and typed at it, through a restart, and detached from" {
        busybox_machine web
        printf '::respawn:/ask\n::shutdown:/bin/true\n' >"$BERTH_MACHINES/web/etc/inittab"
        printf '#!/bin/sh\nexec <>/dev/console >&0 2>&1\necho here I am\nread line\necho "got $line"\n[ "$line" != again ] || kill -TERM 1\n' >"$BERTH_MACHINES/web/ask"
        chmod 755 "$BERTH_MACHINES/web/ask"
        berth start web
        run berth console web </dev/null
        [ "$status" -eq 1 ] && [[ $output == *"'berth log -f web' follows what it shows"* ]]
        run terminal 'here I am' 'hello\n' 'got hello' 'again\n' 'got again' '' 'here I am' 'anew\n' 'got anew' '\x1d\x1d\x1d' -- "$BERTH" console web
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output == *"Detached from the console of machine 'web'"* ]]
        berth shell web true
        berth terminate web
        [ -z "$(berth_processes)" ]
}

@test "top: what a machine uses, as a table and as JSON" {
        busybox_machine web
        [ "$(berth top -n 1)" = "No machines." ]
        berth start web
        berth shell web -- sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done'
        run berth top
        [ "$(tr -s ' ' <<<"${lines[0]}")" = "MACHINE CPU% SECONDS MEMORY PROCESSES TASKS" ]
        [ "${lines[-1]}" = "1 machines listed." ]
        berth top --json=short -n 1 | jq -e '.[0].machine == "web" and .[0].memory > 0 and .[0].tasks >= 2 and .[0].processes >= 2' >/dev/null
        berth terminate web
}

@test "status says what a machine ran into: its limits of memory and of tasks" {
        busybox_machine web 'while [ ! -e /go ]; do sleep 0.1; done
                sh -c "head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null"
                (for i in $(seq 60); do sleep 1000 & done)
                touch /done; while :; do sleep 1; done'
        berth start web --property=MemoryMax=32M --property=TasksMax=30 2>"$T/err" || skip "no controllers here: $(cat "$T/err")"
        ! berth status web | grep -q "Out of"
        touch "$BERTH_MACHINES/web/go"
        export BERTH
        until_true sh -c '"$BERTH" status web | grep "Out of tasks"'
        berth status web | grep -E 'Memory: .* of 32'
        berth status web | grep -E 'Out of memory: [0-9]+ processes were killed because its memory limit of 32'
        berth status web | grep -E 'Out of tasks: [0-9]+ times'
        berth terminate web
        # Who comes in from outside is held by them, too.
        rm "$BERTH_MACHINES/web/go"
        berth start web --property=MemoryMax=32M
        run berth shell web -- sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null'
        [ "$status" -eq 137 ]
        berth terminate web
}
