#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# --private-users-delegate=: machines in a machine, with ranges of IDs of their own.

load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

delegated() { sed -n 's/^ *\([0-9]*\) *\1 *65536$/\1/p' "$@"; }

@test "the ranges are the same numbers inside, and nobody else's" {
        busybox_machine web none
        "$BERTH" run -q --private-users-delegate=3 web cat /proc/self/uid_map /proc/self/gid_map >"$T/maps"
        [ "$(delegated "$T/maps" | sort -u | wc -l)" = 3 ]
        [ "$(delegated "$T/maps" | wc -l)" = 6 ]
        # Kept from start to start, and given back with the machine.
        [ "$("$BERTH" run -q --private-users-delegate=3 web cat /proc/self/uid_map | delegated)" = "$(delegated "$T/maps" | head -n 3)" ]
        for base in $(delegated "$T/maps" | head -n 3); do [ -e "$BERTH_STATE/id-ranges/@$base" ] || [ -L "$BERTH_STATE/id-ranges/@$base" ]; done
        for base in $(delegated "$T/maps"); do [ ! -e "/run/systemd/nspawn-uid/$base" ]; done
        "$BERTH" rename web other
        [ "$("$BERTH" run -q --private-users-delegate=3 other cat /proc/self/uid_map | delegated)" = "$(delegated "$T/maps" | head -n 3)" ]
        "$BERTH" remove other
        [ -z "$(ls -A "$BERTH_STATE/id-ranges" | grep -v '^\.lock$')" ]
}

@test "while a machine has them, no other gets them" {
        busybox_machine web none
        "$BERTH" run -q --private-users-delegate=2 -M web -- sh -c 'cat /proc/self/uid_map; exec sleep 100000' >"$T/map" &
        for i in $(seq 300); do [ "$(wc -l <"$T/map")" = 3 ] && break; sleep 0.1; done
        mkdir "$T/tree"
        for base in $(delegated "$T/map"); do
                chown "$base:$base" "$T/tree"
                run "$BERTH" run -q -D "$T/tree" --private-users=pick true
                [ "$status" = 1 ] && [[ $output == *"$base is in use by another container"* ]]
        done
        "$BERTH" terminate web
        wait
        for base in $(delegated "$T/map"); do [ ! -e "/run/systemd/nspawn-uid/$base" ]; done
}

@test "a machine in the machine runs in one of them" {
        busybox_machine web none
        cp "$BERTH" "$BERTH_MACHINES/web/bin/berth"
        busybox_root "$BERTH_MACHINES/web/root/inner" none
        ldd "$BERTH" >/dev/null 2>&1 && skip "this berth is not linked statically"
        run "$BERTH" run -q --private-users-delegate=1 web sh -c '
                base=$(sed -n "s/^ *\([0-9]*\) *\1 *65536\$/\1/p" /proc/self/uid_map)
                mkdir /tmp/inner && cp -a /root/inner/. /tmp/inner && echo "$base"
                exec env BERTH_RUN=/tmp/run BERTH_STATE=/tmp/state berth run -q --network=private -D /tmp/inner --private-users=$base sh -c "cat /proc/self/uid_map; id -u; stat -c %u /"'
        echo "$output"
        [ "$status" = 0 ]
        base=${lines[0]}
        [ "$(echo ${lines[1]})" = "0 $base 65536" ]
        [ "${lines[2]}" = 0 ] && [ "${lines[3]}" = 0 ]
}
