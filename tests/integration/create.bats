#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What may be wrong with a source, a mirror, a package, a name, a disk: one line says it, nothing is left, and the same command
# succeeds once the fault is gone. From a mirror of some thirty real packages, see lib/mirror.bash.

bats_require_minimum_version 1.5.0

load lib/berth
load lib/mirror

setup_file() { mirror_setup_file; }
teardown_file() { mirror_teardown_file; }

setup() {
        berth_setup
        P=$T/p
        busy=$(command -v busybox)
}

teardown() {
        web_stop
        if mountpoint -q "$T/small"; then umount "$T/small"; fi
        berth_teardown
}

# ---- helpers ----

web_start() { # DIRECTORY [BEHAVIOUR…]
        : >"$T/port"
        "$(dirname "$BERTH")/tests/unit/transfer/httpd" "$1" "$T/log" "${@:2}" >"$T/port" 3>&- &
        web=$!
        while ! [ -s "$T/port" ]; do sleep 0.02; done
        URL=http://127.0.0.1:$(cat "$T/port")
}

web_stop() {
        [ -z "${web-}" ] || { kill "$web" && wait "$web" 2>/dev/null || true; }
        web= URL=
}

# fails_with MESSAGE COMMAND…: the message, a pattern, is the last line and the only one that is not a step; nothing is left
fails_with() {
        local message=$1 status=0
        shift
        "$@" >"$T/out" 2>"$T/err" || status=$?
        cat "$T/err"
        [ "$status" = 1 ] || { echo "exit status $status"; return 1; }
        [ ! -s "$T/out" ] || { echo "on stdout: $(cat "$T/out")"; return 1; }
        [ "$(grep -c '^berth: ' "$T/err")" = 1 ] || { echo "not one message"; return 1; }
        [[ $(tail -n 1 "$T/err") == "berth: "$message ]] || { echo "expected: $message"; return 1; }
        ! grep -vE '^(berth: .*|Reading .*|Debian .*|Fetching .*|Configuring|Writing to disk)$' "$T/err" || { echo "more than a message"; return 1; }
        berth_nothing_left && berth_no_debris && store_is ""
}

store_is() { # NAMES
        local names
        names=$("$BERTH" images --no-legend 2>&1 | awk '{ print $1 }' | tr '\n' ' ')
        [ "${names% }" = "$1" ] || { echo "machines in the store: $names"; return 1; }
        [ -n "$1" ] || [ -z "$(ls "$BERTH_MACHINES" "$BERTH_MACHINES/.berth.v/"{images,layers,work,snapshots} 2>/dev/null | grep -v ':$')" ] ||
                { echo "not empty: $(ls -R "$BERTH_MACHINES" | head -n 50)"; return 1; }
}

# A machine that was made completely.
is_whole() { # NAME
        local root
        root=$(echo "$BERTH_MACHINES/$1.mstack/"layer@0)
        [ -d "$root" ] || root=$BERTH_MACHINES/$1
        [ "$(grep -c '^Status: install ok installed$' "$root/var/lib/dpkg/status")" = "$(grep -c '^Package: ' "$root/var/lib/dpkg/status")" ] &&
                [ "$(grep -c '^Package: ' "$root/var/lib/dpkg/status")" -ge 26 ] && [ -x "$root/usr/bin/dpkg" ] && [ ! -e "$root/usr/sbin/policy-rc.d" ]
}

succeeds() {
        "$@" >"$T/out" 2>"$T/err" || { cat "$T/err"; return 1; }
        ! grep '^berth: ' "$T/err" && berth_nothing_left && berth_no_debris && is_whole "${name:-web}"
}

# ---- what is asked for ----

@test "unknown distribution" {
        fails_with "unknown distribution 'debain'; known are: *debian*ubuntu* (as in 'debian:bookworm')*" berth create web debain:bookworm
        fails_with "unknown distribution ''; known are: *" berth create web :bookworm
}

@test "unknown suite" {
        fails_with "suite 'tinny' does not exist on file://$MIRROR/www; Debian's suites have names like stable, *" \
                berth create web debian:tinny --mirror="file://$MIRROR/www" --keyring="$KEYRING"
        web_start "$MIRROR/www"
        fails_with "suite 'tinny' does not exist on $URL; Debian's suites have names like stable, *" \
                berth create web debian:tinny --mirror="$URL" --keyring="$KEYRING"
        fails_with "'../tiny' is not the name of a suite; write for example 'debian:stable'" berth create web debian:../tiny
        succeeds tiny web
}

@test "unknown variant, component, architecture, driver" {
        fails_with "unknown variant 'small'; there are minbase, standard, boot" tiny web --variant=small
        fails_with "suite 'tiny' on file://$MIRROR/www has no component 'contrib'; it has: main" tiny web --components=contrib
        fails_with "suite 'tiny' on file://$MIRROR/www has no binary-pdp11; it has: all *" tiny web --arch=pdp11
        fails_with "there is no driver 'ext4'; there are overlay, zfs, btrfs, directory" tiny web --driver=ext4
        succeeds tiny web
}

@test "a package that does not exist" {
        fails_with "*'coreutilz'*coreutils*" tiny web --include=coreutilz
        fails_with "*'nothing-like-it'*" tiny web --include=nothing-like-it
        fails_with "*dash*0.0*" tiny web --include=dash=0.0
        succeeds tiny web --include=coreutils
}

@test "what is excluded but needed" {
        fails_with "*libc6*exclude*" tiny web --exclude=libc6
        fails_with "package 'mawk' is both included and excluded" tiny web --exclude=mawk --include=mawk
        succeeds tiny web --exclude=grep
        [ ! -e "$BERTH_MACHINES/web.mstack/layer@0/bin/grep" ]
}

@test "bad name" {
        for name in '' . .. ../x a/b .hidden -x 'a b' 'größe' "$(printf 'a%.0s' {1..65})"; do
                fails_with "'$name' is not a valid machine name: *" berth create --mirror="file://$MIRROR/www" --keyring="$KEYRING" -- "$name" debian:tiny
        done
}

@test "name taken" {
        succeeds tiny web
        before=$(ls -lR --time-style=full-iso "$BERTH_MACHINES" | md5sum)
        for how in tiny "tiny --rebuild" "berth clone web"; do
                status=0
                $how web 2>"$T/err" || status=$?
                cat "$T/err"
                [ "$status" = 1 ] && [ "$(wc -l <"$T/err")" = 1 ]
                [[ $(cat "$T/err") == "berth: machine 'web' already exists"* ]] || [ "$how" != tiny ]
                [ "$(ls -lR --time-style=full-iso "$BERTH_MACHINES" | md5sum)" = "$before" ]
        done
        mkdir "$BERTH_MACHINES/plain"
        status=0
        tiny plain 2>"$T/err" || status=$?
        [ "$status" = 1 ] && [ "$(wc -l <"$T/err")" = 1 ]
        [[ $(cat "$T/err") == "berth: machine 'plain' already exists"* ]]
        rmdir "$BERTH_MACHINES/plain"
        name=plain succeeds tiny plain
}

@test "no root privilege" {
        chmod 755 "$T"
        cp -r "$(dirname "$BERTH")/berth" "$T/berth"
        fails_with "berth create needs root: run it with sudo" setpriv --reuid=65534 --regid=65534 --clear-groups "$T/berth" create web debian:tiny
        for verb in "clone web web2" "snapshot web s" "rollback web s"; do
                fails_with "berth ${verb%% *} needs root: run it with sudo" setpriv --reuid=65534 --regid=65534 --clear-groups "$T/berth" $verb
        done
        succeeds tiny web
}

# ---- the mirror ----

@test "mirror unreachable" {
        web_start "$MIRROR/www"
        gone=$URL
        web_stop
        URL=$gone fails_with "suite 'tiny' on $gone: *onnect*" tiny web
        URL=file://$T/none fails_with "suite 'tiny' does not exist on file://$T/none; *" tiny web
        URL=http://nowhere.invalid fails_with "suite 'tiny' on http://nowhere.invalid: *resolve*" tiny web
        web_start "$MIRROR/www" status=503
        fails_with "suite 'tiny' on $URL: *503*" tiny web
        web_stop
        web_start "$MIRROR/www"
        succeeds tiny web
}

@test "a mirror that goes away while packages come" {
        mirror_copy "$T/www"
        mkdir "$T/gone"
        mv "$T/www/pool/mawk.deb" "$T/gone"
        web_start "$T/www"
        fails_with "mawk *404*" tiny web
        mv "$T/gone/"* "$T/www/pool"
        succeeds tiny web
}

@test "signed by a key that is not in the keyring" {
        mirror_copy "$T/www"
        mirror_key stranger
        SIGN_WITH=stranger mirror_index "$T/www"
        URL=file://$T/www
        fails_with "suite 'tiny' on $URL: *$(gpg -q --batch --with-colons --list-keys stranger | awk -F: '/^fpr/ { print substr($10, 25); exit }')*" tiny web
        mirror_index "$T/www"
        succeeds tiny web
}

@test "an InRelease that was tampered with, that is unsigned, cut or something else" {
        mirror_copy "$T/www"
        URL=file://$T/www
        in=$T/www/dists/tiny/InRelease
        cp "$in" "$T/good"
        sed -i 's/^Suite: tiny/Suite: evil/' "$in"
        fails_with "suite 'tiny' on $URL: *signature*" tiny web
        cp "$T/www/dists/tiny/Release" "$in"
        fails_with "suite 'tiny' on $URL: *sign*" tiny web
        head -c 400 "$T/good" >"$in"
        fails_with "suite 'tiny' on $URL: *sign*" tiny web
        (echo "SHA256: evil"; cat "$T/good") >"$in"
        fails_with "suite 'tiny' on $URL: *" tiny web
        echo '<html>please log in</html>' >"$in"
        fails_with "suite 'tiny' on $URL: *sign*" tiny web
        : >"$in"
        fails_with "suite 'tiny' on $URL: *sign*" tiny web
        (cat "$T/good"; echo "Valid-Until: Sat, 03 Feb 2024 04:05:06 UTC") >"$in" # no part of what was signed: not seen
        succeeds tiny web
}

@test "no keyring, an empty keyring, --verify=no" {
        fails_with "cannot read the keyring '$T/none': No such file or directory" tiny web --keyring="$T/none"
        : >"$T/empty"
        KEYRING=$T/empty fails_with "suite 'tiny' on *" tiny web
        KEYRING=$T/empty succeeds tiny web --verify=no
}

@test "an index past its Valid-Until is refused with the date, and taken with --allow-expired" {
        mirror_copy "$T/www"
        URL=file://$T/www
        mirror_index "$T/www" "Valid-Until: Sat, 03 Feb 2024 04:05:06 UTC"
        fails_with "suite 'tiny' on $URL expired on 2024-02-03 04:05:06 UTC; use a mirror that is up to date, or --allow-expired to take it" tiny web
        succeeds tiny web --allow-expired
        mirror_index "$T/www" "Valid-Until: $(date -Ru -d '+1 day')"
        name=web2 succeeds tiny web2 --rebuild
}

@test "a package list that is not the one that was signed" {
        mirror_copy "$T/www"
        URL=file://$T/www
        list=$(echo "$T"/www/dists/tiny/main/binary-*/Packages)
        cp "$list" "$T/good"
        sed -i 's/^Version: 1$/Version: 2/' "$list"
        fails_with "*package list main/binary-*/Packages of 'tiny'*" tiny web
        head -c 1000 "$T/good" >"$list"
        fails_with "*package list main/binary-*/Packages of 'tiny'*" tiny web
        rm "$list"
        fails_with "*package list main/binary-*/Packages of 'tiny'*" tiny web
        cp "$T/good" "$list"
        succeeds tiny web
}

@test "a finished image that is old says so, and other mirrors build anew" {
        mirror_copy "$T/www"
        export BERTH_MIRROR=file://$T/www
        create() { berth create "$1" debian:tiny --variant=minbase --keyring="$KEYRING" "${@:2}"; }
        mirror_index "$T/www" "Valid-Until: $(date -Ru -d '+1 day')"
        create one 2>/dev/null
        run -0 create two
        [ -z "$output" ]
        # A week later, and past the date of the index.
        sed -i "2s/.*/$(date +%s -d '8 days ago')/" "$BERTH_CACHE"/keys/*
        run -0 create three
        [ "$output" = "image of $(date +%F -d '8 days ago'); --rebuild builds anew" ]
        sed -i "2s/.*/$(date +%s)/; 3s/.*/$(date +%s -d '1 hour ago')/" "$BERTH_CACHE"/keys/*
        run -0 create four
        [ "$output" = "image of $(date +%F); --rebuild builds anew" ]
        create five --rebuild 2>/dev/null
        run -0 create six
        [ -z "$output" ]
        cp -al "$T/www" "$T/other"
        BERTH_MIRROR=file://$T/other run -0 create seven
        [[ $output == *Configuring* ]]
        name=seven is_whole seven
}

@test "clean --cache: what no index names and no source leads to goes, the rest is of use" {
        mirror_copy "$T/www"
        URL=file://$T/www
        mkdir -p "$P"
        mirror_package "$T/www" extra "Priority: required"
        mirror_index "$T/www"
        tiny one 2>/dev/null
        run -0 berth clean --cache
        [[ $output == "Removed 0 files from the cache (0B) and 0 images that nothing leads to." ]]
        # A newer index, without a package and with another one; a download that was left half done.
        rm "$T/www/pool/extra.deb"
        mkdir -p "$P"
        mirror_package "$T/www" other "Priority: required"
        mirror_index "$T/www"
        : >"$BERTH_CACHE/debian/pool/half_1_all.deb.part"
        tiny two --rebuild 2>/dev/null
        [ "$(ls "$BERTH_MACHINES/.berth.v/images" | wc -l)" = 2 ]
        [ -e "$BERTH_CACHE/debian/pool/extra_1_all.deb" ]
        run -0 berth clean --cache
        [[ $output == "Removed 2 files from the cache ("*") and 1 images that nothing leads to." ]]
        [ "$(ls "$BERTH_MACHINES/.berth.v/images" | wc -l)" = 1 ]
        [ ! -e "$BERTH_CACHE/debian/pool/extra_1_all.deb" ] && [ -e "$BERTH_CACHE/debian/pool/other_1_all.deb" ]
        is_whole one && is_whole two
        run -0 tiny three
        [ -z "$output" ]
        berth remove one two three
        berth_no_debris
}

# ---- packages ----

@test "a .deb whose hash differs" {
        mirror_copy "$T/www"
        cp --remove-destination "$MIRROR/www/pool/mawk.deb" "$T/www/pool/mawk.deb"
        printf X | dd of="$T/www/pool/mawk.deb" bs=1 seek=50000 conv=notrunc status=none
        URL=file://$T/www fails_with "mawk *has SHA256*the index says*try again or use another mirror" tiny web
        web_start "$T/www"
        fails_with "mawk *has SHA256*the index says*try again or use another mirror" tiny web
        cp "$MIRROR/www/pool/mawk.deb" "$T/www/pool/mawk.deb"
        succeeds tiny web
}

@test "a truncated .deb" {
        mirror_copy "$T/www"
        rm "$T/www/pool/mawk.deb"
        head -c 50000 "$MIRROR/www/pool/mawk.deb" >"$T/www/pool/mawk.deb"
        URL=file://$T/www fails_with "*mawk*" tiny web
        web_start "$T/www"
        fails_with "*mawk*" tiny web
        cp "$MIRROR/www/pool/mawk.deb" "$T/www/pool/mawk.deb"
        succeeds tiny web
}

@test "a .deb that is cut, garbage or another package, though the index says so" {
        for what in cut garbage other; do
                mirror_copy "$T/$what"
                URL=file://$T/$what
                mkdir -p "$P/usr/share"
                head -c 100000 /dev/urandom >"$P/usr/share/noise"
                mirror_package "$T/$what" broken "Priority: required"
                mirror_index "$T/$what"
                cp "$T/$what/pool/broken.deb" "$T/good.deb"
                case $what in
                cut) head -c 60000 "$T/good.deb" >"$T/$what/pool/broken.deb" ;;
                garbage) head -c 60000 /dev/urandom >"$T/$what/pool/broken.deb" ;;
                other) cp --remove-destination "$MIRROR/www/pool/mawk.deb" "$T/$what/pool/broken.deb" ;;
                esac
                relist "$T/$what" broken
                fails_with "broken 1: *" tiny web
                case $what in
                other) [[ $(tail -n 1 "$T/err") == *"the package calls itself 'mawk'" ]] ;;
                *) [[ $(tail -n 1 "$T/err") == *"it is truncated or damaged: "* ]] ;;
                esac
        done
        cp "$T/good.deb" "$T/other/pool/broken.deb"
        mirror_index "$T/other"
        succeeds tiny web
}

# The size and hash of a package in the index become those of the file as it is.
relist() { # DIR NAME
        local list file=$1/pool/$2.deb
        list=$(echo "$1"/dists/tiny/main/binary-*/Packages)
        awk -v name="$2" -v size="$(stat -c %s "$file")" -v hash="$(sha256sum <"$file" | cut -d' ' -f1)" '
                /^Package: / { here = $2 == name }
                here && /^Size: / { $0 = "Size: " size }
                here && /^SHA256: / { $0 = "SHA256: " hash }
                { print }' "$list" >"$list.new"
        mv "$list.new" "$list"
        mirror_sign "$1" "${list#"$1/dists/tiny/"}"
}

@test "a package whose script fails, or leaves a process behind" {
        mirror_copy "$T/www"
        URL=file://$T/www
        mkdir -p "$P/DEBIAN"
        printf '#!/bin/sh\necho cannot find my shoes >&2\nexit 7\n' >"$P/DEBIAN/postinst"
        chmod 755 "$P/DEBIAN/postinst"
        mirror_package "$T/www" shoes
        mirror_index "$T/www"
        fails_with "the packages cannot be configured: package shoes *status 7*" tiny web --include=shoes
        mkdir -p "$P/DEBIAN"
        printf '#!/bin/sh\nexit 3\n' >"$P/DEBIAN/preinst"
        chmod 755 "$P/DEBIAN/preinst"
        mirror_package "$T/www" shoes
        mirror_index "$T/www"
        fails_with "the packages cannot be configured: the preinst script of package 'shoes' failed with status 3" tiny web --include=shoes
        mkdir -p "$P/DEBIAN"
        printf '#!/bin/sh\nsleep 1000 </dev/null >/dev/null 2>&1 &\n' >"$P/DEBIAN/postinst"
        chmod 755 "$P/DEBIAN/postinst"
        mirror_package "$T/www" shoes
        mirror_index "$T/www"
        succeeds tiny web --include=shoes
}

@test "two packages that have one file: refused, but where one diverts that of the other" {
        mirror_copy "$T/www"
        URL=file://$T/www
        mkdir -p "$P/usr/bin" "$P/usr/share/guard"
        echo plain >"$P/usr/bin/tool"
        mirror_package "$T/www" plain
        mkdir -p "$P/usr/bin" "$P/usr/share/guard" "$P/etc"
        echo guarded >"$P/usr/bin/tool"
        echo guard >"$P/usr/share/guard/file"
        echo setting >"$P/etc/guard.conf"
        mirror_package "$T/www" guard "Pre-Depends: needed"
        mkdir -p "$P/DEBIAN"
        printf '#!/bin/sh\ntouch /var/needed\n' >"$P/DEBIAN/postinst"
        chmod 755 "$P/DEBIAN/postinst"
        mirror_package "$T/www" needed
        mirror_index "$T/www"
        fails_with "packages '*' and '*' both have '/usr/bin/tool' and neither replaces the other; leave one of them out" tiny web --include=plain,guard

        dpkg-deb -R "$T/www/pool/guard.deb" "$T/guard"
        # What others have is where they put it, what only this one has is not there yet.
        printf '#!/bin/sh\nset -e\n[ "$(cat /usr/bin/tool)" = plain ] && [ -e /var/needed ] && ! [ -e /usr/share/guard/file ]\n%s\n' \
                'dpkg-divert --package guard --divert /usr/bin/tool.plain --rename /usr/bin/tool' >"$T/guard/DEBIAN/preinst"
        chmod 755 "$T/guard/DEBIAN/preinst"
        echo /etc/guard.conf >"$T/guard/DEBIAN/conffiles"
        rm "$T/www/pool/guard.deb"
        dpkg-deb --root-owner-group -b "$T/guard" "$T/www/pool/guard.deb" >/dev/null
        mirror_index "$T/www"
        succeeds tiny web --include=plain,guard
        run -0 berth run web -- sh -c 'cat /usr/bin/tool /usr/bin/tool.plain /usr/share/guard/file /etc/guard.conf; dpkg -S /usr/bin/tool.plain; dpkg --verify; ls /var/lib/dpkg'
        [[ $output == "guarded"$'\n'"plain"$'\n'"guard"$'\n'"setting"$'\n'"diversion by guard "* ]]
        [[ $output != *deferred* && $output != *missing* ]]
}

@test "a package that unpacks to far more than its index says" {
        mirror_copy "$T/www"
        URL=file://$T/www
        mkdir -p "$P"
        truncate -s 600M "$P/zeros"
        head -c 1M /dev/zero | tee -a "$P/zeros" >/dev/null
        mirror_package "$T/www" bomb "Priority: required" "Installed-Size: 1"
        mirror_index "$T/www"
        fails_with "bomb 1: it unpacks to more than the limit of *" tiny web
        rm "$T/www/pool/bomb.deb"
        mirror_index "$T/www"
        succeeds tiny web
}

# ---- the disk ----

@test "a disk that fills up while packages are unpacked" {
        truncate -s 40M "$T/disk"
        mkfs.ext4 -q -F -m 0 "$T/disk"
        mkdir "$T/small"
        mount -o loop "$T/disk" "$T/small"
        export BERTH_MACHINES=$T/small/machines
        fails_on_small "*no space left on the file system of the new root: free some or build on another file system"
        # Hardly room for a directory: the fault is named all the same.
        dd if=/dev/zero of="$T/small/fill" bs=4k status=none 2>/dev/null || true
        fails_on_small "*@(no space left on the file system of the new root: free some or build on another file system|is full)"
        rm "$T/small/fill"
        # Room for the packages, none for what their scripts write.
        resize 200M
        mirror_copy "$T/www"
        mkdir -p "$P/DEBIAN"
        printf '#!/bin/sh\nexec cat /dev/zero >/var/fill\n' >"$P/DEBIAN/postinst"
        chmod 755 "$P/DEBIAN/postinst"
        mirror_package "$T/www" glutton "Priority: required"
        mirror_index "$T/www"
        URL=file://$T/www fails_on_small "the packages cannot be configured: *"
        tiny web
        is_whole web
        berth_no_debris
        umount "$T/small"
}

resize() {
        umount "$T/small"
        truncate -s "$1" "$T/disk"
        e2fsck -fp "$T/disk" >/dev/null || [ $? = 1 ]
        resize2fs "$T/disk" >/dev/null 2>&1
        mount -o loop "$T/disk" "$T/small"
}

# As fails_with, on the small file system, which is the one mount that may be left.
fails_on_small() {
        local status=0
        tiny web >"$T/out" 2>"$T/err" || status=$?
        cat "$T/err"
        [ "$status" = 1 ] && [ "$(grep -c '^berth: ' "$T/err")" = 1 ] || return
        [[ $(tail -n 1 "$T/err") == "berth: "$1 ]] || { echo "expected: $1"; return 1; }
        [ "$(grep -cF "$T" /proc/self/mountinfo)" = 1 ] || { grep -F "$T" /proc/self/mountinfo; return 1; }
        [ -z "$(berth_processes)" ] || { berth_processes | xargs -r ps -o pid=,ppid=,stat=,args= -p; return 1; }
        berth_no_debris && store_is ""
}

@test "a cache that fills up" {
        mkdir "$T/small"
        mount -t tmpfs -o size=8m none "$T/small"
        status=0
        BERTH_CACHE=$T/small tiny web 2>"$T/err" || status=$?
        umount "$T/small"
        cat "$T/err"
        [ "$status" = 1 ] && [ "$(grep -c '^berth: ' "$T/err")" = 1 ]
        [[ $(tail -n 1 "$T/err") == *[Nn]"o space left"* || $(tail -n 1 "$T/err") == *"full"* ]]
        store_is ""
        succeeds tiny web
}

# ---- two at once ----

@test "two that build the same source at once: one builds, both succeed" {
        tiny one 2>"$T/one" 3>&- &
        tiny two 2>"$T/two" 3>&-
        wait $!
        store_is "one two"
        [ "$(grep -h ^Configuring "$T/one" "$T/two" | wc -l)" = 1 ]
        [ "$(ls "$BERTH_MACHINES/.berth.v/images" | wc -l)" = 1 ]
        is_whole one && is_whole two
        berth_no_debris
}

# ---- starting ----

@test "machine already running" {
        busybox_machine web
        berth start web
        status=0
        berth start web 2>"$T/err" || status=$?
        cat "$T/err"
        [ "$status" = 1 ] && [ "$(wc -l <"$T/err")" = 1 ]
        [[ $(cat "$T/err") == "berth: machine 'web' is already running"* ]]
        berth list --no-legend | grep -q '^web '
        for verb in "remove web" "rollback web s"; do
                status=0
                berth $verb 2>"$T/err" || status=$?
                [ "$status" = 1 ] && [ "$(wc -l <"$T/err")" = 1 ]
                cat "$T/err"
                [[ $(cat "$T/err") == "berth: machine 'web' is running and cannot be "* ]] || [ "$verb" != "remove web" ]
        done
        berth poweroff web
        berth_nothing_left
        berth start web
        berth terminate web
}

@test "start of a root without an init" {
        busybox_machine web none
        rm -f "$BERTH_MACHINES/web/sbin/init" "$BERTH_MACHINES/web/bin/init"
        fails_with_machine "*web*init*" berth start web
        cp "$busy" "$BERTH_MACHINES/web/sbin/init"
        chmod 644 "$BERTH_MACHINES/web/sbin/init"
        fails_with_machine "*init*" berth start web
        ln -sf /nowhere "$BERTH_MACHINES/web/sbin/init"
        fails_with_machine "*init*" berth start web
        rm "$BERTH_MACHINES/web/sbin/init"
        printf '#!/none/sh\n' >"$BERTH_MACHINES/web/sbin/init"
        chmod 755 "$BERTH_MACHINES/web/sbin/init"
        fails_with_machine "*init*" berth start web
        rm "$BERTH_MACHINES/web/sbin/init"
        ln -s ../bin/busybox "$BERTH_MACHINES/web/sbin/init"
        printf '::respawn:/bin/sleep 100000\n' >"$BERTH_MACHINES/web/etc/inittab"
        berth start web
        timeout 20 "$BERTH" poweroff web # at once, when the init does not listen yet
        rm -rf "$BERTH_MACHINES/web"
        mkdir "$BERTH_MACHINES/web"
        fails_with_machine "*web*" berth start web
}

fails_with_machine() {
        local message=$1 status=0
        shift
        "$@" >"$T/out" 2>"$T/err" || status=$?
        cat "$T/err"
        [ "$status" = 1 ] && [ "$(grep -c '^berth: ' "$T/err")" = 1 ] && [[ $(grep '^berth: ' "$T/err") == "berth: "$message ]] || return
        berth_nothing_left && berth_no_debris && store_is web
}
