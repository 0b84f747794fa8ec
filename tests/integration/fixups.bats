#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a new machine gets so that it is at home in a container, and what it is asked to be: password, locale, time zone.

load lib/berth

setup() {
        berth_setup
        E=$T/tree/etc
        busybox_root "$T/tree" busybox
        mkdir -p "$E/pam.d" "$E/env.d" "$T/tree/usr/share/zoneinfo/Europe"
        : >"$T/tree/sbin/agetty"
        echo zone >"$T/tree/usr/share/zoneinfo/Europe/Berlin"
        echo UTC >"$E/timezone"
        echo '/dev/sda1 / ext4 rw 0 0' >"$E/mtab"
        printf '# a comment\n/dev/sda1 / ext4 defaults 0 1\n' >"$E/fstab"
        printf 'auth required pam_securetty.so\nauth include system-login\n' >"$E/pam.d/login"
        printf 'x1:12345:respawn:/sbin/agetty 38400 console2\nc1:12345:respawn:/sbin/agetty 38400 tty1 linux\n::respawn:/bin/getty 38400 tty2\n::shutdown:/bin/true\n' >"$E/inittab"
        printf 'root:*:19000:0:99999:7:::\nlina:!:19000:0:99999:7:::\n' >"$E/shadow"
        chown 0:42 "$E/shadow" && chmod 640 "$E/shadow"
}
teardown() { berth_teardown; }

create() { tar -C "$T/tree" -cf "$T/root.tar" . && berth create "$1" "$T/root.tar" --driver=directory "${@:2}"; }

@test "each that is needed is done and told, in the machine alone" {
        run create a
        [ "$status" -eq 0 ]
        for name in mtab fstab securetty console; do [[ $output == *"$name: "* ]]; done
        A=$BERTH_MACHINES/a/etc
        [ "$(readlink "$A/mtab")" = ../proc/self/mounts ]
        [ "$(cat "$A/fstab")" = $'# a comment\n#/dev/sda1 / ext4 defaults 0 1' ]
        [ "$(cat "$A/pam.d/login")" = $'#auth required pam_securetty.so\nauth include system-login' ]
        grep -qx '#c1:12345:respawn:/sbin/agetty 38400 tty1 linux' "$A/inittab"
        grep -qx '#::respawn:/bin/getty 38400 tty2' "$A/inittab"
        grep -q '^x1:.*console2$' "$A/inittab" && grep -q '^co:12345:respawn:.* console linux$' "$A/inittab"
        berth run -q -M a cat /etc/mtab | grep -q ' / '
        run berth create b "$T/root.tar" --driver=directory --fixup=mtab # the image is as it was
        [ "$status" -eq 0 ] && [[ $output == *"mtab: "* ]] && [[ $output != *"fstab: "* ]]
        [ "$(cat "$BERTH_MACHINES/b/etc/fstab")" = "$(cat "$E/fstab")" ]
        berth create c "$T/root.tar" --driver=directory --fixup=none
        cmp "$BERTH_MACHINES/c/etc/mtab" "$E/mtab"
        cmp "$BERTH_MACHINES/c/etc/inittab" "$E/inittab"
}

@test "a root that needs none of it hears nothing" {
        rm "$T/tree/sbin/agetty"
        create busybox
        grep -qx 'console::respawn:/sbin/getty 38400 console' "$BERTH_MACHINES/busybox/etc/inittab"
        rm "$E/mtab" "$E/inittab" "$E/pam.d/login"
        printf '# nothing\n' >"$E/fstab"
        run create a
        [ "$status" -eq 0 ] && [[ $output != *"fstab"* ]] && [[ $output != *"console"* ]]
        [ ! -e "$BERTH_MACHINES/a/etc/mtab" ]
}

@test "a password in plain text or as a hash, a locale, a time zone" {
        printf 'open sesame\nmore\n' >"$T/plain"
        create a --root-password-file="$T/plain" --locale=de_DE.UTF-8 --timezone=Europe/Berlin
        A=$BERTH_MACHINES/a/etc
        IFS=: read -r user hash rest <"$A/shadow"
        [ "$user:$rest" = root:19000:0:99999:7::: ]
        [ "$(python3 -W ignore -c 'import crypt, sys; print(crypt.crypt("open sesame", sys.argv[1]))' "$hash" 2>/dev/null ||
                perl -e 'print crypt("open sesame", $ARGV[0]), "\n"' "$hash")" = "$hash" ]
        [ "$(stat -c %a:%u:%g "$A/shadow")" = 640:0:42 ]
        grep -qx 'lina:!:19000:0:99999:7:::' "$A/shadow"
        [ "$(cat "$A/locale.conf")" = LANG=de_DE.UTF-8 ] && [ "$(cat "$A/env.d/02locale")" = LANG=de_DE.UTF-8 ]
        [ "$(readlink "$A/localtime")" = ../usr/share/zoneinfo/Europe/Berlin ] && [ "$(cat "$A/timezone")" = Europe/Berlin ]
        echo '$6$salt$hash' >"$T/hash"
        berth create b "$T/root.tar" --driver=directory --root-password-file="$T/hash"
        grep -q '^root:$6$salt$hash:19000:' "$BERTH_MACHINES/b/etc/shadow"
}

@test "what is refused makes no machine" {
        : >"$T/empty"
        for try in "--fixup=hosts|there are mtab, fstab" "--root-password-file=$T/none|$T/none" "--root-password-file=$T/empty|holds no password" \
                "--locale=a b|no locale" "--timezone=../../etc/passwd|no time zone" "--timezone=Mars/Base|Mars/Base"; do
                run create x "${try%%|*}"
                [ "$status" -eq 1 ] && [[ $output == *"${try#*|}"* ]]
                [ ! -e "$BERTH_MACHINES/x" ]
        done
        rm "$E/shadow"
        echo secret >"$T/plain"
        run create x --root-password-file="$T/plain"
        [ "$status" -eq 1 ] && [[ $output == *"no root in /etc/shadow"* ]] && [ ! -e "$BERTH_MACHINES/x" ]
}

@test "host0 gets an address: networkd, or dhcpcd of OpenRC; resolv.conf is nobody else's" {
        units=$T/tree/usr/lib/systemd/system
        mkdir -p "$units"
        : >"$units/systemd-networkd.service"
        : >"$units/systemd-resolved.service"
        run create a
        [ "$status" -eq 0 ] && [[ $output == *"network: the machine asks for an address on host0"* ]] && [[ $output == *"resolv-conf: "* ]]
        A=$BERTH_MACHINES/a/etc
        [ "$(readlink "$A/systemd/system/multi-user.target.wants/systemd-networkd.service")" = /usr/lib/systemd/system/systemd-networkd.service ]
        [ "$(readlink "$A/systemd/system/sysinit.target.wants/systemd-resolved.service")" = /usr/lib/systemd/system/systemd-resolved.service ]
        [ "$(readlink "$A/resolv.conf")" = ../run/systemd/resolve/stub-resolv.conf ]
        berth create b "$T/root.tar" --driver=directory --fixup=mtab,fstab
        [ ! -e "$BERTH_MACHINES/b/etc/systemd" ] && [ ! -L "$BERTH_MACHINES/b/etc/resolv.conf" ]
        # what is there, masked, or another's business stays
        mkdir -p "$E/systemd/system"
        ln -s /dev/null "$E/systemd/system/systemd-networkd.service"
        echo 'nameserver 127.0.0.53' >"$E/resolv.conf"
        run create c
        [[ $output != *"network: "* ]] && [[ $output != *"resolv-conf: "* ]]
        cmp "$BERTH_MACHINES/c/etc/resolv.conf" "$E/resolv.conf"
        rm "$E/systemd/system/systemd-networkd.service" "$units/systemd-resolved.service"
        : >"$units/NetworkManager.service"
        printf 'nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch x\n' >"$E/resolv.conf"
        run create d
        [[ $output != *"network: "* ]] && [[ $output == *"resolv-conf: "* ]]
        [ "$(cat "$BERTH_MACHINES/d/etc/resolv.conf")" = $'#nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch x' ]
        # OpenRC
        mkdir -p "$E/runlevels/default" "$E/init.d"
        : >"$E/init.d/dhcpcd"
        echo hostname >"$E/dhcpcd.conf"
        run create o
        [[ $output == *"network: "* ]]
        [ "$(readlink "$BERTH_MACHINES/o/etc/runlevels/default/dhcpcd")" = /etc/init.d/dhcpcd ]
        [ "$(cat "$BERTH_MACHINES/o/etc/dhcpcd.conf")" = $'hostname\n\nallowinterfaces host0' ]
        [ ! -e "$BERTH_MACHINES/o/etc/systemd/system/multi-user.target.wants" ]
}
