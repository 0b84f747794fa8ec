#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a payload sees and may do, how it ends, and that nothing of it stays.

load lib/berth

setup_file() { # hundreds of links: made once, copied for each test
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

# The process that supervises this test's machine.
supervisor() { berth_processes | while read -r pid; do [ "$(readlink "/proc/$pid/exe")" = "$(realpath "$BERTH")" ] && echo "$pid"; done | head -n 1; }

wait_for() { # SECONDS COMMAND...
        local i
        for i in $(seq $(($1 * 10))); do "${@:2}" >/dev/null 2>&1 && return; sleep 0.1; done
        echo "still not: ${*:2}"
        return 1
}

@test "the exit status is the payload's" {
        run in_root sh -c 'exit 7'
        [ "$status" = 7 ]
}

@test "standard input, output and error are handed through" {
        [ "$(echo typed | in_root cat)" = typed ]
        [ "$(in_root sh -c 'echo said >&2' 2>&1 >/dev/null)" = said ]
}

@test "the payload is PID 1 of its own world" {
        [ "$(in_root sh -c 'echo $$')" = 1 ]
        [ "$(in_root sh -c 'ps | grep -vc "PID\|ps"')" -le 2 ]
        for ns in pid mnt net ipc uts cgroup user; do
                [ "$(in_root readlink "/proc/self/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
        done
}

@test "root inside is nobody outside" {
        in_root awk '{ exit !($1 == 0 && $2 >= 524288 && $3 == 65536) }' /proc/self/uid_map
}

@test "files made inside belong to root on disk" {
        in_root touch /made
        [ "$(stat -c %u:%g "$D/made")" = 0:0 ]
        [ "$(in_root stat -c %u:%g /made)" = 0:0 ]
}

@test "only loopback, and it is up" {
        run in_root ip -o link
        [ "${#lines[@]}" = 1 ]
        [[ ${lines[0]} == *"lo: <LOOPBACK,UP"* ]]
}

@test "the payload gets no descriptor but the three" {
        exec 7</etc/passwd
        run in_root probe fds
        [ "$output" = $'0\n1\n2' ]
}

@test "known calls that are not listed are refused, unknown ones do not exist" {
        [ "$(in_root probe call kexec)" = EPERM ]
        [ "$(in_root probe call keyctl)" = EPERM ]
        [ "$(in_root probe call unknown)" = ENOSYS ]
}

@test "audit sockets look as if the kernel had none" {
        [ "$(in_root probe call audit)" = EAFNOSUPPORT ]
        [ "$(in_root probe call route)" = ok ]
}

@test "--suppress-sync makes synchronisation a success that does nothing" {
        [ "$(in_root probe call fsync)" = EBADF ]
        [ "$(in_root --suppress-sync probe call fsync)" = ok ]
        [ "$(in_root --suppress-sync probe call osync)" = EINVAL ]
}

@test "capabilities are systemd-nspawn's, and NET_ADMIN for the own network" {
        set -- $(in_root awk '/^Cap(Eff|Bnd)/ { print $2 }' /proc/self/status)
        [ "$1" = "$2" ]
        for bit in 12 13 21; do (((16#$1 >> bit) & 1)); done # NET_ADMIN, NET_RAW, SYS_ADMIN
        for bit in 14 16 17 25; do ((!((16#$1 >> bit) & 1))); done # IPC_LOCK, SYS_MODULE, SYS_RAWIO, SYS_TIME
}

@test "a dropped capability is gone for good" {
        set -- $(in_root --drop-capability=CAP_SYS_ADMIN awk '/^Cap(Eff|Bnd)/ { print $2 }' /proc/self/status)
        ((!((16#$1 >> 21) & 1)))
        ((!((16#$2 >> 21) & 1)))
}

@test "another user has no capabilities, and its own groups" {
        [ "$(in_root --user=lina id -u)" = 1000 ]
        [ "$(in_root --user=lina awk '/^CapEff/ { print $2 }' /proc/self/status)" = 0000000000000000 ]
        [ "$(in_root --user=lina id -G)" = "1000 50" ]
}

@test "a read-only bind mount stays read-only against root inside" {
        mkdir "$T/host"
        chmod 777 "$T/host"
        run in_root --bind-ro="$T/host:/mnt" sh -c 'probe writable /mnt; mount -o remount,bind,rw /mnt; touch /mnt/x'
        [[ ${lines[0]} == EPERM ]]
        [ ! -e "$T/host/x" ]
}

@test "a read-only root stays read-only against root inside" {
        run in_root --read-only sh -c 'probe writable /; touch /x'
        [[ ${lines[0]} == EPERM ]]
        [ ! -e "$D/x" ]
}

@test "a writable bind mount is writable" {
        mkdir "$T/host"
        chmod 777 "$T/host"
        in_root --bind="$T/host:/mnt" touch /mnt/x
        [ -e "$T/host/x" ]
}

@test "mount points that lead out of the root do not" {
        mkdir "$T/host" "$T/outside"
        ln -s "$T/outside" "$D/mnt"
        chmod 777 "$T/host"
        touch "$T/host/shown"
        in_root --bind="$T/host:/mnt/deep" ls "$T/outside/deep/shown" # below the root
        [ -z "$(ls "$T/outside")" ]
}

@test "kernel settings are read-only, but for the own network" {
        run in_root sh -c 'echo x >/proc/sys/kernel/hostname'
        [ "$status" != 0 ]
        in_root sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

@test "what tells about the host is covered" {
        for file in kallsyms timer_list keys; do
                [ ! -e "/proc/$file" ] || [ "$(in_root sh -c "cat /proc/$file 2>/dev/null | wc -c")" = 0 ]
        done
        run in_root sh -c 'exec 2>/dev/null; timeout 1 head -c 1 /proc/kmsg; :'
        [ "$output" = "" ]
}

@test "/run/host tells who runs this" {
        [ "$(in_root cat /run/host/container-manager)" = "$(in_root sh -c 'echo $container')" ]
        [ -n "$(in_root cat /run/host/os-release)" ]
        run in_root touch /run/host/x
        [ "$status" != 0 ]
}

@test "a device node made inside opens no device" {
        run in_root mknod /null-here c 1 3
        [ "$status" != 0 ]
        in_root sh -c 'echo gone >/dev/null'
        [ "$(in_root sh -c 'head -c 2 /dev/zero | wc -c')" = 2 ]
}

@test "a command that does not exist is named" {
        run "$BERTH" run -D "$D" --console=pipe no-such-command
        [ "$status" != 0 ]
        [[ $output == *"'no-such-command'"* ]]
}

@test "a root that does not exist is named" {
        run "$BERTH" run -D "$T/nowhere" --console=pipe true
        [ "$status" != 0 ]
        [[ $output == *"$T/nowhere"* ]]
}

@test "powering off is success" {
        in_root poweroff -f
}

@test "a payload that reboots runs again" {
        run in_root sh -c 'if [ -e /second ]; then echo again; else touch /second; reboot -f; fi'
        [ "$status" = 0 ]
        [ "$output" = again ]
}

@test "what the payload leaves running ends with it" {
        in_root sh -c 'setsid sleep 12321 & exit 0' </dev/null >/dev/null
        run pgrep -f 'sleep 12321'
        [ "$status" != 0 ]
}

@test "SIGTERM ends the machine" {
        in_root sleep 12322 &
        wait_for 5 pgrep -f '^sleep 12322'
        kill -TERM "$(supervisor)"
        wait $! # as asked for: no failure
        run pgrep -f '^sleep 12322'
        [ "$status" != 0 ]
}

@test "SIGRTMIN is counted as systemd counts it" {
        in_root --kill-signal=SIGRTMIN+3 sh -c 'trap "exit 7" 37; echo up; while :; do sleep 0.1; done' >"$BATS_TEST_TMPDIR/out" &
        wait_for 5 grep up "$BATS_TEST_TMPDIR/out"
        kill -TERM "$(supervisor)"
        local status=0
        wait $! || status=$?
        [ "$status" = 7 ]
}

@test "kill -9 of the supervisor takes a piped payload along" {
        in_root sleep 12323 &
        wait_for 5 pgrep -f '^sleep 12323'
        kill -KILL "$(supervisor)"
        wait $! || true
        wait_for 5 eval '! pgrep -f "^sleep 12323"'
        "$BERTH" list >/dev/null # clears what a dead supervisor could not
}

@test "the stub init collects orphans and passes the status on" {
        [ "$(in_root --as-pid2 sh -c 'probe orphans')" = collected ]
        run in_root --as-pid2 sh -c 'exit 9'
        [ "$status" = 9 ]
        run in_root --as-pid2 sh -c 'kill -9 $$'
        [ "$status" = 255 ]
}

@test "the stub init cannot be looked into" {
        [ "$(in_root --as-pid2 --set-credential=word:secret sh -c "tr '\\0' '\\n' </proc/1/cmdline | grep .")" = berth-init ]
        [ "$(in_root --as-pid2 sh -c 'probe call ptrace-init; :')" = EPERM ]
        run in_root --as-pid2 sh -c 'readlink /proc/1/exe'
        [ "$output" = "" ]
}

@test "the console is a terminal of the machine's own" {
        run script -qec "$BERTH run -q -D $D --console=interactive sh -c 'tty; stty size; readlink /dev/console'" /dev/null </dev/null
        [[ $output == */dev/pts/0* ]]
        [[ $output == *pts/0* ]]
}

@test "three times ^] ends an interactive machine" {
        (sleep 1; printf '\035\035\035'; sleep 2) | timeout 20 script -qec "$BERTH run -q -D $D --console=interactive sleep 12324" /dev/null || true
        run pgrep -f '^sleep 12324'
        [ "$status" != 0 ]
}

@test "^C at the console reaches the payload, not the stub init" {
        run bash -c "(sleep 1; printf '\\003'; sleep 2) | timeout 20 script -qec \"$BERTH run -q -D $D --as-pid2 --console=interactive sh -c 'trap \\\"echo caught\\\" INT; sleep 2; echo after'\" /dev/null"
        [[ $output == *caught* ]]
        [[ $output == *after* ]]
}

@test "only READY=1 of PID 1 makes a machine ready" {
        busybox_machine notes 'probe notify READY=1; sleep 2; touch /ready; exec probe stay READY=1'
        cp "$D/bin/probe" "$BERTH_MACHINES/notes/bin/probe"
        printf '[Exec]\nNotifyReady=yes\n' >"$BERTH_MACHINES/notes.nspawn"
        timeout 30 "$BERTH" start notes
        [ -e "$BERTH_MACHINES/notes/ready" ] # the one of its child, two seconds earlier, did not count
        "$BERTH" terminate notes
}

@test "berth shell brings status and signals back, and no descriptor in" {
        busybox_machine held busybox
        cp "$D/bin/probe" "$BERTH_MACHINES/held/bin/probe"
        "$BERTH" start held
        run "$BERTH" shell held -- sh -c 'exit 5'
        [ "$status" = 5 ]
        run "$BERTH" shell held -- sh -c 'kill -TERM $$'
        [ "$status" = 143 ]
        exec 7</etc/passwd
        run "$BERTH" shell held -- probe fds
        [ "$output" = $'0\n1\n2' ]
        [ "$("$BERTH" shell held -- readlink /proc/1/ns/user)" = "$("$BERTH" shell held -- readlink /proc/self/ns/user)" ]
        run script -qec "$BERTH shell held -- tty" /dev/null </dev/null
        [[ $output == */dev/pts/* ]]
        "$BERTH" terminate held
}
