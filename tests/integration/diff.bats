#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What changed between states of a machine.

bats_require_minimum_version 1.5.0
load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

base_root() {
        busybox_root "$T/root" busybox
        (
                cd "$T/root"
                echo one >etc/state && echo same >etc/same && echo touched >etc/touched && echo mode >etc/mode
                mkdir -p gone/deep && echo x >gone/deep/file
                ln -s a etc/link && echo swap >etc/swap && setfattr -n user.a -v 1 etc/same
                mkdir -p var/lib/dpkg && printf 'Package: %s\nStatus: install ok installed\nArchitecture: all\nVersion: %s\n\n' \
                        stays 1 grows 1.0 goes 3 >var/lib/dpkg/status
        )
}

change() { # what berth run does in the machine
        berth run web /bin/sh -c '
                echo two >/etc/state; touch /etc/touched; chmod 600 /etc/mode; rm -r /gone; ln -sf b /etc/link
                rm /etc/swap; mkdir /etc/swap; echo new >/etc/swap/in; chown 1:2 /etc/group; mv /home/lina /home/nina
                printf "Package: %s\nStatus: install ok installed\nArchitecture: all\nVersion: %s\n\n" stays 1 grows 1.1 comes 7 >/var/lib/dpkg/status
        ' </dev/null
}

@test "files and packages, against the present and between snapshots, on each driver" {
        base_root
        local driver
        cat >"$T/want" <<'W'
~ /etc/group  (owner)
~ /etc/link  (content, time)
~ /etc/mode  (mode)
~ /etc/state  (content, time)
- /etc/swap
+ /etc/swap
+ /etc/swap/in
~ /etc/touched  (time)
- /gone
- /gone/deep
- /gone/deep/file
- /home/lina
+ /home/nina
~ /var/lib/dpkg/status  (content, time)

Packages:
+ comes:all 7
- goes:all 3
~ grows:all 1.0 -> 1.1
W
        for driver in overlay directory; do
                berth import-fs "$T/root" web --driver=$driver
                berth snapshot web first
                [ "$(berth diff web@first)" = "Files: 0 added, 0 changed, 0 removed." ]
                change
                # What a run leaves behind besides is not what this is about.
                berth diff web@first --no-legend | grep -vE '^[-+~] /(dev|proc|sys|run|tmp)' | grep -v '/etc/resolv.conf\|/etc/machine-id' | diff "$T/want" -
                berth snapshot web second
                berth diff web@first web@second --no-legend >"$T/a"
                berth diff web@first web >"$T/b"
                diff "$T/a" <(head -n -2 "$T/b")
                tail -n 1 "$T/b" | grep -q 'Packages: 1 added, 1 of another version, 1 removed.$'
                berth diff web@second web@first --no-legend | grep -qx '+ /gone/deep/file'
                [ "$(berth diff web@first --json=short | jq -c '[.files[] | select(.path == "/etc/state")], [.packages[] | select(.name == "grows:all")]')" = \
                        '[{"path":"/etc/state","change":"changed","what":["content","time"]}]
[{"name":"grows:all","change":"changed","from":"1.0","to":"1.1"}]' ]
                berth remove web
        done
}

@test "a machine that runs is compared as it is; what is no state is refused" {
        base_root
        berth import-fs "$T/root" web
        berth snapshot web first
        berth start web
        berth shell web /bin/sh -c 'echo live >/etc/state'
        berth diff web@first | grep -q '^~ /etc/state'
        berth poweroff web
        run berth diff web
        [[ $status -eq 1 && $output == *"'web' is no snapshot"* ]]
        run berth diff web@first other@first
        [[ $status -eq 1 && $output == *"is not a state of machine 'web'"* ]]
        run berth diff web@none
        [[ $status -eq 1 && $output == *"has no snapshot 'none'"* ]]
        berth_no_debris
}
