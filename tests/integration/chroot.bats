#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# berth chroot: a command with all rights in a tree, and nothing mounted on the host.

load lib/berth

setup() {
        berth_setup
        R=$T/root
        busybox_root "$R"
        : >"$R/etc/resolv.conf"
        before=$(host_mounts)
}
teardown() {
        [ -z "${T-}" ] || [ "$(host_mounts)" = "$before" ] || { echo "the host's mounts changed"; diff <(echo "$before") <(host_mounts); berth_teardown; return 1; }
        berth_teardown
}
# What others' tests mount meanwhile is theirs.
host_mounts() { grep -F "${T:-/nowhere}" /proc/self/mountinfo || :; }

@test "proc, sys, dev, run and resolv.conf are there; the tree stays as it was" {
        mount -t tmpfs inner "$R/home" # what is mounted in the tree comes along
        echo here >"$R/home/file"
        before=$(host_mounts)
        (cd "$R" && find . | sort) >"$T/tree"
        run berth chroot "$R" sh -c 'cut -d" " -f2,3 /proc/mounts; cat /etc/resolv.conf; echo $$; cat /home/file; ls /run; test -c /dev/null && ls /sys/class >/dev/null && echo devices'
        [ "$status" -eq 0 ]
        for mount in "/proc proc" "/sys sysfs" "/run tmpfs" "/home tmpfs"; do [[ $output == *"$mount"* ]]; done
        [[ $output == *"$(cat /etc/resolv.conf)"*here*lock*devices* ]]
        (cd "$R" && find . | sort) | diff "$T/tree" -
        umount "$R/home"
        before=$(host_mounts)
}

@test "a clean environment, the profile, arguments as they are, exit status and signals" {
        export SECRET=42
        printf 'export FROM_PROFILE=yes\n' >"$R/etc/profile"
        run berth chroot "$R" sh -c 'echo "$SECRET:$FROM_PROFILE:$HOME:$USER:$1"; exit 7' - 'a "b" c'
        [ "$status" -eq 7 ]
        [ "$output" = ':yes:/root:root:a "b" c' ]
        run berth chroot "$R" sh -c 'kill -USR1 $$'
        [ "$status" -eq $((128 + 10)) ]
        status=0
        berth chroot "$R" no-such-program 2>"$T/error" || status=$?
        [ "$status" -eq 127 ] && grep -q no-such-program "$T/error"
        run berth chroot "$R" <<<'echo $FROM_PROFILE; pwd; exit 3' # a login shell
        [ "$status" -eq 3 ] && [ "$output" = $'yes\n/root' ]
}

@test "a signal reaches the command, and its end is told" {
        "$BERTH" chroot "$R" sh -c 'trap "echo caught; exit 9" TERM; echo up; while :; do sleep 0.1; done' >"$T/out" 3>&- &
        pid=$!
        for _ in $(seq 100); do grep -q up "$T/out" && break; sleep 0.1; done
        kill -TERM $pid
        status=0
        wait $pid || status=$?
        [ "$status" -eq 9 ] && grep -q caught "$T/out"
}

@test "kill -9, and what the command leaves running: nothing stays" {
        "$BERTH" chroot "$R" sh -c 'sleep 4242 & echo up; wait' >"$T/out" 3>&- &
        pid=$!
        for _ in $(seq 100); do grep -q up "$T/out" && break; sleep 0.1; done
        [ -n "$(berth_processes)" ]
        kill -9 $pid
        wait $pid || :
        for _ in $(seq 50); do [ -z "$(berth_processes)" ] && break; sleep 0.1; done
        [ -z "$(berth_processes)" ]
        berth chroot "$R" sh -c 'sleep 4243 >/dev/null 2>&1 & exit 0' # the lock is free again
        for _ in $(seq 50); do [ -z "$(berth_processes)" ] && break; sleep 0.1; done
        [ -z "$(berth_processes)" ]
}

@test "an interactive terminal: job control, and ^C is the command's" {
        run timeout 60 python3 - "$BERTH" "$R" <<'SCRIPT'
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "chroot", sys.argv[2]])
seen = b""
def until(text):
    global seen
    while text not in seen:
        seen += os.read(fd, 4096)
until(b"# ")
os.write(fd, b"echo st''arted; sleep 100\n")
until(b"started")
time.sleep(0.5)
os.write(fd, b"\x03")
time.sleep(0.2)
os.write(fd, b"echo ali''ve; test -t 0 && exit 4\n")
until(b"alive")
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
SCRIPT
        echo "$output"
        [ "$status" -eq 4 ]
}

@test "--boot: an image or a block device on /boot, gone afterwards" {
        mkdir "$R/boot"
        truncate -s 8M "$T/boot.img"
        mkfs.ext4 -q "$T/boot.img" || skip "no mkfs.ext4"
        berth chroot --boot "$T/boot.img" "$R" sh -c 'echo grub >/boot/cfg'
        [ -z "$(ls "$R/boot")" ]
        device=$(losetup -f --show "$T/boot.img")
        run berth chroot --boot "$device" "$R" sh -c 'cat /boot/cfg; grep " /boot " /proc/mounts'
        losetup -d "$device"
        [[ ${lines[0]} == grub && ${lines[1]} == "$device /boot ext4"* ]]
        run berth chroot --boot /dev/zero "$R" true
        [ "$status" -eq 1 ] && [[ $output == *"/dev/zero"*"neither a block device"* ]]
        rmdir "$R/boot"
        run berth chroot --boot "$T/boot.img" "$R" true
        [ "$status" -eq 1 ] && [[ $output == *"no directory /boot"* ]]
}

@test "machines: layers are mounted, one that runs only --read-only" {
        busybox_machine web
        : >"$BERTH_MACHINES/web/etc/resolv.conf"
        berth chroot web sh -c 'echo one >/etc/one'
        grep -q one "$BERTH_MACHINES/web/etc/one"
        berth clone web copy
        berth chroot copy sh -c 'cat /etc/one; echo two >/etc/two; rm /etc/one'
        run berth chroot --read-only copy sh -c 'cat /etc/two; test -e /etc/one || echo gone; echo x >/etc/three'
        [ "$status" -ne 0 ] && [[ $output == *two*gone*"ead-only"* ]]
        berth start copy
        run berth chroot copy true
        [ "$status" -eq 1 ] && [[ $output == *"running"*"berth shell copy"* ]]
        [ "$(berth chroot --read-only copy cat /etc/two)" = two ]
        berth terminate copy
        berth read-only web
        run berth chroot web true
        berth read-only web no
        [ "$status" -eq 1 ] && [[ $output == *"--read-only"* ]]
}

@test "a resolv.conf that leads to /run, one that is missing, and no root at all" {
        ln -sf ../run/systemd/resolve/stub-resolv.conf "$R/etc/resolv.conf"
        [ "$(berth chroot "$R" cat /etc/resolv.conf)" = "$(cat /etc/resolv.conf)" ]
        rm "$R/etc/resolv.conf"
        run berth chroot "$R" true
        [ "$status" -eq 0 ] && [[ $output == *"has no /etc/resolv.conf"* ]]
        [ ! -e "$R/etc/resolv.conf" ]
        mkdir "$T/empty"
        run berth chroot "$T/empty" true
        [ "$status" -eq 1 ] && [[ $output == *"no directory /proc: is it the root of a system?"* ]]
        run berth chroot "$T/nowhere" true
        [ "$status" -eq 1 ] && [[ $output == *"$T/nowhere"* ]]
        run berth chroot "$BERTH" true
        [ "$status" -eq 1 ] && [[ $output == *"no directory"*"--image"* ]]
}

@test "a tree that was shifted to a machine's IDs: root's files are root's" {
        chown -hR 1179648:1179648 "$R"
        berth chroot "$R" sh -c 'stat -c %u /etc; touch /etc/made' >"$T/out" || {
                grep -q . "$T/out" || skip "this file system has no ID-mapped mounts"
        }
        [ "$(cat "$T/out")" = 0 ]
        [ "$(stat -c %u "$R/etc/made")" = 1179648 ]
}
