#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The networks of machines, on a LAN of network namespaces (lib/lan.bash): nothing of this computer's own network is touched. The host has
# eth0 in its br0, 192.168.50.2.

load lib/berth
load lib/lan

setup() {
        berth_setup
        lan_setup
        ip -n "$H" link add br0 type bridge
        ip -n "$H" link set eth0 master br0
        ip -n "$H" link set br0 up
        ip -n "$H" addr add 192.168.50.2/24 dev br0
        ip -n "$H" route add default via 192.168.50.1
}

teardown() {
        [ -n "${H-}" ] || { berth_teardown; return; }
        lan_teardown
}

# In a control group of its own, as it makes some below the one it is in and leaves them.
nspawn_on_host() {
        local group
        group=$(cgroup2_mountpoint)$BERTH_CGROUP/nspawn
        mkdir -p "$group"
        echo "$BASHPID" >"$group/cgroup.procs"
        exec nsenter --net="/run/netns/$H" -- systemd-nspawn "$@"
}
# What comes to a UDP port of a machine goes back: udp_echo NAME PORT
udp_echo() {
        nsenter --net="/proc/$(sed -n 's/^LEADER=//p' "$BERTH_RUN/machines/$1/state")/ns/net" -- python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", int(sys.argv[1])))
s.settimeout(20)
while True:
    data, who = s.recvfrom(65536)
    s.sendto(data, who)' "$2" 3>&- 2>/dev/null &
}
udp_ask() { # NAMESPACE ADDRESS PORT: says hello, prints the answer
        in_net "$1" python3 -c '
import socket, sys
s = socket.socket(socket.getaddrinfo(sys.argv[1], 0)[0][0], socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"hello")
print(s.recv(100).decode())' "$2" "$3"
}
# ---- a citizen of the LAN ----

@test "a machine on a bridge gets its lease from the LAN's server, and the LAN its page" {
        M=web-$BERTH_TEST_ID
        dhcp_server
        web_machine "$M" "$dhcp_client"
        start "$M" Private=yes VirtualEthernet=yes Bridge=br0
        until_true test -s "$T/leases"
        lease=$(awk '{print $3}' "$T/leases")
        until_true page "$C" "$lease"
        [ "$(page "$C" "$lease")" = "$M" ]
        [[ $(on_host list) == *"$lease"* ]]
        # on the same layer 2: the client has the machine's own address for it
        hw=$(awk '{print $2}' "$T/leases")
        [[ $(ip -n "$C" neigh show "$lease") == *"$hw"* ]]
        [ "$(inside "$M" cat /sys/class/net/host0/address)" = "$hw" ]
        [[ $(in_net "$H" nft list tables) != *berth* ]]
        # and the other way, and again with the same address after a new start
        [[ $(inside "$M" ping -c 1 -W 2 192.168.50.9) == *" 0% packet loss"* ]]
        on_host terminate "$M"
        on_host start "$M"
        until_true page "$C" "$lease"
}

@test "the settings file of a graphical 32-bit machine, as guides print it: personality, init, binds, devices and bridge" {
        [ "$(uname -m)" = x86_64 ] || skip "x86 is the personality of another machine"
        M=box-$BERTH_TEST_ID
        busybox_machine "$M" 'uname -m >/seen
[ "$(cat /run/user/host/pulse/cookie)" = cookie ] && echo pulse >>/seen
touch /opt/x 2>/dev/null || cat /opt/file >>/seen
(head -c 3 </dev/nvidia0 | wc -c; [ -c /dev/dri/card0 ] && echo card) >>/seen
ls /sys/class/net >>/seen
exec poweroff -f'
        mkdir -p "$T/opt" "$T/dev" /run/systemd/nspawn "$BERTH_MACHINES/$M/opt"
        echo read-only >"$T/opt/file"
        cat >"/run/systemd/nspawn/$M.nspawn" <<END
[Exec]
Personality=x86
Boot=1
[Files]
BindReadOnly=$T/opt:/opt
Bind=/dev/dri
Bind=/dev/nvidia0
Bind=/run/user/1000/pulse:/run/user/host/pulse
[Network]
Private=yes
VirtualEthernet=yes
Bridge=br0
END
        ln -s "$(realpath "$BERTH")" "$T/systemd-nspawn"
        # a /dev and a /run/user that have what such a host has
        in_net "$H" unshare --mount sh -ec "
                mount -t tmpfs tmpfs '$T/dev'
                cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty '$T/dev'
                mkdir '$T/dev/dri' '$T/dev/pts' '$T/dev/shm'
                mknod -m 666 '$T/dev/dri/card0' c 226 0
                mknod -m 666 '$T/dev/nvidia0' c 1 5
                mount --rbind /dev/pts '$T/dev/pts'
                mount --move '$T/dev' /dev
                mkdir -p /run/user
                mount -t tmpfs tmpfs /run/user
                mkdir -p /run/user/1000/pulse
                echo cookie >/run/user/1000/pulse/cookie
                '$T/systemd-nspawn' -q --register=no -M '$M' </dev/null"
        [ "$(xargs <"$BERTH_MACHINES/$M/seen")" = "i686 pulse read-only 3 card host0 lo" ]
}

@test "a bridge that is none, or not there, is refused before anything starts" {
        web_machine web
        refused "'br9' on this host" on_host run -q -P -M web --network-bridge=br9 true
        refused "is no bridge" on_host run -q -P -M web --network-bridge=eth1 true
}

@test "a macvlan gets its own lease on the interface it is made on" {
        dhcp_server
        web_machine web
        run on_host run -q -P -M web --network-macvlan=eth1 sh -c \
                'ip link set mv-eth1 up; udhcpc -s /usr/share/udhcpc/default.script -i mv-eth1 -n -q -t 20 -T 1 >/dev/null 2>&1; ping -c 1 -W 2 192.168.50.9; cat /sys/class/net/mv-eth1/address'
        [[ $output == *" 0% packet loss"* ]]
        [ "${lines[-1]}" = "$(awk '{print $2}' "$T/leases")" ]
}

@test "ipvlan: works, or is refused where the kernel has none" {
        web_machine web
        run on_host run -q -P -M web --network-ipvlan=eth1 sh -c 'ip link set iv-eth1 up && ip -o link show iv-eth1'
        [ "$status" = 0 ] || [[ $output == *"this kernel has no ipvlan interfaces"* ]]
}

@test "addresses from outside, on a bridge" {
        web_machine web
        run on_host run -q -P -M web --network-bridge=br0 --address=192.168.50.77/24 --gateway=192.168.50.1 --mtu=1400 sh -c \
                'ip -o -4 addr show host0; cat /sys/class/net/host0/mtu; ping -c 1 -W 2 203.0.113.1'
        [[ $output == *"192.168.50.77/24"* ]]
        [[ $output == *1400* ]]
        [[ $output == *" 0% packet loss"* ]]
}

@test "what a machine gets is limited where it cannot undo that" {
        web_machine web
        refused "limits the link to the host" on_host run -q -P -M web --network-macvlan=eth1 --network-receive-rate=1M true
        refused "is no rate" on_host run -q -P -M web -n --network-receive-rate=1bit true
        head -c 500000 /dev/zero >"$T/zeros"
        nsenter --net="/run/netns/$C" -- busybox httpd -f -p 8000 -h "$T" 3>&- & # itself, to be killed
        fetch() { # SECONDS by the clock of the client: how long half a megabyte takes
                local begin=$EPOCHREALTIME
                on_host run -q -P -M web --network-bridge=br0 --address=192.168.50.77/24 "$@" wget -q -O /dev/null http://192.168.50.9:8000/zeros
                echo "$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))"
        }
        until_true in_net "$C" curl -s -o /dev/null http://127.0.0.1:8000/zeros
        # four million bits at one million a second, but for what passes at once: never faster, however slow this computer is
        [ "$(fetch --network-receive-rate=1M)" -ge 2500 ]
        kill $!
}

# ---- interfaces of the host ----

@test "an interface is moved in under another name and comes home under its own" {
        web_machine web
        run on_host run -q -P -M web --network-interface=eth1:lan0 sh -c 'ls /sys/class/net'
        [ "$(echo $output)" = "lan0 lo" ]
        ip -n "$H" link show eth1
        refused "two network interfaces" on_host run -q -P -M web --network-interface=eth0:x --network-interface=eth1:x true
        # they change names among each other, and back
        before=$(mac eth1)
        on_host run -q -P -M web --network-interface=eth0:eth1 --network-interface=eth1:eth0 true
        [ "$(mac eth1)" = "$before" ]
}

@test "an interface comes home when the supervisor was killed" {
        web_machine web
        in_net "$H" "$BERTH" run -q -P -M web --network-interface=eth1:lan0 sleep 1000 &
        until_true inside web test -e /sys/class/net/lan0
        ! ip -n "$H" link show eth1
        kill -9 "$(sed -n 's/^SUPERVISOR=//p' "$BERTH_RUN/machines/web/state")"
        wait $! || true
        until_true sh -c "nsenter --net=/run/netns/$H $BERTH list >/dev/null && ip -n $H link show eth1"
        ! grep -F "$T" /proc/self/mounts
}

@test "an extra link has the names that it was given" {
        web_machine web
        in_net "$H" "$BERTH" run -q -P -M web --network-veth-extra=xa:inside0 sleep 1000 &
        until_true inside web test -e /sys/class/net/inside0
        ip -n "$H" link show xa
        on_host terminate web
        ! ip -n "$H" link show xa
}

@test "a network namespace that is there already is joined, and stays" {
        ip netns add "blue-$BERTH_TEST_ID"
        ip -n "blue-$BERTH_TEST_ID" link add marker type bridge
        web_machine web
        for users in no pick; do
                run on_host run -q -P -M web --private-users=$users --network-namespace-path="/run/netns/blue-$BERTH_TEST_ID" ip link show marker
                [ "$status" = 0 ]
        done
        ip -n "blue-$BERTH_TEST_ID" link show marker
        refused "no network namespace" on_host run -q -P -M web --network-namespace-path=/etc/passwd true
        refused "/nowhere" on_host run -q -P -M web --network-namespace-path=/nowhere true
}

# ---- zones, and what berth gives ----

@test "machines of a zone reach each other, the host and the world, which sees the host" {
        web_machine "web-$BERTH_TEST_ID"
        web_machine "db-$BERTH_TEST_ID"
        start "web-$BERTH_TEST_ID" Zone=lan
        start "db-$BERTH_TEST_ID" Zone=lan
        web=$(inside "web-$BERTH_TEST_ID" ip -o -4 addr show host0 | sed 's/.*inet \([^/]*\).*/\1/')
        web6=$(inside "web-$BERTH_TEST_ID" ip -o -6 addr show host0 | grep 'inet6 fd' | sed 's/.*inet6 \([^/]*\).*/\1/')
        [ -n "$web" ] && [ -n "$web6" ]
        until_true page "$H" "$web"
        [ "$(inside "db-$BERTH_TEST_ID" wget -q -O - "http://$web/name")" = "web-$BERTH_TEST_ID" ]
        [ "$(inside "db-$BERTH_TEST_ID" wget -q -O - "http://[$web6]/name")" = "web-$BERTH_TEST_ID" ]
        [ "$(page "$H" "[$web6]")" = "web-$BERTH_TEST_ID" ]
        [[ $(inside "db-$BERTH_TEST_ID" ping -c 1 -W 2 203.0.113.1) == *" 0% packet loss"* ]]
        [[ $(on_host list) == *"$web"* ]]
        # the bridge stays for the one that is left
        on_host terminate "web-$BERTH_TEST_ID"
        ip -n "$H" link show vz-lan
        [[ $(inside "db-$BERTH_TEST_ID" ping -c 1 -W 2 203.0.113.1) == *" 0% packet loss"* ]]
        # who comes back has its address again
        on_host start "web-$BERTH_TEST_ID"
        [[ $(inside "web-$BERTH_TEST_ID" ip -o -4 addr show host0) == *"$web/"* ]]
        on_host terminate "web-$BERTH_TEST_ID" 
        on_host terminate "db-$BERTH_TEST_ID"
        ! ip -n "$H" link show vz-lan
        nothing_on_host
}

@test "a link to the host alone: the world is reached over it" {
        web_machine web
        run on_host run -q -P -M web -n sh -c 'ping -c 1 -W 2 203.0.113.1; ip -o -4 addr show host0'
        [[ $output == *" 0% packet loss"* ]]
        [[ $output == */28* ]]
        run on_host run -q -P -M web -n --address=172.31.9.2/24 --gateway=172.31.9.1 ping -c 1 -W 2 172.31.9.1
        [[ $output == *" 0% packet loss"* ]]
}

@test "what the host reaches already is left alone" {
        ip -n "$H" route add 10.128.0.0/9 via 192.168.50.1
        web_machine web
        run on_host run -q -P -M web --network-zone=lan ip -o -4 addr show host0
        [[ $output == *" 172."* ]]
}

@test "twenty machines of a zone, started at once, have an address each" {
        web_machine m
        for i in $(seq 20); do
                in_net "$H" "$BERTH" run -q -P -D "$BERTH_MACHINES/m" --read-only -M "m$i" --network-zone=lan sh -c \
                        'ip -o -4 addr show host0; exec sleep 1000' </dev/null >"$T/out.$i" 2>&1 &
        done
        until_true sh -c "[ \$(cat $T/out.* | grep -c inet) = 20 ]"
        [ "$(sed 's/.*inet \([^ ]*\).*/\1/' "$T"/out.* | sort -u | wc -l)" = 20 ]
        for i in $(seq 20); do on_host terminate "m$i"; done
        wait
        nothing_on_host
}

# ---- ports ----

@test "a published port answers on the LAN, on the host's addresses and on its loopback, IPv4 and IPv6" {
        M=web-$BERTH_TEST_ID
        ip -n "$H" addr add fd50::2/64 dev br0 nodad
        ip -n "$C" addr add fd50::9/64 dev eth0 nodad
        web_machine "$M"
        start "$M" Zone=lan Port=8080:80 Port=udp:5353:53
        until_true page "$H" 127.0.0.1:8080
        [ "$(page "$H" 127.0.0.1:8080)" = "$M" ]
        [ "$(page "$H" '[::1]:8080')" = "$M" ]
        [ "$(page "$H" 192.168.50.2:8080)" = "$M" ]
        [ "$(page "$C" 192.168.50.2:8080)" = "$M" ]
        [ "$(page "$C" '[fd50::2]:8080')" = "$M" ]
        # a neighbour by the host, to which the answer must go back
        busybox_root "$T/root"
        [ "$(on_host run -q -P -D "$T/root" -M neighbour --network-zone=lan wget -q -O - http://192.168.50.2:8080/name)" = "$M" ]
        udp_echo "$M" 53
        until_true udp_ask "$H" 127.0.0.1 5353
        for to in 127.0.0.1 ::1 192.168.50.2 fd50::2; do
                [ "$(udp_ask "$H" "$to" 5353)" = hello ]
        done
        [ "$(udp_ask "$C" 192.168.50.2 5353)" = hello ]
        # a service of the host that listens on its loopback alone stays out of the machine's reach
        [ "$(in_net "$H" cat /proc/sys/net/ipv4/conf/vz-lan/route_localnet)" = 0 ]
        refused "port tcp:8080" on_host run -q -P -D "$T/root" -M other --network-zone=lan -p 8080 true
        on_host terminate "$M"
        ! page "$H" 127.0.0.1:8080
        nothing_on_host
}

@test "a published port follows the machine's address" {
        M=web-$BERTH_TEST_ID
        web_machine "$M"
        start "$M" Bridge=br0 Address=192.168.50.60/24 Gateway=192.168.50.2 Port=8080:80
        until_true page "$H" 127.0.0.1:8080
        [ "$(page "$C" 192.168.50.2:8080)" = "$M" ]
        inside "$M" ip addr del 192.168.50.60/24 dev host0
        until_true sh -c "! nsenter --net=/run/netns/$H nft list table inet berth_ports_$M | grep -q 50.60"
        inside "$M" ip addr add 192.168.50.61/24 dev host0
        until_true page "$C" 192.168.50.2:8080
        [ "$(page "$H" 127.0.0.1:8080)" = "$M" ]
        [[ $(in_net "$H" nft list table inet "berth_ports_$M") == *192.168.50.61:80* ]]
}

# ---- the end, whatever it is ----

@test "kill -9 of supervisor and machine: the next command leaves no interface, rule or bridge" {
        M=web-$BERTH_TEST_ID
        web_machine "$M"
        start "$M" Zone=lan Port=8080:80 VirtualEthernetExtra=xa
        until_true page "$H" 127.0.0.1:8080
        leader=$(sed -n 's/^LEADER=//p' "$BERTH_RUN/machines/$M/state")
        supervisor=$(sed -n 's/^SUPERVISOR=//p' "$BERTH_RUN/machines/$M/state")
        kill -9 "$supervisor"
        [ "$(page "$H" 127.0.0.1:8080)" = "$M" ] # it runs on, and so do its ports
        kill -9 "$leader"
        until_true sh -c "! kill -0 $leader"
        ip -n "$H" link show vz-lan
        on_host list
        ! ip -n "$H" link show vz-lan
        nothing_on_host
}

@test "a start that fails leaves nothing" {
        web_machine web
        ip -n "$H" link add xb type bridge
        refused "'xb' already" on_host run -q -P -M web --network-zone=lan --network-veth-extra=xb -p 8080 true
        nothing_on_host
        on_host run -q -P -M web --network-zone=lan -p 8080 true
        nothing_on_host
}

@test "a machine that reboots has its network again" {
        web_machine web
        printf '#!/bin/sh\nip -o -4 addr show host0 >>/var/log/seen\n[ $(wc -l </var/log/seen) -ge 2 ] && exec poweroff -f\nexec reboot -f\n' \
                >"$BERTH_MACHINES/web/sbin/init"
        on_host run -q -P -b -M web --network-zone=lan
        [ "$(sed 's/^[0-9]*: //' "$BERTH_MACHINES/web/var/log/seen" | sort -u | wc -l)" = 1 ]
        [ "$(wc -l <"$BERTH_MACHINES/web/var/log/seen")" = 2 ]
}

# ---- beside systemd-nspawn ----

@test "names and addresses are those that systemd-nspawn makes" {
        command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed"
        [ -s /etc/machine-id ] || skip "this host has no /etc/machine-id"
        busybox_root "$T/root"
        show='for i in host0 in0; do cat /sys/class/net/$i/address; done; read line'
        long=a-name-that-is-too-long-$BERTH_TEST_ID
        options=(-D "$T/root" -M "$long" --network-veth --network-veth-extra=xa:in0)
        for who in berth nspawn; do
                mkfifo "$T/$who.in"
                if [ $who = berth ]; then
                        on_host run -q -P "${options[@]}" sh -c "$show" <"$T/$who.in" >"$T/$who" 2>/dev/null &
                else
                        nspawn_on_host -q --register=no --keep-unit --pipe "${options[@]}" sh -c "$show" <"$T/$who.in" >"$T/$who" 2>"$T/nspawn.log" &
                fi
                exec 8>"$T/$who.in"
                until_true sh -c "[ \$(grep -c : $T/$who) = 2 ]"
                ip -n "$H" -o link | grep -oE ' (ve-|xa)[^@:]*' >>"$T/$who"
                ip -n "$H" -d link | grep -oE 'altname .*' >>"$T/$who"
                mac xa >>"$T/$who"
                echo >&8
                exec 8>&-
                wait $! || true
        done
        find "$(cgroup2_mountpoint)$BERTH_CGROUP" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
        diff "$T/berth" "$T/nspawn"
        [ "$(wc -l <"$T/berth")" -ge 6 ]
}
