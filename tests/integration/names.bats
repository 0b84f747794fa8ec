#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names and leases in zones, on a host that is a network namespace of a LAN (lib/lan.bash).

load lib/berth
load lib/lan

setup() {
        command -v dnsmasq >/dev/null || skip "dnsmasq is not installed"
        berth_setup
        lan_setup
        chmod 755 "$T" # dnsmasq is not root
        ip -n "$H" addr add 192.168.50.2/24 dev eth0
        ip -n "$H" route add default via 192.168.50.1
        export BERTH_HOSTS=$T/hosts
        printf '127.0.0.1 localhost\n' >"$BERTH_HOSTS"
        A=web-$BERTH_TEST_ID B=db-$BERTH_TEST_ID
}

teardown() {
        [ -n "${H-}" ] || { berth_teardown; return; }
        lan_teardown
}

# What the host resolves, with the file that berth keeps as its /etc/hosts.
resolve() { unshare --mount sh -c 'mount --bind "$1" /etc/hosts && getent ahosts "$2"' sh "$BERTH_HOSTS" "$1" | awk '{print $1}' | sort -u | xargs; }
server() { cat "$BERTH_RUN/zones/vz-lan/pid"; }
address() { inside "$1" ip -o -4 addr show host0 | sed 's/.*inet \([^/]*\).*/\1/'; }
no_server() { ! kill -0 "$1"; }

@test "machines of a zone find each other and the world's names, and the host finds them" {
        web_machine "$A"
        web_machine "$B"
        start "$A" Zone=lan
        start "$B" Zone=lan
        a=$(address "$A") b=$(address "$B")
        until_true inside "$B" nslookup "$A"
        until_true inside "$A" nslookup "$B"
        [ "$(inside "$B" wget -q -O - "http://$A/name")" = "$A" ]
        [ "$(inside "$A" wget -q -O - "http://$B/name")" = "$B" ]
        [[ " $(resolve "$A") " == *" $a "* ]]
        [[ " $(resolve "$B") " == *" $b "* ]]
        [ "$(head -1 "$BERTH_HOSTS")" = "127.0.0.1 localhost" ]
        # the image is as it was, and the guest may write there what its own client learns
        [ ! -s "$BERTH_MACHINES/$A/etc/resolv.conf" ]
        inside "$A" sh -c 'echo "# mine" >>/etc/resolv.conf'
        # names go with their machines
        on_host terminate "$A"
        [ -z "$(resolve "$A")" ]
        ! inside "$B" wget -q -T 2 -O - "http://$A/name"
        s=$(server)
        on_host terminate "$B"
        until_true no_server "$s"
        [ "$(cat "$BERTH_HOSTS")" = "127.0.0.1 localhost" ]
        [ ! -e "$BERTH_RUN/zones" ] && [ ! -e "$BERTH_RUN/names" ]
}

@test "a guest that asks for a lease gets the address that it has, also after another one had to go" {
        web_machine "$A" "ip addr flush dev host0; $dhcp_client; ip -o -4 addr show host0 >/run/lease"
        web_machine "$B"
        start "$A" Zone=lan
        start "$B" Zone=lan
        until_true grep -F "$A" "$BERTH_RUN/zones/vz-lan/dhcp"
        given=$(awk -F, -v m="$A" '$3 == m {print $2}' "$BERTH_RUN/zones/vz-lan/dhcp")
        [ -n "$given" ]
        until_true inside "$A" grep -F "$given/" /run/lease
        until_true inside "$B" wget -q -O - "http://$A/name"
        on_host terminate "$A"
        ! grep -F "$A" "$BERTH_RUN/zones/vz-lan/dhcp"
        on_host start "$A"
        until_true inside "$A" grep -F "$given/" /run/lease
}

@test "a server that died is there again with the next machine, and kill -9 leaves no name, lease or server" {
        web_machine "$A"
        web_machine "$B"
        start "$A" Zone=lan
        until_true server
        s=$(server)
        kill -9 "$s"
        until_true no_server "$s"
        start "$B" Zone=lan
        until_true inside "$A" nslookup "$B"
        s=$(server)
        for m in "$A" "$B"; do
                leader=$(sed -n 's/^LEADER=//p' "$BERTH_RUN/machines/$m/state")
                kill -9 "$(sed -n 's/^SUPERVISOR=//p' "$BERTH_RUN/machines/$m/state")" "$leader"
                until_true no_server "$leader"
        done
        on_host list
        until_true no_server "$s"
        [ "$(cat "$BERTH_HOSTS")" = "127.0.0.1 localhost" ]
        [ ! -e "$BERTH_RUN/zones" ] && [ ! -e "$BERTH_RUN/names" ]
        nothing_on_host
}

@test "without dnsmasq a zone works, by addresses, and the host has the names" {
        web_machine "$A"
        in_net "$H" unshare --mount sh -c 'mount --bind /dev/null "$(command -v dnsmasq)"; exec "$@"' sh "$BERTH" run -q -P -M "$A" --network-zone=lan \
                sh -c 'cat /etc/resolv.conf; ping -c 1 -W 2 203.0.113.1; exec sleep 1000' </dev/null >"$T/out" 2>&1 &
        until_true grep -F ' 0% packet loss' "$T/out"
        ! grep nameserver "$T/out"
        until_true grep -F "$(address "$A") $A" "$BERTH_HOSTS"
        [ "$(resolve "$A")" = "$(address "$A")" ]
        on_host terminate "$A"
        wait
}

@test "a guest whose resolv.conf is a link into what it makes itself keeps it" {
        web_machine "$A"
        ln -s ../run/systemd/resolve/stub-resolv.conf "$BERTH_MACHINES/$A/etc/resolv.conf"
        run on_host run -q -P -M "$A" --network-zone=lan sh -c 'mkdir -p /run/systemd/resolve && echo own >/run/systemd/resolve/new && mv /run/systemd/resolve/new /run/systemd/resolve/stub-resolv.conf && cat /etc/resolv.conf'
        echo "$output"
        [ "$output" = own ]
}

@test "two hundred machines of a zone: an address and a name each, and nothing is left of them" {
        web_machine m
        printf '%s\n' '#!/bin/sh' 'ip -o -4 addr show host0' 'exec sleep 100000' >"$BERTH_MACHINES/m/init"
        chmod 755 "$BERTH_MACHINES/m/init"
        touch "$BERTH_MACHINES/m/etc/resolv.conf" # in a read-only root it has to be there
        for i in $(seq 200); do
                in_net "$H" "$BERTH" run -q -P -D "$BERTH_MACHINES/m" --read-only -M "m$i" --network-zone=lan /init </dev/null >"$T/out.$i" 2>&1 &
                [ $((i % 10)) != 0 ] || until_true sh -c "[ \$(cat $T/out.* | grep -c inet) -ge $((i - 5)) ]" || true
        done
        for n in 1 2 3 4 5 6; do until_true sh -c "[ \$(cat $T/out.* | grep -c inet) = 200 ]" && break; done
        [ "$(sed 's/.*inet \([^ ]*\).*/\1/' "$T"/out.* | sort -u | wc -l)" = 200 ]
        [ "$(on_host list --no-legend | wc -l)" = 200 ]
        until_true sh -c "[ \$(wc -l <$BERTH_RUN/zones/vz-lan/hosts) = 200 ]"
        [ "$(inside m7 nslookup m123 | grep -c "$(sed 's/.*inet \([^/]*\).*/\1/' "$T/out.123")")" = 1 ]
        on_host list --no-legend | awk '{print $1}' | xargs -n 50 nsenter --net="/run/netns/$H" -- "$BERTH" terminate
        wait
        nothing_on_host
        [ "$(cat "$BERTH_HOSTS")" = "127.0.0.1 localhost" ]
        [ ! -e "$BERTH_RUN/zones" ]
}
