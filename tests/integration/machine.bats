#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines in the background: start, list, status, show, poweroff, terminate; what a killed supervisor leaves.

load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

supervisor() { sed -n 's/^SUPERVISOR=//p' "$BERTH_RUN/machines/$1/state"; }

@test "start, list, poweroff" {
        busybox_machine web
        run berth start web
        [ "$status" -eq 0 ]
        [ -z "$output" ]
        run berth list
        [ "$(echo "${lines[0]}" | tr -s ' ')" = "MACHINE CLASS SERVICE OS VERSION ADDRESSES" ]
        [ "$(echo "${lines[1]}" | tr -s ' ')" = "web container berth busyroot 1 -" ]
        [ "${lines[2]}" = "1 machines listed." ]
        berth poweroff web
        [ -e "$BERTH_MACHINES/web/var/log/clean-shutdown" ]
        run berth list
        [ "$output" = "No machines." ]
        berth_nothing_left
}

@test "the addresses of a machine's own network are listed, without loopback and link-local ones" {
        busybox_machine web
        berth start web
        leader=$(berth show web | sed -n 's/^Leader=//p')
        nsenter -t "$leader" -n sh -c 'ip link add v0 type veth peer name v1 && ip addr add 10.9.8.7/24 dev v0 &&
                ip addr add fd09::7/64 dev v0 nodad && ip link set v0 up && ip link set v1 up && ip addr add 127.9.9.9/8 dev lo' ||
                { berth terminate web; skip "no ip(8), or no veth here"; }
        [ "$(berth list --no-legend | tr -s ' ')" = "web container berth busyroot 1 10.9.8.7 fd09::7" ]
        [ "$(berth show web | sed -n 's/^Addresses=//p')" = "10.9.8.7 fd09::7" ]
        berth terminate web
}

@test "several at once, each with its own ID range, which it keeps" {
        busybox_machine one
        busybox_machine two
        berth start one two
        a=$(berth show one | sed -n 's/^UIDShift=//p')
        b=$(berth show two | sed -n 's/^UIDShift=//p')
        [ "$a" -ge 524288 ] && [ "$b" -ge 524288 ] && [ "$a" -ne "$b" ]
        [ $((a % 65536)) -eq 0 ] && [ $((b % 65536)) -eq 0 ]
        berth poweroff one two
        berth start one
        [ "$(berth show one | sed -n 's/^UIDShift=//p')" = "$a" ]
        berth terminate one
}

@test "an ID range whose note is lost is made again" {
        busybox_machine web
        berth start web
        berth terminate web
        rm -r "$BERTH_STATE"
        berth start web
        [ -s "$BERTH_STATE/id-ranges/web" ]
        [ "$(readlink "$BERTH_STATE/id-ranges/@$(cat "$BERTH_STATE/id-ranges/web")")" = web ]
        berth terminate web
}

@test "an ID range that a systemd-nspawn container uses is not taken" {
        busybox_machine web
        berth start web
        base=$(berth show web | sed -n 's/^UIDShift=//p')
        berth terminate web
        exec 6>"/run/systemd/nspawn-uid/$base"
        "$BATS_TEST_DIRNAME/lib/ofd-lock" 6
        berth start web
        [ "$(berth show web | sed -n 's/^UIDShift=//p')" != "$base" ]
        berth terminate web
        rm -f "/run/systemd/nspawn-uid/$base"
        exec 6>&-
}

@test "JSON of list and show" {
        busybox_machine web
        berth start web
        [ "$(berth list --json=short)" = '[{"machine":"web","class":"container","service":"berth","os":"busyroot","version":"1","addresses":null}]' ]
        berth show --json=pretty web | jq -e '.Name == "web" and .State == "running" and .Leader > 1' >/dev/null
        [ "$(berth list --no-legend | wc -l)" -eq 1 ]
        berth terminate web
}

@test "status tells people" {
        busybox_machine web
        berth start web
        for _ in $(seq 50); do [[ $(berth status web) == *"system is up"* ]] && break; sleep 0.1; done
        run berth status web
        [ "$status" -eq 0 ]
        [[ $output == *"State: running"* ]]
        [[ $output == *"OS: Busybox test root"* ]]
        [[ $output == *"system is up"* ]]
        berth terminate web
}

@test "a machine that runs is not started again" {
        busybox_machine web
        berth start web
        run berth start web
        [ "$status" -eq 1 ]
        [[ $output == *"machine 'web' is already running"* ]]
        berth terminate web
}

@test "a machine that does not exist is named" {
        run berth start nothing
        [ "$status" -eq 1 ]
        [[ $output == *"machine 'nothing' does not exist"* ]]
}

@test "a root without an init is refused before anything starts" {
        busybox_machine broken none
        run berth start broken
        [ "$status" -eq 1 ]
        [[ $output == *"has no init to boot"* ]]
        berth_nothing_left
}

@test "an init that ends before it is ready: the error shows its console" {
        busybox_machine bad 'echo the disk is on fire; exit 3'
        run berth start bad --notify-ready=yes
        [ "$status" -eq 1 ]
        [[ $output == *"exited with status 3"* ]]
        [[ $output == *"the disk is on fire"* ]]
        berth_nothing_left
}

@test "a console that is printed to without end does not fill /run" {
        busybox_machine loud 'head -c 3000000 /dev/zero | tr "\0" x >/dev/console; echo last words >/dev/console; sleep 1000'
        berth start loud
        log=$BERTH_RUN/machines/loud/console.log
        for ((i = 0; i < 100; i++)); do
                grep -q "last words" "$log" && break
                sleep 0.1
        done
        grep -q "last words" "$log"
        grep -q "output before this line was dropped" "$log"
        [ "$(stat -c %s "$log")" -le 1048576 ]
        berth terminate loud
}

@test "--start-timeout gives up a machine that does not come up" {
        busybox_machine slow 'sleep 1000'
        run berth start slow --notify-ready=yes --start-timeout=1
        [ "$status" -eq 1 ]
        [[ $output == *"stopped before it was up"* ]]
        berth_nothing_left
}

@test "Ctrl-C in start stops the half-started machine" {
        busybox_machine slow 'sleep 1000'
        "$BERTH" start slow --notify-ready=yes 2>"$T/err" &
        pid=$!
        for _ in $(seq 100); do [ -e "$BERTH_RUN/machines/slow/state" ] && break; sleep 0.05; done
        [ "$(berth list --no-legend | awk '{print $1}')" = slow ]
        kill -TERM $pid # a background job of bash ignores SIGINT
        ! wait $pid
        grep -q "stopped before it was up" "$T/err"
        berth_nothing_left
}

@test "what does not power off in time is killed" {
        busybox_machine stubborn 'trap "" TERM; while :; do sleep 1; done'
        berth start stubborn
        start=$SECONDS
        run berth poweroff stubborn --timeout=1
        [ "$status" -eq 0 ]
        [ $((SECONDS - start)) -lt 10 ]
        berth_nothing_left
}

@test "a killed supervisor: the machine is listed, entered and powered off all the same" {
        busybox_machine web
        berth start web
        base=$(berth show web | sed -n 's/^UIDShift=//p')
        kill -9 "$(supervisor web)"
        sleep 0.2
        run berth list --no-legend
        [[ $output == web* ]]
        run berth shell web echo alive
        [ "$output" = alive ]
        run berth start web
        [ "$status" -eq 1 ]
        [[ $output == *"already running"* ]]
        berth poweroff web
        [ -e "$BERTH_MACHINES/web/var/log/clean-shutdown" ]
        berth_nothing_left
        [ ! -e "/run/systemd/nspawn-uid/$base" ]
        berth start web # and it starts again
        berth terminate web
}

@test "a record of another boot of the host is no machine" {
        busybox_machine web
        berth start web
        cp -r "$BERTH_RUN/machines/web" "$T/record"
        berth terminate web
        mkdir -p "$BERTH_RUN/machines"
        cp -r "$T/record" "$BERTH_RUN/machines/web"
        sed -i "s/^BOOT_ID=.*/BOOT_ID=00000000000000000000000000000000/; s/^LEADER=.*/LEADER=$$/" "$BERTH_RUN/machines/web/state"
        run berth list
        [ "$output" = "No machines." ]
        [ ! -e "$BERTH_RUN/machines/web" ]
}

@test "a record whose process number belongs to another process now is no machine" {
        busybox_machine web
        berth start web
        cp -r "$BERTH_RUN/machines/web" "$T/record"
        berth terminate web
        mkdir -p "$BERTH_RUN/machines"
        cp -r "$T/record" "$BERTH_RUN/machines/web"
        sed -i "s/^LEADER=.*/LEADER=$$/" "$BERTH_RUN/machines/web/state"
        run berth poweroff web
        [ "$status" -eq 1 ]
        [[ $output == *"not running"* ]]
        kill -0 $$
}

@test "a machine that reboots from inside stays, with a new leader" {
        busybox_machine web
        berth start web
        before=$(sed -n 's/^LEADER=//p' "$BERTH_RUN/machines/web/state")
        berth shell web -- kill -TERM 1 # busybox: reboot
        for _ in $(seq 100); do
                now=$(sed -n 's/^LEADER=//p' "$BERTH_RUN/machines/web/state" 2>/dev/null)
                [ -n "$now" ] && [ "$now" != "$before" ] && break
                sleep 0.1
        done
        [ -n "$now" ] && [ "$now" != "$before" ]
        berth shell web true
        berth terminate web
}

@test "the supervisor keeps no descriptor of the caller" {
        busybox_machine web
        out=$(timeout 20 "$BERTH" start web 2>&1) # would hang if the pipe stayed open
        berth terminate web
}

@test "the supervisor needs no more than 400 KiB" {
        [ -z "$(ldd "$BERTH" | grep asan)" ] || skip "sanitizers need more"
        busybox_machine web
        berth start web
        sleep 2.5 # it gives memory back when nothing happens
        pss=$(awk '/^Pss:/ { print $2 }' "/proc/$(supervisor web)/smaps_rollup")
        echo "Pss: $pss kB"
        [ "$pss" -le 400 ]
        [[ $(tr '\0' ' ' <"/proc/$(supervisor web)/cmdline") == "berth: web"* ]]
        berth terminate web
}

@test "clone, snapshot and rollback of a machine, running and not" {
        busybox_machine web
        echo web >"$BERTH_MACHINES/web/etc/hostname"
        berth start web
        berth shell web -- sh -c 'echo 1 >/root/state'
        berth snapshot web first
        berth shell web -- sh -c 'echo 2 >/root/state'
        berth clone web web2
        [ "$(cat "$BERTH_MACHINES/web2/root/state")" = 2 ]
        [ "$(cat "$BERTH_MACHINES/web2/etc/hostname")" = web2 ]
        run berth rollback web first
        [ "$status" -eq 1 ]
        [[ $output == *"running"* ]]
        berth rollback web first --restart
        [ "$(berth shell web cat /root/state)" = 1 ]
        run berth snapshots web --no-legend
        [[ $output == first* ]]
        run berth remove web
        [ "$status" -eq 1 ]
        berth terminate web
        berth remove web web2
        run berth images
        [ "$output" = "No images." ]
        [ "$(ls -A "$BERTH_STATE/id-ranges")" = .lock ]
}

@test "a range that is noted for one machine is not given to another" {
        busybox_machine one
        busybox_machine two
        berth start two
        berth terminate two
        local base
        base=$(cat "$BERTH_STATE/id-ranges/two") # what the name makes of itself
        rm "$BERTH_STATE/id-ranges/two" "$BERTH_STATE/id-ranges/@$base"
        echo "$base" >"$BERTH_STATE/id-ranges/one" # as if its own had been taken once
        berth start one
        [ "$(readlink "$BERTH_STATE/id-ranges/@$base")" = one ]
        berth terminate one
        berth start two
        [ "$(cat "$BERTH_STATE/id-ranges/two")" != "$base" ]
        berth terminate two
}

# A machine with all that identifies it, on the driver: identified NAME DRIVER
identified() {
        local root=$T/$1-$2 file
        busybox_root "$root" busybox
        mkdir -p "$root"/etc/ssh "$root"/usr/bin "$root"/usr/lib/systemd "$root"/var/lib/{dbus,dhcp,NetworkManager,systemd}
        for file in etc/machine-id etc/ssh/ssh_host_rsa_key etc/ssh/ssh_host_rsa_key.pub etc/ssh/sshd_config usr/bin/ssh-keygen usr/lib/systemd/systemd \
                var/lib/dhcp/dhclient.host0.leases var/lib/NetworkManager/secret_key var/lib/NetworkManager/timestamps var/lib/systemd/random-seed; do
                echo old >"$root/$file"
        done
        ln -s /etc/machine-id "$root/var/lib/dbus/machine-id"
        echo "$1" >"$root/etc/hostname"
        "$(dirname "$BERTH")/tests/unit/store/store-tool" create "$BERTH_MACHINES" "$1" "$2" "$root"
}

@test "a clone has an identity of its own, and says what was reset; --same keeps all" {
        for driver in directory overlay; do
                identified web $driver
                run berth clone web web2
                [ "$status" -eq 0 ]
                [ "$output" = "web2: reset hostname, machine-id, SSH host keys, random seed, DHCP DUID and leases (--same keeps what the first machine has)" ]
                berth run web2 -- sh -c '
                        [ "$(cat /etc/hostname)" = web2 ] && [ -f /etc/machine-id ] && [ ! -s /etc/machine-id ] && [ -L /var/lib/dbus/machine-id ] &&
                        [ "$(ls /etc/ssh)" = sshd_config ] && [ -z "$(ls /var/lib/dhcp)" ] && [ "$(ls /var/lib/NetworkManager)" = timestamps ] &&
                        [ ! -e /var/lib/systemd/random-seed ] && grep -q "ssh-keygen -A" /etc/systemd/system/sysinit.target.wants/berth-ssh-host-keys.service'
                [ "$(berth run web -- cat /etc/hostname /etc/machine-id /etc/ssh/ssh_host_rsa_key /var/lib/systemd/random-seed | tr '\n' ' ')" = "web old old old " ]
                run berth clone web2 web3 # what there is no more need not be reset
                [ "$output" = "web3: reset hostname (--same keeps what the first machine has)" ]
                run berth clone web twin --same
                [ "$status" -eq 0 ] && [ -z "$output" ]
                [ "$(berth run twin -- cat /etc/hostname /etc/machine-id /etc/ssh/ssh_host_rsa_key /var/lib/systemd/random-seed | tr '\n' ' ')" = "web old old old " ]
                berth remove web web2 web3 twin
        done
}

@test "a clone whose SSH keys nothing would make anew says so" {
        identified web directory
        rm "$BERTH_MACHINES/web/usr/lib/systemd/systemd"
        run berth clone web web2
        [ "$status" -eq 0 ]
        [[ $output == *"machine 'web2' has no SSH host keys now and nothing that makes them: run 'ssh-keygen -A' in it"* ]]
        [ ! -e "$BERTH_MACHINES/web2/etc/systemd" ]
}

@test "a machine for which the host has too few inotify instances left says what to raise" {
        busybox_machine web none
        mkdir -p "$BERTH_MACHINES/web/lib/systemd"
        printf '#!/bin/sh\necho "Failed to create control group inotify object: Too many open files"\nexit 255\n' >"$BERTH_MACHINES/web/lib/systemd/systemd"
        chmod 755 "$BERTH_MACHINES/web/lib/systemd/systemd"
        ln -s /lib/systemd/systemd "$BERTH_MACHINES/web/sbin/init"
        run berth start web
        [ "$status" -eq 1 ]
        [[ $output == *"it exited with status 255 before it was ready (this host's sysctl fs.inotify.max_user_instances is used up: raise it, or stop other machines). The end"* ]]
}

@test "each machine has the host's inotify limits to itself" {
        local limit n name pids=()
        limit=$(cat /proc/sys/fs/inotify/max_user_instances)
        n=$((limit * 3 / 4))
        [ "$n" -lt 900 ] || skip "the limit is beyond what a process may open"
        for name in one two three; do
                busybox_machine $name none
                cp "${BERTH_BUILD:-$(dirname "$BERTH")}/tests/unit/engine/probe" "$BERTH_MACHINES/$name/bin/probe"
                "$BERTH" run -q -M $name --console=pipe probe inotify $n >"$T/$name" &
                pids+=($!)
        done
        for name in one two three; do
                for _ in $(seq 300); do [ -s "$T/$name" ] && break; sleep 0.1; done
                [ "$(cat "$T/$name")" = "$n opened" ]
        done
        kill -TERM "${pids[@]}"
        wait
}

@test "real-time signals are counted as the GNU C library does, whatever berth is built with" {
        busybox_machine web
        berth start web --kill-signal=SIGRTMIN+4
        grep -x STOP_SIGNAL=38 "$BERTH_RUN/machines/web/state"
        berth terminate web
}

@test "remove NAME@SNAPSHOT gives up one state, also of a running machine" {
        busybox_machine web
        berth start web
        berth snapshot web one
        berth snapshot web two
        berth remove web@one
        run berth snapshots web --no-legend
        [[ $output == two* ]] && [ "${#lines[@]}" = 1 ]
        run berth remove web@one
        [ "$status" -eq 1 ] && [ "$output" = "berth: machine 'web' has no snapshot 'one'" ]
        run berth remove web@ web@two
        [ "$status" -eq 1 ] && [ "${#lines[@]}" = 1 ]
        [ "$(berth snapshots web)" = "No snapshots." ]
        berth terminate web
        berth_no_debris
}

@test "settings files: trusted from /run, and the machine's own switches win" {
        busybox_machine "nspawn-$BERTH_TEST_ID"
        mkdir -p /run/systemd/nspawn
        printf '[Exec]\nHostname=from-file\n[Network]\nPrivate=no\n' >"/run/systemd/nspawn/nspawn-$BERTH_TEST_ID.nspawn"
        berth start "nspawn-$BERTH_TEST_ID"
        run berth shell "nspawn-$BERTH_TEST_ID" hostname
        rm "/run/systemd/nspawn/nspawn-$BERTH_TEST_ID.nspawn"
        network=$(berth show "nspawn-$BERTH_TEST_ID" | sed -n 's/^Network=//p')
        berth terminate "nspawn-$BERTH_TEST_ID"
        [ "$output" = from-file ]
        [ "$network" = host ]
}
