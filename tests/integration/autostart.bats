#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines that start with the host.

load lib/berth

setup() {
        berth_setup
        [ ! -d /run/systemd/system ] || skip "here systemd starts them: tests/vm"
}
teardown() { berth_teardown; }

@test "enabled machines start, others do not; --now, disable, and what goes with the machine" {
        for name in one two three; do busybox_machine $name; done
        berth enable one
        berth enable two --now
        [ "$(berth list --no-legend | awk '{ print $1 }')" = two ]
        berth autostart
        [ "$(berth list --no-legend | awk '{ print $1 }' | tr '\n' ' ')" = "one two " ]
        berth disable two --now
        [ "$(berth list --no-legend | awk '{ print $1 }')" = one ]
        run berth enable nothing
        [ "$status" -eq 1 ] && [[ $output == *"machine 'nothing' does not exist"* ]]
        berth terminate one
        berth rename one four
        berth autostart
        [ "$(berth list --no-legend | awk '{ print $1 }')" = four ]
        berth terminate four
        berth remove four
        berth autostart
        [ -z "$(berth list --no-legend)" ]
}

@test "--after waits until the other is ready, by its inittab, and a failure does not hold up the rest" {
        busybox_machine db
        printf '::sysinit:/bin/sh -c "sleep 1; touch /var/log/through"\n::respawn:/bin/sleep 100000\n' >"$BERTH_MACHINES/db/etc/inittab"
        busybox_machine app
        busybox_machine broken
        busybox_machine last
        berth enable db
        berth enable broken
        berth enable app --after=db
        berth enable last --after=broken,gone --delay=100ms
        rm -r "$BERTH_MACHINES/broken/sbin"
        run berth autostart
        [ "$status" -eq 1 ] && [[ $output == *"'broken' has no init to boot"* ]]
        [ "$(berth list --no-legend | awk '{ print $1 }' | tr '\n' ' ')" = "app db last " ]
        started=$(sed -n 's/^STARTED=//p' "$BERTH_RUN/machines/app/state")
        [ "$started" -ge "$(($(stat -c %Y "$BERTH_MACHINES/db/var/log/through") * 1000000))" ]
        berth terminate app db last
}

@test "machines that wait for each other are named" {
        busybox_machine a
        busybox_machine b
        berth enable a --after=b
        berth enable b --after=a
        run berth autostart
        [ "$status" -eq 1 ] && [[ $output == *"machine 'a' is to start after itself"* ]]
}

@test "fifty at once, a few at a time" {
        busybox_machine m1
        for i in $(seq 2 50); do
                mkdir "$BERTH_MACHINES/m$i"
                cp -al "$BERTH_MACHINES/m1/." "$BERTH_MACHINES/m$i/"
        done
        for i in $(seq 50); do berth enable m$i; done
        berth autostart
        [ "$(berth list --no-legend | wc -l)" = 50 ]
        berth poweroff $(berth list --no-legend | awk '{ print $1 }')
}

@test "the unit for systemd is one that systemd takes" {
        command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
        mkdir "$T/units"
        sed "s|^ExecStart=[^ ]*|ExecStart=$(realpath "$BERTH")|" "$BERTH_BUILD/berth@.service" >"$T/units/berth@.service"
        run systemd-analyze verify --man=no "$T/units/berth@web.service"
        ! grep -F 'berth@' <<<"$output" | grep -vE 'DelegateSubgroup|CoredumpReceive' # of 254 and 255
        for directive in Wants PartOf Before After RequiresMountsFor ExecStart KillMode Type RestartForceExitStatus SuccessExitStatus Slice Delegate \
                DelegateSubgroup CoredumpReceive TasksMax WatchdogSec DevicePolicy DeviceAllow WantedBy; do
                grep -q "^$directive=" "$T/units/berth@.service"
        done
}
