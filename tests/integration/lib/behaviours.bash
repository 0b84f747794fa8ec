# SPDX-License-Identifier: LGPL-2.1-or-later
# What each driver does alike, through berth: the tests of every driver run this list, and so does the VM on OpenZFS. Who sources it has
# errexit on, $T (a directory), $BERTH, $BERTH_MACHINES and busybox_root, and has no machines; it calls: behave DRIVER [OPTION-OF-RUN…]

b() { "$BERTH" "$@"; }
in_machine() { # NAME COMMAND: in its own file system
        b run -q "$1" "${RUN_OPTIONS[@]}" -- /bin/sh -c "$2" </dev/null
}
want() { [ "$1" = "$2" ] || { printf 'is:        %s\nshould be: %s\n' "$1" "$2"; return 1; }; }
# A command that fails, with this in its one line.
fails() { # WORDS COMMAND…
        local words=$1 said
        shift
        if said=$("$@" 2>&1 </dev/null); then echo "'$*' succeeded"; return 1; fi
        [[ $said == *"$words"* ]] || { printf 'said:         %s\nshould have: %s\n' "$said" "$words"; return 1; }
        [ "$(wc -l <<<"$said")" = 1 ] || { echo "more than a line: $said"; return 1; }
}
image_column() { b list-images --no-legend | awk -v name="$1" -v n="$2" '$1 == name { print $n }'; }
property() { b show-image "$1" | sed -n "s/^$2=//p"; }

# A machine with everything that identifies one.
machine() { # NAME
        local root=$T/root.$1 file
        rm -rf "$root"
        busybox_root "$root" busybox
        mkdir -p "$root"/etc/ssh "$root"/usr/bin "$root"/usr/lib/systemd "$root"/var/lib/{dhcp,NetworkManager,systemd,dpkg}
        for file in etc/ssh/ssh_host_rsa_key etc/ssh/ssh_host_rsa_key.pub etc/ssh/sshd_config usr/bin/ssh-keygen usr/lib/systemd/systemd \
                var/lib/dhcp/dhclient.host0.leases var/lib/NetworkManager/secret_key var/lib/systemd/random-seed; do
                echo old >"$root/$file"
        done
        echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
        echo "$1" >"$root/etc/hostname"
        printf 'Package: %s\nStatus: install ok installed\nArchitecture: all\nVersion: %s\n\n' stays 1 grows 1.0 >"$root/var/lib/dpkg/status"
        if [ "$DRIVER" = raw ]; then
                truncate -s 24M "$T/root.raw"
                mkfs.ext4 -q -F -d "$root" "$T/root.raw"
                install -d -m 700 "$BERTH_MACHINES"
                mv "$T/root.raw" "$BERTH_MACHINES/$1.raw"
        else
                b import-fs "$root" "$1" --driver="$DRIVER" 2>/dev/null
        fi
        rm -rf "$root"
}

# ---- the list ----

behave_images() {
        machine web
        want "$(image_column web 2) $(image_column web 3)" "$TYPE no"
        want "$(property web Name) $(property web Type) $(property web ReadOnly)" "web $TYPE no"
        [ "$(property web Path)" = "$BERTH_MACHINES/web$SUFFIX" ]
        b image-status web | grep -q "^ *Type: $TYPE"
        b list-images --json=short | grep -q "\"type\":\"$TYPE\""
        b show-image | grep -q "^PoolPath=$BERTH_MACHINES\$"
        fails "machine 'none'" b show-image none
        b remove web
        [ -z "$(b list-images --no-legend)" ]
}

behave_clone_and_rename() {
        machine web
        in_machine web 'echo one >/state'
        b snapshot web first
        b clone --same web copy
        in_machine copy 'echo other >/state'
        want "$(in_machine web 'cat /state') $(in_machine copy 'cat /state')" "one other"
        fails "'copy' already exists" b clone web copy
        fails "'copy' already exists" b rename web copy
        b rename web new
        want "$(b snapshots new --no-legend | awk '{ print $1 }')" first
        want "$(in_machine new 'cat /state')" one
        fails "machine 'web'" b snapshots web
        b remove new
        want "$(in_machine copy 'cat /state')" other
        b remove copy
}

behave_read_only() {
        machine web
        b read-only web
        want "$(image_column web 3) $(property web ReadOnly)" "yes yes"
        in_machine web '! touch /x 2>/dev/null'
        b clone --same web copy
        in_machine copy 'touch /x'
        fails "read-only" b remove web
        fails "read-only" b rename web new
        b read-only web no
        in_machine web 'touch /x'
        want "$(image_column web 3)" no
        b remove web copy
}

behave_limit() {
        machine web
        if [ -z "$LIMITS" ]; then
                fails "machine 'web' is on the $DRIVER driver, which cannot limit what a machine uses" b set-limit web 20M
                b remove web
                return
        fi
        b set-limit web 12M
        want "$(property web Limit)" 12582912
        in_machine web '! dd if=/dev/urandom of=/big bs=1M count=24 2>/dev/null && rm /big'
        b clone --same web copy
        want "$(property copy Limit)" 12582912
        b rename copy other
        want "$(property other Limit)" 12582912
        b set-limit web -
        in_machine web 'dd if=/dev/urandom of=/big bs=1M count=14 2>/dev/null && sync'
        b remove web other
}

behave_snapshots() {
        machine web
        local state
        for state in one two three; do
                in_machine web "echo $state >/state"
                b snapshot web "$state"
        done
        in_machine web 'echo four >/state'
        fails "already has a snapshot 'two'" b snapshot web two
        for state in one three two; do # there and back again: the newer ones stay
                b rollback web "$state"
                want "$(in_machine web 'cat /state')" "$state"
                want "$(b snapshots web --no-legend | awk '{ printf "%s ", $1 }')" "one two three "
        done
        fails "has no snapshot 'none'" b rollback web none
        b remove web@two
        want "$(b snapshots web --no-legend | awk '{ printf "%s ", $1 }')" "one three "
        b rollback web three
        want "$(in_machine web 'cat /state')" three
        b remove web
}

behave_diff() {
        machine web
        b snapshot web first
        in_machine web 'echo x >/etc/new; rm /etc/group; echo y >>/etc/hostname; touch -d 200101010000 /etc/hostname
                printf "Package: grows\nStatus: install ok installed\nArchitecture: all\nVersion: 1.1\n\n" >/var/lib/dpkg/status'
        b snapshot web second
        b diff web@first web@second --no-legend >"$T/diff"
        b diff web@first --no-legend | diff "$T/diff" -
        local line
        for line in '+ /etc/new' '- /etc/group' '~ /etc/hostname  (content, time)' '~ grows:all 1.0 -> 1.1' '- stays:all 1'; do
                grep -qxF -- "$line" "$T/diff" || { echo "no '$line' in:"; cat "$T/diff"; return 1; }
        done
        b remove web
}

behave_archives() {
        machine web
        in_machine web 'echo one >/state'
        b snapshot web first
        in_machine web 'echo two >/state'
        want "$(b export-tar web@first 2>/dev/null | tar -xO ./state)" one
        b export-tar web "$T/web.tar" 2>/dev/null
        want "$(tar -xOf "$T/web.tar" ./state)" two
        if [ "$DRIVER" != raw ]; then
                b import-tar "$T/web.tar" again --driver="$DRIVER" 2>/dev/null
                want "$(image_column again 2) $(in_machine again 'cat /state')" "$TYPE two"
                b import-tar "$T/web.tar" web --force 2>/dev/null # in its place, and its snapshots stay
                b rollback web first
                want "$(in_machine web 'cat /state')" one
                b remove again
        fi
        rm "$T/web.tar"
        b remove web
}

behave_sets() {
        machine a
        machine b
        in_machine a 'echo 1 >/state'
        in_machine b 'echo 1 >/state'
        b snapshot a b --set=nightly
        b snapshots a --no-legend | grep -q '^nightly .* a b$'
        in_machine a 'echo 2 >/state'
        in_machine b 'echo 2 >/state'
        b rollback --set=nightly
        want "$(in_machine a 'cat /state')$(in_machine b 'cat /state')" 11
        b snapshot b taken
        fails "already has a snapshot 'taken'" b snapshot a b --set=taken
        want "$(b snapshots a --no-legend | awk '{ print $1 }')" nightly
        for day in 1 2 3; do b snapshot a auto-2026110${day}T000000Z; done
        b snapshot a --keep=daily=2
        want "$(b snapshots a --no-legend | grep -c '^auto-')" 2
        b remove a b
}

behave_start_of_a_snapshot() {
        machine web
        in_machine web 'echo old >/state'
        b snapshot web first
        in_machine web 'echo new >/state'
        local name
        name=$(b start web@first "${RUN_OPTIONS[@]}" 2>&1 | grep -o 'web-first-[0-9a-z]*' | head -n 1)
        want "$(b shell "$name" /bin/cat /state </dev/null)" old
        b shell "$name" /bin/sh -c 'echo changed >/state' </dev/null
        b poweroff "$name"
        want "$(in_machine web 'cat /state')" new
        b rollback web first
        want "$(in_machine web 'cat /state')" old
        want "$(b list-images --no-legend | awk '{ print $1 }')" web
        b remove web
}

behave_identity() {
        local said all='/etc/hostname /etc/machine-id /etc/ssh/ssh_host_rsa_key /var/lib/systemd/random-seed /var/lib/NetworkManager/secret_key'
        machine web
        said=$(b clone web two 2>&1)
        want "$said" "two: reset hostname, machine-id, SSH host keys, random seed, DHCP DUID and leases (--same keeps what the first machine has)"
        in_machine two '[ "$(cat /etc/hostname)" = two ] && [ -f /etc/machine-id ] && [ ! -s /etc/machine-id ] && [ "$(ls /etc/ssh)" = sshd_config ] &&
                [ ! -e /var/lib/systemd/random-seed ] && [ -z "$(ls /var/lib/NetworkManager /var/lib/dhcp | grep -v :)" ] &&
                grep -q "ssh-keygen -A" /etc/systemd/system/sysinit.target.wants/berth-ssh-host-keys.service'
        want "$(in_machine web "cat $all" | tr '\n' ' ')" "web 0123456789abcdef0123456789abcdef old old old "
        said=$(b clone web twin --same 2>&1)
        want "$said" ""
        want "$(in_machine twin "cat $all" | tr '\n' ' ')" "web 0123456789abcdef0123456789abcdef old old old "
        b remove web two twin
}

behave_clean() {
        machine web
        b clean
        want "$(b list-images --no-legend | awk '{ print $1 }')" web
        fails "'.hidden' is not a valid machine name" b clone web .hidden
        b clean --all
        [ -z "$(b list-images --no-legend)" ]
}

behave() { # DRIVER [OPTION-OF-RUN…]
        local what
        DRIVER=$1 LIMITS=
        RUN_OPTIONS=("${@:2}")
        case $DRIVER in
        directory) TYPE=directory SUFFIX= ;;
        overlay) TYPE=mstack SUFFIX=.mstack ;;
        btrfs) TYPE=subvolume SUFFIX= LIMITS=1 ;;
        zfs) TYPE=dataset SUFFIX= LIMITS=1 ;;
        raw) TYPE=raw SUFFIX=.raw ;;
        esac
        for what in ${BEHAVIOURS:-$(declare -F | awk '{ print $3 }' | grep '^behave_')}; do
                BEHAVIOUR=$what # in what the shell says of a failure
                $what # not in a condition, where errexit is off
        done
}
