# SPDX-License-Identifier: LGPL-2.1-or-later
# A LAN of network namespaces, so that nothing of this computer's own network is touched; use after lib/berth:
#
#   client ── switch (br-lan of "router", 192.168.50.1) ── eth0 of "host"
#                  └──────────────────────────────────── eth1 of "host"
#   "router" also has 203.0.113.1, which stands for the rest of the world; it knows no way to the machines' own networks.
#
# lan_setup makes it: $R, $C and $H are the namespaces of router, client and host. lan_teardown removes it.

lan_setup() {
        R=router-$BERTH_TEST_ID C=client-$BERTH_TEST_ID H=host-$BERTH_TEST_ID
        local n
        for n in "$R" "$C" "$H"; do
                ip netns add "$n"
                ip -n "$n" link set lo up
        done
        ip -n "$R" link add br-lan type bridge
        ip -n "$R" link set br-lan up
        ip -n "$R" addr add 192.168.50.1/24 dev br-lan
        ip -n "$R" addr add 203.0.113.1/32 dev lo
        cable "$C" eth0 to-client
        cable "$H" eth0 to-host
        cable "$H" eth1 to-host1
        ip -n "$C" addr add 192.168.50.9/24 dev eth0
}

lan_teardown() {
        local name n
        [ ! -s "$T/dnsmasq.pid" ] || kill "$(cat "$T/dnsmasq.pid")"
        for name in $(on_host list --no-legend 2>/dev/null | awk '{print $1}'); do on_host terminate "$name"; done
        rm -f "/run/systemd/nspawn/"*"-$BERTH_TEST_ID.nspawn"
        n=0
        nothing_on_host || n=1
        berth_teardown || n=1
        for name in "$R" "$C" "$H" "blue-$BERTH_TEST_ID"; do ip netns del "$name" 2>/dev/null; done
        return $n
}

cable() { # NAMESPACE INTERFACE PORT: from there to the switch
        ip -n "$R" link add "$3" type veth peer name "$2" netns "$1"
        ip -n "$R" link set "$3" master br-lan up
        ip -n "$1" link set "$2" up
}
# nsenter, unlike ip-netns(8), leaves the mounts alone.
in_net() { local net=$1; shift; nsenter --net="/run/netns/$net" -- "$@"; }
on_host() { in_net "$H" "$BERTH" "$@"; }

# What machines have on the host is gone with them.
nothing_on_host() {
        local left bad=0 tries
        for tries in 1 2 3 4 5 6 7 8 9 10; do
                left=$(ip -n "$H" -o link | grep -E ': (ve|vb|vz)-|: xa' || :)
                [ -n "$left" ] || break
                sleep 0.1
        done
        if [ -n "$left" ]; then echo "interfaces left: $left"; bad=1; fi
        left=$(in_net "$H" nft list tables | grep berth || :)
        if [ -n "$left" ]; then echo "tables left: $left"; bad=1; fi
        left=$(ls "$BERTH_RUN/addresses" 2>/dev/null || :)
        if [ -n "$left" ]; then echo "addresses left: $left"; bad=1; fi
        return $bad
}
refused() { # PART COMMAND...
        local part=$1
        shift
        run "$@"
        [ "$status" = 1 ]
        [[ $output == *"$part"* ]] || { echo "no '$part' in: $output"; return 1; }
}
until_true() { # COMMAND...: within ten seconds
        local end=$((SECONDS + 10))
        while [ $SECONDS -lt $end ]; do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
        echo "never came true: $*"
        return 1
}
dhcp_server() {
        in_net "$R" dnsmasq --conf-file=/dev/null --port=0 --interface=br-lan --bind-interfaces --user=root --no-ping \
                --dhcp-authoritative --dhcp-range=192.168.50.100,192.168.50.150,1h --dhcp-option=3,192.168.50.1 \
                --dhcp-leasefile="$T/leases" --pid-file="$T/dnsmasq.pid" 3>&-
}
# A machine that serves its name on port 80: web_machine NAME [BEFORE]
web_machine() {
        busybox_machine "$1" "${2:-:}
mkdir -p /run/www; hostname >/run/www/name; httpd -p 80 -h /run/www
exec sleep 100000"
        mkdir -p "$BERTH_MACHINES/$1/usr/share/udhcpc"
        printf '%s\n' '#!/bin/sh' '[ "$1" = bound ] || exit 0' 'ip addr add $ip/$mask dev $interface' 'ip route add default via $router' \
                >"$BERTH_MACHINES/$1/usr/share/udhcpc/default.script"
        chmod 755 "$BERTH_MACHINES/$1/usr/share/udhcpc/default.script"
}
dhcp_client='ip link set host0 up; udhcpc -s /usr/share/udhcpc/default.script -i host0 -n -q -t 20 -T 1 >/dev/null 2>&1'
settings() { # NAME LINE...
        mkdir -p /run/systemd/nspawn
        local name=$1
        shift
        printf '%s\n' '[Network]' "$@" >"/run/systemd/nspawn/$name.nspawn"
}
# A machine of the store with these [Network] lines, running: start NAME LINE...
start() {
        settings "$@"
        on_host start "$1"
}
inside() { on_host shell "$@" </dev/null; }
page() { in_net "$1" curl -s -g -m 2 "http://$2/name"; }
mac() { ip -n "$H" -o link show "$1" | sed 's/.*ether \([^ ]*\).*/\1/'; }
