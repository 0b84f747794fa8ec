#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# berth called by the name machinectl: its verbs, options, columns and footers.

load lib/berth

setup() {
        berth_setup
        ln -s "$(realpath "$BERTH")" "$T/machinectl"
        PATH=$T:$PATH
}
teardown() { berth_teardown; }

squeezed() { tr -s ' ' <<<"$1"; }

@test "list: columns, one address, footer, none, JSON, and the host with --all" {
        run machinectl
        [ "$status" -eq 0 ] && [ "$output" = "No machines." ]
        busybox_machine web
        machinectl start web
        run machinectl --no-pager list
        [ "$(squeezed "${lines[0]}")" = "MACHINE CLASS SERVICE OS VERSION ADDRESSES" ]
        [ "$(squeezed "${lines[1]}")" = "web container berth busyroot 1 -" ]
        [ "${lines[2]}" = "1 machines listed." ]
        [ "$(squeezed "$(machinectl list --no-legend --max-addresses=0)")" = "web container berth busyroot 1" ]
        [ "$(machinectl -o json list | jq -r '.[0].machine')" = web ]
        machinectl list -a | grep -qE '^\.host +host '
        machinectl terminate web
}

@test "one address is shown, and that there are more; all on request" {
        busybox_machine web
        machinectl start web
        leader=$(machinectl show web -P Leader)
        nsenter -t "$leader" -n sh -c 'ip link add v0 type veth peer name v1 && ip addr add 10.9.8.7/24 dev v0 &&
                ip addr add 10.9.8.8/24 dev v0 && ip link set v0 up && ip link set v1 up' || { machinectl terminate web; skip "no ip(8), or no veth here"; }
        [ "$(squeezed "$(machinectl list --no-legend)")" = "web container berth busyroot 1 10.9.8.7…" ]
        [ "$(squeezed "$(machinectl list --no-legend --max-addresses=all)")" = "web container berth busyroot 1 10.9.8.7 10.9.8.8" ]
        machinectl terminate web
}

@test "show: properties, some of them, values alone, and those of the manager" {
        busybox_machine web
        machinectl start web
        run machinectl show web -p Name,Class,State
        [ "$output" = "Name=web
State=running
Class=container" ]
        [ "$(machinectl show web --value --property=RootDirectory)" = "$BERTH_MACHINES/web" ]
        run machinectl show
        [[ $output == *"PoolPath=$BERTH_MACHINES"* ]]
        machinectl status web -n 3 | grep -q 'Leader: '
        run machinectl status
        [ "$status" -eq 1 ] && [ "$output" = "berth: machinectl status: say which machine's; berth has nothing to say about the host" ]
        machinectl terminate web
}

@test "shell: options before the name, and everything behind it is the command's" {
        busybox_machine web
        machinectl start web
        [ "$(machinectl -q shell --uid=lina --setenv=A=b web /bin/sh -c 'echo $(id -un) $A')" = "lina b" ]
        [ "$(machinectl shell -E A=c lina@web /bin/sh -c 'echo $(id -un) $A')" = "lina c" ]
        run machinectl poweroff --uid=lina web
        [ "$status" -eq 1 ] && [ "$output" = "berth: machinectl poweroff takes no --uid and no --setenv" ]
        machinectl terminate web
}

@test "copy-to, copy-from, bind, kill, reboot, poweroff" {
        busybox_machine web
        machinectl start web
        echo text >"$T/file"
        machinectl copy-to web "$T/file" /root/file
        run machinectl copy-to web "$T/file" /root/file
        [ "$status" -eq 1 ]
        machinectl copy-to --force web "$T/file" /root/file
        machinectl copy-from web /root/file "$T/back"
        cmp "$T/file" "$T/back"
        machinectl bind --mkdir --read-only web "$T/file" /mnt/file
        ! machinectl shell web /bin/sh -c 'echo >/mnt/file'
        before=$(machinectl show web -P Leader)
        machinectl reboot web
        [ "$(machinectl show web -P Leader)" != "$before" ]
        machinectl kill -s KILL --kill-whom=leader web
        berth wait web --for=exit
        machinectl start web
        machinectl stop web
        [ -e "$BERTH_MACHINES/web/var/log/clean-shutdown" ]
}

@test "images: list-images, show-image, clone --read-only, rename, remove, read-only, edit, cat" {
        busybox_machine web
        run machinectl list-images
        [ "$(squeezed "${lines[0]}")" = "NAME TYPE RO USAGE CREATED MODIFIED" ]
        [ "${lines[-1]}" = "1 images listed." ]
        [ "$(machinectl show-image web -P Name)" = web ]
        machinectl image-status web | grep -q "Path: $BERTH_MACHINES/web"
        machinectl clone web other --read-only
        [ "$(machinectl show-image other -P ReadOnly)" = yes ]
        machinectl read-only other no
        machinectl rename other third
        machinectl remove third
        EDITOR="sed -i \$a[Exec]" run machinectl edit web # in an empty file there is no line to put anything behind
        [ "$status" -eq 0 ]
        run machinectl cat web
        [ "$status" -eq 1 ]
        echo "[Exec]" >"$T/sample"
        EDITOR="cp $T/sample" machinectl edit web
        machinectl cat web | grep -qx '\[Exec\]'
        machinectl remove web
        [ "$(machinectl list-images)" = "No images." ]
}

@test "imports and exports go to the program that has them, with the options given" {
        busybox_machine web
        machinectl export-tar --format=gzip web "$T/web.out"
        gzip -t "$T/web.out"
        machinectl import-tar "$T/web.out" copy
        run machinectl import-tar "$T/web.out" copy
        [ "$status" -eq 1 ]
        machinectl --force import-tar "$T/web.out" copy
        [ "$(machinectl list-transfers)" = "No transfers." ]
        run machinectl import-tar --mkdir "$T/web.out"
        [ "$status" -eq 1 ] && [ "$output" = "berth: machinectl import-tar takes no --mkdir" ]
}

@test "what is not offered is refused by name" {
        run machinectl --host=root@other list
        [ "$status" -eq 1 ] && [[ $output == *"use 'ssh root@other machinectl …'"* ]]
        run machinectl -M other list
        [ "$status" -eq 1 ] && [[ $output == *"berth shell other"* ]]
        run machinectl -M .host list
        [ "$status" -eq 0 ]
        run machinectl start --runner=vmspawn web
        [ "$status" -eq 1 ] && [[ $output == *"berth runs containers"* ]]
        run machinectl frobnicate
        [ "$status" -eq 1 ] && [ "$output" = "berth: machinectl has no verb 'frobnicate'" ]
        run machinectl create x y
        [ "$status" -eq 1 ]
        run machinectl list --force
        [ "$status" -eq 1 ] && [ "$output" = "berth: machinectl list takes no --force" ]
        [[ $(machinectl --version) == "systemd 257 (berth "* ]]
        machinectl --help | grep -q '^  copy-to '
        machinectl help | grep -q -- --max-addresses
}
