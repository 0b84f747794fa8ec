#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job with a real Debian: one create for the whole file, from the cache of packages when it has them ($BERTH_TEST_CACHE).

load lib/berth

setup_file() {
        [ "$(id -u)" = 0 ] || return 0
        export BERTH_FILE_PLACE
        BERTH_FILE_PLACE=$(mktemp -d /var/tmp/berth-debian.XXXXXX)
        export BERTH_TEST_CACHE=${BERTH_TEST_CACHE:-/var/cache/berth}
        BERTH_MACHINES=$BERTH_FILE_PLACE/machines BERTH_STATE=$BERTH_FILE_PLACE/state BERTH_RUN=$BERTH_FILE_PLACE/run \
                BERTH_CACHE=$BERTH_TEST_CACHE BERTH_CGROUP=/berth-test-${BERTH_FILE_PLACE##*.} \
                "$BERTH" create base debian:bookworm
}
teardown_file() {
        [ -n "${BERTH_FILE_PLACE-}" ] && rm -rf "$BERTH_FILE_PLACE"
}

setup() {
        berth_setup
        export BERTH_MACHINES=$BERTH_FILE_PLACE/machines BERTH_CACHE=$BERTH_TEST_CACHE
}
teardown() {
        local name
        for name in $("$BERTH" list --no-legend | awk '{ print $1 }'); do berth terminate "$name"; done
        for name in $("$BERTH" images --no-legend | awk '$1 != "base" { print $1 }'); do berth remove "$name"; done
        berth_teardown
}

@test "systemd boots to running, is entered, and powers off cleanly" {
        berth clone base web
        berth start web
        run berth shell web -- systemctl is-system-running --wait
        [ "$output" = running ]
        [ "$status" -eq 0 ]
        [ "$(berth shell web cat /etc/hostname)" = web ]
        [ "$(berth shell web hostname)" = web ]
        run berth list --no-legend
        [ "$(echo "$output" | tr -s ' ')" = "web container berth debian 12 -" ]
        berth shell web -- journalctl -b --no-pager -q >/dev/null
        berth poweroff web
        run berth run web -- journalctl -D /var/log/journal --no-pager -q -n 1
        berth_nothing_left
}

@test "fifty machines booted at once all come up" {
        local names=() pids=() name pid
        for name in $(seq -f 'many%g' 50); do
                berth clone base "$name" 2>/dev/null
                names+=("$name")
        done
        for name in "${names[@]}"; do berth start "$name" & pids+=($!); done
        for pid in "${pids[@]}"; do wait "$pid"; done
        for name in "${names[@]}"; do
                [ "$(berth shell "$name" -- systemctl is-system-running --wait)" = running ] ||
                        { echo "$name:"; berth shell "$name" -- systemctl --failed --no-legend; return 1; }
        done
        [ "$(berth list --no-legend | wc -l)" -ge 50 ]
        berth poweroff "${names[@]}"
        berth_nothing_left
}

@test "a second create of the same source is a clone, at once" {
        start=$(date +%s%N)
        berth create again debian:bookworm
        took=$((($(date +%s%N) - start) / 1000000))
        echo "$took ms"
        [ "$took" -lt 1000 ]
        [ "$(cat "$BERTH_MACHINES"/again.mstack/rw/data/etc/hostname "$BERTH_MACHINES/again/etc/hostname" 2>/dev/null)" = again ]
}

@test "two creates of one source at once: one builds, the other waits and clones" {
        berth create one debian:bookworm --variant=minbase 2>"$T/one" &
        first=$!
        berth create two debian:bookworm --variant=minbase 2>"$T/two" &
        second=$!
        wait $first
        wait $second
        [ "$(berth images --no-legend | awk '{ print $1 }' | sort | tr '\n' ' ')" = "base one two " ]
        [ "$(cat "$T/one" "$T/two" | grep -c '^Configuring')" -le 1 ]
}

@test "a name that is taken is refused before anything is fetched" {
        run berth create base debian:trixie
        [ "$status" -eq 1 ]
        [[ $output == *"machine 'base' already exists"* ]]
}

@test "two machines run at once; a snapshot brings one of them back" {
        berth clone base web
        berth start web
        berth shell web -- sh -c 'echo before >/root/note'
        berth snapshot web before-upgrade
        berth shell web -- sh -c 'echo after >/root/note; rm /etc/motd'
        berth clone web web2
        berth start web2
        [ "$(berth shell web2 cat /root/note)" = after ]
        [ "$(berth shell web2 hostname)" = web2 ]
        [ "$(berth list --no-legend | wc -l)" -eq 2 ]
        berth rollback web before-upgrade --restart
        [ "$(berth shell web cat /root/note)" = before ]
        berth shell web test -e /etc/motd
        berth poweroff web web2
        berth_nothing_left
}

@test "SSH host keys: of its own for each machine that create or clone makes, though one image has some" {
        berth create ssh debian:bookworm --include=openssh-server
        berth start ssh
        berth clone ssh web
        berth start web
        for machine in ssh web; do
                [ "$(berth shell $machine -- systemctl is-system-running --wait)" = running ]
                berth shell $machine -- systemctl is-active ssh
                berth shell $machine -- sh -c 'cat /etc/ssh/ssh_host_*_key.pub /etc/machine-id' | cut -d" " -f1,2 >"$T/$machine"
                [ "$(wc -l <"$T/$machine")" = 4 ]
        done
        cat "$BERTH_MACHINES"/.berth.v/images/*/layer@0/etc/ssh/ssh_host_*_key.pub 2>/dev/null | cut -d" " -f1,2 >"$T/image" || true
        [ -z "$(sort "$T/ssh" "$T/web" "$T/image" | uniq -d)" ]
        berth poweroff ssh web
}

@test "a login shell on a terminal, as root and as a user" {
        berth clone base web
        berth start web
        berth shell web -- useradd -m -s /bin/bash lina
        run script -qec "$BERTH shell lina@web" /dev/null <<<'id -un; tty; pwd; exit 4'
        [ "$status" -eq 4 ]
        [[ $output == *lina* ]]
        [[ $output == */dev/pts/* ]]
        [[ $output == */home/lina* ]]
        berth terminate web
}

@test "systemd reboots the machine from inside" {
        berth clone base web
        berth start web
        first=$(berth shell web cat /proc/sys/kernel/random/boot_id)
        berth shell web systemctl reboot || true
        for _ in $(seq 100); do
                now=$(berth shell web cat /proc/sys/kernel/random/boot_id 2>/dev/null) || now=
                [ -n "$now" ] && [ "$now" != "$first" ] && break
                sleep 0.1
        done
        [ -n "$now" ] && [ "$now" != "$first" ]
        berth poweroff web
}

@test "kill -9 of create while it configures: nothing runs on, and the same command succeeds" {
        setsid "$BERTH" create late debian:bookworm --variant=minbase --rebuild >"$T/out" 2>&1 &
        pid=$!
        for _ in $(seq 600); do grep -q Configuring "$T/out" && break; sleep 0.05; done
        sleep 0.3
        kill -9 $pid
        wait $pid || true
        sleep 0.5
        [ -z "$(berth_processes)" ]
        run berth images --no-legend
        [[ $output != *late* ]]
        berth create late debian:bookworm --variant=minbase --rebuild
        berth run late true
        berth_no_debris
}
