#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# --forward-journal=: what a machine logs is written on the host by the host's own systemd-journal-remote.

load lib/berth

setup() {
        berth_setup
        REMOTE=$(ls /usr/lib/systemd/systemd-journal-remote /lib/systemd/systemd-journal-remote 2>/dev/null | head -n 1)
        [ -n "$REMOTE" ] || skip "systemd-journal-remote is not installed"
        D=$T/root
        busybox_root "$D"
        cp "${BERTH_BUILD:-$(dirname "$BERTH")}/tests/unit/engine/probe" "$D/bin/probe"
        entries 1 3 >"$D/root/entries"
}
teardown() { berth_teardown; }

# Journal export format, as a journald of the machine writes it to the socket: FIRST LAST
entries() {
        local i
        for ((i = $1; i <= $2; i++)); do
                printf '__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n_MACHINE_ID=%s\n_HOSTNAME=inside\nPRIORITY=6\nMESSAGE=entry %d\n\n' \
                        $((1700000000000000 + i)) "$i" 0123456789abcdef0123456789abcdef fedcba9876543210fedcba9876543210 "$i"
        done
}
run_it() { "$BERTH" run --quiet -D "$D" --console=pipe "$@"; }
messages() { journalctl --directory="$1" --output=cat --quiet; }
remotes() { pgrep -f -- "--output=$T/journal" || :; }

@test "what is written to the socket until the machine's very end is in a journal of the host" {
        entries 1 2000 >"$D/root/entries"
        for users in no pick; do
                run_it --private-users=$users --forward-journal="$T/journal/$users" sh -c 'probe send /run/host/journal/socket </root/entries'
                [ "$(messages "$T/journal/$users" | wc -l)" = 2000 ]
                [ "$(messages "$T/journal/$users" | tail -n 1)" = "entry 2000" ]
        done
        [ -z "$(remotes)" ]
}

@test "a name that ends in .journal is one file, and a relative one is below the current directory" {
        cd "$T"
        run_it --forward-journal=sub/web.journal probe send /run/host/journal/socket <"$D/root/entries"
        [ "$(journalctl --file="$T/sub/web.journal" --output=cat --quiet | tail -n 1)" = "entry 3" ]
}

@test "the journald inside learns of it by a credential, and cannot change the socket" {
        run run_it --forward-journal="$T/journal" sh -c 'cat $CREDENTIALS_DIRECTORY/journal.forward_to_socket; echo; stat -c "%a %u %F" /run/host/journal/socket
                chmod 777 /run/host/journal/socket'
        [ "${lines[0]}" = /run/host/journal/socket ]
        [ "${lines[1]}" = "600 0 socket" ]
        [[ ${lines[2]} == *"Read-only file system"* ]]
        [ "$status" = 1 ]
}

@test "it works over a reboot, and for a machine in the background" {
        busybox_machine web 'echo 1 >>/var/log/boots
probe send /run/host/journal/socket </entries
[ "$(wc -l </var/log/boots)" = 2 ] && echo up && sleep 100000
reboot -f'
        cp "$D/bin/probe" "$BERTH_MACHINES/web/bin/"
        cp "$D/root/entries" "$BERTH_MACHINES/web/entries"
        "$BERTH" start --notify-ready=no --forward-journal="$T/journal" web
        for i in $(seq 300); do [ "$(cat "$T"/machines/web/var/log/boots | wc -l)" = 2 ] && [ "$(messages "$T/journal" | wc -l)" = 6 ] && break; sleep 0.1; done
        [ "$(messages "$T/journal" | wc -l)" = 6 ]
        "$BERTH" terminate web
        [ -z "$(remotes)" ]
}

@test "it goes with a supervisor that is killed" {
        "$BERTH" run -q -M gone -D "$D" --console=pipe --forward-journal="$T/journal" sleep 100000 &
        for i in $(seq 300); do [ -e "$BERTH_RUN/machines/gone/state" ] && break; sleep 0.1; done
        [ -n "$(remotes)" ]
        kill -9 $!
        wait $! || true
        for i in $(seq 300); do "$BERTH" list >/dev/null; [ -z "$(remotes)" ] && [ ! -e "$BERTH_RUN/machines/gone" ] && break; sleep 0.1; done
        [ -z "$(remotes)" ]
        [ ! -e "$BERTH_RUN/machines/gone" ]
}

@test "what cannot be had is refused before anything starts" {
        for argument in --forward-journal-max-use=1M --forward-journal-keep-free=1M --forward-journal-max-file-size=1M --forward-journal-max-files=3; do
                run run_it $argument echo ran
                [ "$status" = 1 ] && [[ $output == *"${argument%=*} (argument"*"--forward-journal"* ]] && [[ $output != *ran* ]]
        done
        run run_it --forward-journal="$T/journal" --set-credential=journal.forward_to_socket:x echo ran
        [ "$status" = 1 ] && [[ $output == *--forward-journal*"journal.forward_to_socket"* ]]
        touch "$T/file"
        run run_it --forward-journal="$T/file/journal" echo ran
        [ "$status" = 1 ] && [[ $output == *"$T/file/journal"* ]] && [[ $output != *ran* ]]
        mkdir "$T/journal.journal"
        run run_it --forward-journal="$T/journal.journal" echo ran
        [ "$status" = 1 ] && [[ $output == *systemd-journal-remote* ]] && [[ $output != *ran* ]]
}

# A stand-in of what 253 and 261 understand: it notes how it was called and what configuration it sees, and is the host's own beyond that.
newer() { # VERSION [HELP]
        mkdir -p "$T/bin"
        cat >"$T/bin/systemd-journal-remote" <<END
#!/bin/bash
case \$1 in
--version) echo "systemd $1 ($1)"; exit ;;
--help) echo "$2"; exit ;;
esac
printf '%s\n' "\$@" >"$T/arguments"
cat /etc/systemd/journal-remote.conf.d/*.conf >"$T/config" 2>/dev/null
for a; do case \$a in --max-*|--keep-*) ;; *) all+=("\$a") ;; esac; done
exec "$REMOTE" "\${all[@]}"
END
        chmod 755 "$T/bin/systemd-journal-remote"
}

@test "limits go to systemd-journal-remote as it takes them" {
        local all=(--forward-journal-max-use=10M --forward-journal-keep-free=1G --forward-journal-max-file-size=512K --forward-journal-max-files=7)
        newer 252
        PATH=$T/bin:$PATH run run_it --forward-journal="$T/journal" "${all[@]}" echo ran
        [ "$status" = 1 ] && [[ $output == *--forward-journal-max-use*"253"* ]]
        newer 257
        PATH=$T/bin:$PATH run_it --forward-journal="$T/journal" "${all[@]}" sh -c 'probe send /run/host/journal/socket </root/entries'
        [ "$(xargs <"$T/config")" = "[Remote] MaxUse=10485760 KeepFree=1073741824 MaxFileSize=524288 MaxFiles=7" ]
        [ ! -e /etc/systemd/journal-remote.conf.d/zz-berth.conf ]
        newer 262 "  --max-use=BYTES"
        entries 4 6 >"$D/root/entries"
        PATH=$T/bin:$PATH run_it --forward-journal="$T/journal" "${all[@]}" sh -c 'probe send /run/host/journal/socket </root/entries'
        [ "$(tail -n 4 "$T/arguments" | xargs)" = "--max-use=10485760 --keep-free=1073741824 --max-file-size=524288 --max-files=7" ]
        [ "$(messages "$T/journal" | wc -l)" = 6 ]
}
