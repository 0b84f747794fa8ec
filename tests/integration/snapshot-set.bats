#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots of several machines at one instant, and those of a schedule.

bats_require_minimum_version 1.5.0
load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

pair() {
        local name
        rm -rf "$T/root"
        busybox_root "$T/root" busybox
        for name in a b; do berth import-fs "$T/root" $name --driver=$1 2>/dev/null; done
}

@test "a set is taken of all or none, shown, and rolled back together" {
        local driver
        for driver in overlay directory; do
                pair $driver
                berth run a /bin/sh -c 'echo 1 >/state' </dev/null
                berth run b /bin/sh -c 'echo 1 >/state' </dev/null
                berth snapshot a b --set=nightly
                run berth snapshots a
                [[ ${lines[0]} =~ ^SNAPSHOT\ +CREATED\ +SET$ && ${lines[1]} =~ ^nightly\ .*\ a\ b$ ]]
                berth run a /bin/sh -c 'echo 2 >/state' </dev/null
                berth run b /bin/sh -c 'echo 2 >/state' </dev/null
                berth rollback --set=nightly
                [ "$(berth run a /bin/cat /state </dev/null)$(berth run b /bin/cat /state </dev/null)" = 11 ]
                berth snapshot b taken
                run berth snapshot a b --set=taken
                [ "$status" -eq 1 ]
                ! berth snapshots a --no-legend | grep -q taken
                berth remove b@nightly
                run berth rollback --set=nightly
                [[ $status -eq 1 && $output == *"machine 'b' has no snapshot 'nightly'"* ]]
                berth remove a b
        done
        run berth rollback --set=none
        [[ $status -eq 1 && $output == *"there is no set of snapshots 'none'"* ]]
        berth_no_debris
}

@test "machines that run are held still together, and go on" {
        pair overlay
        # a counts, noting each number before b can see it: at one instant b never knows more than a.
        mkdir "$T/shared" && chmod 777 "$T/shared" && echo 0 >"$T/shared/n"
        berth start a b --bind="$T/shared:/shared" 2>/dev/null
        berth shell a /bin/sh -c '(i=0; while :; do i=$((i + 1)); echo $i >/t; mv /t /n; echo $i >/shared/t; mv /shared/t /shared/n; done) >/dev/null 2>&1 &'
        berth shell b /bin/sh -c '(while :; do cat /shared/n >/t && mv /t /n; done) >/dev/null 2>&1 &'
        sleep 0.3
        berth snapshot a b --set=now
        local one two
        one=$(berth shell a /bin/cat /shared/n)
        sleep 0.2
        two=$(berth shell a /bin/cat /shared/n)
        [ "$one" != "$two" ] # they were thawed
        run berth rollback --set=now
        [[ $status -eq 1 && $output == *"is running and cannot be rolled back"* ]]
        berth terminate a b
        berth export-tar a@now 2>/dev/null | tar -xO ./n >"$T/a"
        berth export-tar b@now 2>/dev/null | tar -xO ./n >"$T/b"
        [ "$(cat "$T/a")" -gt 1 ]
        [ "$(cat "$T/b")" -le "$(cat "$T/a")" ]
}

@test "a schedule keeps what its rule says, and only removes what it made" {
        pair overlay
        local name
        for name in 20261101T000000Z 20261102T000000Z 20261102T120000Z 20261103T000000Z; do
                berth snapshot a auto-$name
        done
        berth snapshot a mine
        berth snapshot a auto-of-mine
        berth snapshot a b --keep=daily=2
        run berth snapshots a --no-legend
        [[ $output == *mine* && $output == *auto-of-mine* ]]
        [ "$(berth snapshots a --no-legend | grep -c '^auto-[0-9]')" -eq 2 ]
        berth snapshots a --no-legend | grep -q '^auto-20261103T000000Z'
        [ "$(berth snapshots b --no-legend | wc -l)" -eq 1 ]
        run berth snapshot a --keep=sometimes=3
        [[ $status -eq 1 && $output == *"'sometimes=3' is no value for --keep"* ]]
        run berth snapshot a --keep=daily=2 --set=x
        [[ $status -eq 1 && $output == *"give one of them"* ]]
        run berth snapshot a
        [[ $status -eq 1 && $output == *"usage: berth snapshot NAME SNAPSHOT"* ]]
        berth_no_debris
}

@test "a snapshot boots beside the machine, as another one, and leaves nothing" {
        local driver name
        for driver in overlay directory; do
                rm -rf "$T/root"
                busybox_root "$T/root" busybox
                echo 0123456789abcdef0123456789abcdef >"$T/root/etc/machine-id"
                echo web >"$T/root/etc/hostname"
                berth import-fs "$T/root" web --driver=$driver
                berth run web /bin/sh -c 'echo old >/state' </dev/null
                berth snapshot web first
                berth run web /bin/sh -c 'echo new >/state' </dev/null
                berth start web
                run berth start web@first
                [ "$status" -eq 0 ]
                name=$(berth list --no-legend | awk '{print $1}' | grep '^web-first-')
                [[ $output == *"$name"* ]]
                [ "$(berth shell "$name" /bin/cat /state)" = old ]
                [ "$(berth shell web /bin/cat /state)" = new ]
                [ "$(berth shell "$name" /bin/cat /etc/hostname)" = "$name" ]
                [ "$(berth shell "$name" /bin/cat /etc/machine-id)" != "$(berth shell web /bin/cat /etc/machine-id)" ]
                berth shell "$name" /bin/sh -c 'echo changed >/state'
                run berth remove web@first
                [ "$status" -eq 1 ] # in use
                berth poweroff "$name" web
                berth diff web@first --no-legend | grep -q '^~ /state'
                [ ! -e "$BERTH_STATE/id-ranges/$name" ]
                run berth start web@none
                [[ $status -eq 1 && $output == *"has no snapshot 'none'"* ]]
                berth remove web
                berth_no_debris
        done
}

state() { berth run $1 /bin/cat /state </dev/null; }
states() { # A B: what is in the machines, and that nothing else is there
        [ "$(state a)$(state b)" = "$1$2" ]
        [ "$(berth snapshots a --no-legend | awk '{ print $1 }')" = s ]
        [ "$(berth snapshots b --no-legend | awk '{ print $1 }')" = s ]
        berth_no_debris
}

@test "a set is rolled back whole or not at all: a member that cannot, a kill -9 at every rename" {
        local n total outcomes=
        pair overlay
        for name in a b; do berth run $name /bin/sh -c 'echo 1 >/state' </dev/null; done
        berth snapshot a b --set=s
        for name in a b; do berth run $name /bin/sh -c "echo 2 >/state" </dev/null; done
        # b cannot be changed, which is found out when a is back already
        chattr +i "$BERTH_MACHINES/b.mstack" || skip "the file system has no immutable files"
        run berth rollback --set=s
        chattr -i "$BERTH_MACHINES/b.mstack"
        [[ $status -eq 1 && $output == *"nothing was rolled back"*"read-only"* ]]
        states 2 2
        strace -f -o "$T/trace" -e trace=renameat2 "$BERTH" rollback --set=s
        states 1 1
        total=$(grep -c renameat2 "$T/trace")
        [ "$total" -ge 4 ]
        for n in $(seq "$total"); do
                for name in a b; do berth run $name /bin/sh -c 'echo 2 >/state' </dev/null; done
                (strace -f -o /dev/null -e inject=renameat2:signal=KILL:when=$n "$BERTH" rollback --set=s; exit $?) >/dev/null 2>&1 || true
                outcomes+=$(state a)$(state b)
                states "$(state a)" "$(state a)"
        done
        [[ $outcomes == 22* && $outcomes != *12* && $outcomes != *21* ]] || { echo "$outcomes"; false; }
        berth remove a b
}

@test "a set is removed from all of its machines" {
        pair directory
        berth snapshot a b --set=s
        berth snapshot a other
        run berth remove --set=s a
        [[ $status -eq 1 && $output == *"usage: berth remove"* ]]
        berth remove --set=s
        [ "$(berth snapshots a --no-legend | awk '{ print $1 }')" = other ]
        [ -z "$(berth snapshots b --no-legend)" ]
        run berth remove --set=s
        [[ $status -eq 1 && $output == *"there is no set of snapshots 's'"* ]]
        run berth remove
        [[ $status -eq 1 && $output == *"usage: berth remove"* ]]
        berth remove a b
        berth_no_debris
}

@test "clone --driver copies a machine that runs to another driver, with an identity of its own; convert waits for none" {
        rm -rf "$T/root"
        busybox_root "$T/root" busybox
        mkdir -p "$T/root/etc"; echo 11111111111111111111111111111111 >"$T/root/etc/machine-id"
        berth import-fs "$T/root" a --driver=overlay 2>/dev/null
        berth start a 2>/dev/null
        berth shell a -- /bin/sh -c 'echo 1 >/state'
        run berth clone a b --driver=directory
        [[ $status -eq 0 && $output == *"reset"*"machine-id"* ]]
        [ "$(cat "$BERTH_MACHINES/b/state")" = 1 ]
        ! grep -q 1111 "$BERTH_MACHINES/b/etc/machine-id"
        run berth convert a --driver=directory
        [[ $status -eq 1 && $output == *"machine 'a' is running and cannot be converted; stop it with 'berth poweroff a'"* ]]
        run berth flatten a
        [[ $status -eq 1 && $output == *"machine 'a' is running and cannot be flattened"* ]]
        berth terminate a
        run berth convert a
        [[ $status -eq 1 && $output == *"--driver= says what 'a' shall be stored by"* ]]
        berth convert a --driver=directory
        [ "$(state a)" = 1 ]
        grep -q 1111 "$BERTH_MACHINES/a/etc/machine-id"
        berth remove a b
        berth_no_debris
}
