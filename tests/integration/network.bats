#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# `berth network`: what joins the host's machines to its LAN, on a LAN of network namespaces (lib/lan.bash). The host has 192.168.50.2 on
# eth0, which is its only way out, and a route to another network by the router.

load lib/berth
load lib/lan

setup() {
        berth_setup
        lan_setup
        ip -n "$H" addr add 192.168.50.2/24 dev eth0
        ip -n "$H" route add default via 192.168.50.1 metric 7
        ip -n "$H" route add 198.51.100.0/24 via 192.168.50.1
        ip -n "$H" addr add fd50::2/64 dev eth0 nodad
        ip -n "$H" -6 route add default via fd50::1
        ip -n "$C" addr add fd50::9/64 dev eth0 nodad
}

teardown() {
        [ -n "${H-}" ] || { berth_teardown; return; }
        [ ! -s "$T/networkd.pid" ] || kill "$(cat "$T/networkd.pid")"
        lan_teardown
}

network() { on_host network "$@"; }
# What the host is reached by: addresses that were given, routes, masters.
outside() {
        ip -n "$H" -o addr show | sed -E 's/valid_lft.*//; s/^[0-9]+: //' | grep -v fe80: | sort
        ip -n "$H" route
        ip -n "$H" -6 route | grep -v fe80:
        ip -n "$H" -o link | sed -E 's/^[0-9]+: ([^:]*).*(master [^ ]*)?.*/\1 \2/' | sort
}
reached() { in_net "$C" busybox ping -c 1 -W 2 192.168.50.2 && in_net "$C" busybox ping -c 1 -W 2 fd50::2; }
on_lan() { [[ $(ip -n "$H" -o link show eth0) == *"master $1"* ]]; }

@test "a bridge takes the uplink's addresses and routes over, and gives them back" {
        outside >"$T/before"
        hw=$(ip -n "$H" -o link show eth0 | sed 's/.*ether \([^ ]*\).*/\1/')
        network create lan0 --uplink=eth0 --take-over
        on_lan lan0
        reached
        in_net "$H" busybox ping -c 1 -W 2 203.0.113.1
        [[ $(ip -n "$H" -o addr show dev lan0) == *192.168.50.2/24*fd50::2/64* ]]
        [ -z "$(ip -n "$H" -o addr show dev eth0 | grep -v fe80:)" ]
        [[ $(ip -n "$H" route) == *"default via 192.168.50.1 dev lan0 metric 7"*"198.51.100.0/24 via 192.168.50.1 dev lan0"* ]]
        [[ $(ip -n "$H" -6 route) == *"default via fd50::1 dev lan0"* ]]
        # its own address of hardware is the uplink's, whatever joins it
        [ "$(ip -n "$H" -o link show lan0 | sed 's/.*ether \([^ ]*\).*/\1/')" = "$hw" ]
        [ "$(in_net "$H" cat /proc/sys/net/ipv6/conf/lan0/accept_ra)" = 0 ]
        run network list --no-legend
        [[ $output == lan0*bridge*eth0*up*192.168.50.2/24*fd50::2/64* ]]
        [[ $(network show lan0) == *TakeOver=yes* ]]
        network delete lan0
        outside | diff "$T/before" -
        reached
        refused "no network 'lan0'" network show lan0
}

@test "a machine on such a bridge gets its lease from the LAN, serves the client, and keeps its address" {
        M=web-$BERTH_TEST_ID
        network create lan0 --uplink=eth0 --take-over
        dhcp_server
        web_machine "$M" "$dhcp_client"
        start "$M" Private=yes VirtualEthernet=yes Bridge=lan0
        until_true test -s "$T/leases"
        lease=$(awk '{print $3}' "$T/leases")
        until_true page "$C" "$lease"
        [ "$(page "$C" "$lease")" = "$M" ]
        [[ $(ip -n "$C" neigh show "$lease") == *"$(awk '{print $2}' "$T/leases")"* ]]
        # by its own address, without one of the host's in between
        [[ $(in_net "$H" nft list tables) != *berth* ]]
        [[ $(inside "$M" ping -c 1 -W 2 192.168.50.9) == *" 0% packet loss"* ]]
        [ "$(page "$H" "$lease")" = "$M" ]
        refused "in use by vb-" network delete lan0
        inside "$M" true
        on_host terminate "$M"
        on_host start "$M"
        until_true page "$C" "$lease"
        on_host terminate "$M"
        network delete lan0
}

@test "the rules of a machine's packet filter are its own, and the host's are not its" {
        [ -L /bin ] || skip "this host's /usr is not merged"
        M=wall-$BERTH_TEST_ID
        network create lan0 --uplink=eth0 --take-over
        mkdir -p "$BERTH_MACHINES/$M/"{usr,etc,proc,sys,dev,run,tmp,root,var}
        for n in bin sbin lib lib64; do ln -s "usr/$n" "$BERTH_MACHINES/$M/$n"; done
        printf 'root:x:0:0:root:/root:/bin/sh\n' >"$BERTH_MACHINES/$M/etc/passwd"
        echo ID=wall >"$BERTH_MACHINES/$M/etc/os-release"
        cat >"$BERTH_MACHINES/$M/init" <<'END'
#!/bin/sh
mkdir -p /run/www; echo wall >/run/www/name
busybox httpd -p 80 -h /run/www
exec sleep 100000
END
        chmod 755 "$BERTH_MACHINES/$M/init"
        in_net "$H" "$BERTH" run -q -P -M "$M" --bind-ro=/usr --network-bridge=lan0 --address=192.168.50.77/24 /init </dev/null >"$T/log" 2>&1 &
        until_true page "$C" 192.168.50.77
        in_net "$H" nft add table inet hosts
        inside "$M" nft 'add table inet own; add chain inet own in { type filter hook input priority 0; }; add rule inet own in tcp dport 80 drop'
        ! page "$C" 192.168.50.77
        [[ $(inside "$M" nft list tables) == "table inet own" ]]
        [[ $(in_net "$H" nft list tables) != *own* ]]
        in_net "$H" nft flush ruleset
        ! page "$C" 192.168.50.77
        inside "$M" nft flush ruleset
        until_true page "$C" 192.168.50.77
        on_host terminate "$M"
        wait
        network delete lan0
}

@test "a macvlan of the uplink: by its address the host speaks with machines that have one" {
        outside >"$T/before"
        network create mv0 --uplink=eth0 --type=macvlan --take-over
        until_true reached
        hw=$(ip -n "$H" -o link show mv0 | sed 's/.*ether \([^ ]*\).*/\1/')
        web_machine web
        run on_host run -q -P -M web --network-macvlan=mv0 --address=192.168.50.78/24 ping -c 1 -W 2 192.168.50.2
        [[ $output == *" 0% packet loss"* ]]
        network delete mv0
        outside | diff "$T/before" -
        ip -n "$C" neigh flush dev eth0 # it would ask anew whose address it is within a minute
        reached
        # beside the uplink's own address, and with the same address of hardware again: leases survive
        network create mv0 --uplink=eth0 --type=macvlan --address=192.168.50.3/24
        in_net "$C" busybox ping -c 1 -W 2 192.168.50.3
        reached
        [ "$(ip -n "$H" -o link show mv0 | sed 's/.*ether \([^ ]*\).*/\1/')" = "$hw" ]
        network delete mv0
        network create mv0 --uplink=eth0 --type=macvlan
        [ -z "$(ip -n "$H" -o addr show dev mv0)" ]
        network delete mv0
}

@test "what cannot be is refused by name and changes nothing" {
        ip -n "$H" link add br9 type bridge
        outside >"$T/before"
        refused "--take-over" network create lan0 --uplink=eth0
        refused "--uplink= is missing" network create lan0
        refused "no network interface 'eth7'" network create lan0 --uplink=eth7
        refused "loopback" network create lan0 --uplink=lo
        refused "bridge itself" network create lan0 --uplink=br9
        refused "'br9' already" network create br9 --uplink=eth1
        refused "name of its own" network create eth1 --uplink=eth1
        refused "'a/b' cannot be" network create a/b --uplink=eth1
        refused "systemd-networkd" network create lan0 --uplink=eth1 --dhcp
        refused "needs an address" network create lan0 --uplink=eth1 --gateway=192.168.50.1
        refused "prefix" network create lan0 --uplink=eth1 --address=192.168.50.3
        refused "'5000' is no VLAN" network create lan0 --uplink=eth1 --vlan=5000
        refused "is for bridges" network create lan0 --uplink=eth1 --type=macvlan --vlan=5
        refused "bridge, macvlan" network create lan0 --uplink=eth1 --type=vxlan
        refused "say 'berth network list'" network destroy lan0
        refused "none of the options" network list --uplink=eth1
        ip -n "$H" addr add 192.168.50.4/24 dev eth1 valid_lft 3600 preferred_lft 3600
        refused "DHCP client" network create lan0 --uplink=eth1 --take-over
        ip -n "$H" addr del 192.168.50.4/24 dev eth1
        ip -n "$H" link set eth1 master br9
        refused "port of 'br9' already" network create lan0 --uplink=eth1
        ip -n "$H" link set eth1 nomaster
        outside | diff "$T/before" -
        run network list
        [ "$output" = "No networks." ]
        ip -n "$H" link del br9
}

@test "a step that fails takes all before it back" {
        outside >"$T/before"
        # the gateway cannot be reached, and the kernel says so when all else is done
        refused "cannot give network interface 'lan0' its addresses" network create lan0 --uplink=eth0 --take-over --address=10.9.8.7/24 \
                --gateway=172.16.5.5
        outside | diff "$T/before" -
        reached
        [ "$(network list)" = "No networks." ]
}

@test "kill -9 at any instant: the next command leaves all of it or nothing, and the host is reached" {
        outside >"$T/before"
        for i in $(seq 0 12); do
                in_net "$H" "$BERTH" network create lan0 --uplink=eth0 --take-over &
                python3 -c "import time; time.sleep($i / 2500)"
                kill -9 $! 2>/dev/null || true
                wait $! || true
                if network show lan0 >/dev/null 2>&1; then
                        on_lan lan0
                        reached
                        in_net "$H" "$BERTH" network delete lan0 &
                        python3 -c "import time; time.sleep($i / 2500)"
                        kill -9 $! 2>/dev/null || true
                        wait $! || true
                        ! network show lan0 2>/dev/null || network delete lan0
                fi
                outside | diff "$T/before" -
        done
        reached
}

@test "after a boot: made by 'network up', or by the first machine that joins" {
        boot() { # the host comes up with what its own configuration gives it
                ip -n "$H" link del lan0
                ip -n "$H" addr add 192.168.50.2/24 dev eth0
                ip -n "$H" route add default via 192.168.50.1
        }
        network create lan0 --uplink=eth0 --take-over --address=192.168.50.5/24
        boot
        [[ $(network list --no-legend) == lan0*down* ]]
        network up
        in_net "$C" busybox ping -c 1 -W 2 192.168.50.2
        in_net "$C" busybox ping -c 1 -W 2 192.168.50.5
        network up lan0
        refused "no network 'lan1'" network up lan1
        boot
        web_machine web
        [[ $(on_host run -q -P -M web --network-bridge=lan0 --address=192.168.50.77/24 ping -c 1 -W 2 192.168.50.9) == *" 0% packet loss"* ]]
        in_net "$C" busybox ping -c 1 -W 2 192.168.50.2
        network delete lan0
        in_net "$C" busybox ping -c 1 -W 2 192.168.50.2
}

@test "VLANs: kept apart by the bridge, or refused where the kernel's bridges do not know them" {
        run network create lan0 --uplink=eth1 --vlan=10,20-22
        if [ "$status" != 0 ]; then
                [[ $output == *"do not know VLANs"* ]]
                [ "$(network list)" = "No networks." ]
                ! ip -n "$H" link show lan0
                skip "no VLANs in this kernel's bridges"
        fi
        [[ $(in_net "$H" bridge vlan show dev eth1 | xargs) == *"1 PVID Egress Untagged 10 20 21 22"* ]]
        network delete lan0
}

# systemd-networkd itself, with files and a run directory of its own: networkd_on_host COMMAND…
networkd_on_host() {
        in_net "$H" unshare --mount --propagation private sh -ec '
                t=$1
                shift
                mkdir -p "$t/etc" "$t/netif"
                mount -t sysfs -o ro sysfs /sys
                mount --bind "$t/etc" /etc/systemd/network
                mkdir -p /run/systemd/netif
                mount --bind "$t/netif" /run/systemd/netif
                exec "$@"' sh "$T" "$@"
}

@test "where systemd-networkd runs it gets files, by which it makes the network after a boot" {
        networkd=/usr/lib/systemd/systemd-networkd
        [ -x "$networkd" ] || skip "systemd-networkd is not installed"
        [ -d /etc/systemd/network ] && [ -d /run/systemd/netif ] || skip "there is no place for its files"
        mkdir -p "$T/netif" "$T/etc"
        chmod 777 "$T" "$T/netif"
        echo OPER_STATE=routable >"$T/netif/state"
        run networkd_on_host "$BERTH" network create lan0 --uplink=eth0 --take-over --address=192.168.50.5/24
        [ "$status" = 0 ]
        [[ $output == *"networkctl reload"* ]] # nobody answers on a bus here
        ls "$T/etc"
        [ "$(ls "$T/etc" | wc -l)" = 3 ]
        [[ $(cat "$T/etc/10-berth-lan0.network") == *192.168.50.5/24*IPv6AcceptRA=no*192.168.50.2/24* ]]
        hw=$(ip -n "$H" -o link show lan0 | sed 's/.*ether \([^ ]*\).*/\1/')
        # the host boots with nothing
        ip -n "$H" link del lan0
        ip -n "$H" addr flush dev eth0
        ! reached
        rm -r "$T/netif"/*
        networkd_on_host sh -c 'mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp; chown -R systemd-network: /run/systemd/netif; echo $$ >"$1"; exec "$0"' \
                "$networkd" "$T/networkd.pid" >"$T/networkd.log" 2>&1 3>&- &
        until_true reached || { cat "$T/networkd.log"; ip -n "$H" addr; false; }
        on_lan lan0
        [ "$(ip -n "$H" -o link show lan0 | sed 's/.*ether \([^ ]*\).*/\1/')" = "$hw" ]
        [[ $(ip -n "$H" route) == *"default via 192.168.50.1 dev lan0"*"metric 7"* ]]
        kill "$(cat "$T/networkd.pid")"
        wait $! || true
        rm "$T/networkd.pid"
        echo OPER_STATE=routable >"$T/netif/state"
        networkd_on_host "$BERTH" network delete lan0
        [ -z "$(ls "$T/etc")" ]
        ! ip -n "$H" link show lan0
        reached
}
