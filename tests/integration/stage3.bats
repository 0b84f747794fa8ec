#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines from archives: a file, a URL, and Gentoo's stage 3 by its pointer file, in the layout of its mirrors, signed by keys made here.

bats_require_minimum_version 1.5.0
load lib/berth

setup_file() {
        export GNUPGHOME=$BATS_FILE_TMPDIR/gpg
        mkdir -m 700 "$GNUPGHOME" "$BATS_FILE_TMPDIR/other"
        gpg -q --batch --passphrase '' --quick-generate-key 'Releng <releng@localhost>' rsa2048 sign never 2>/dev/null
        gpg -q --export >"$BATS_FILE_TMPDIR/releng.gpg"
        gpg -q --homedir "$BATS_FILE_TMPDIR/other" --batch --passphrase '' --quick-generate-key 'Mallory <m@localhost>' rsa2048 sign never 2>/dev/null
}

teardown_file() {
        gpgconf --kill all
        GNUPGHOME=$BATS_FILE_TMPDIR/other gpgconf --kill all
}

setup() {
        berth_setup
        keys=$BATS_FILE_TMPDIR/releng.gpg
        arch=amd64 # of the names; nothing of it runs
        builds=$T/mirror/releases/$arch/autobuilds
        stamp=20230702T170201Z
}
teardown() { berth_teardown; }

# What a stage 3 has that archives lose: capabilities, owners without names, hard links, devices, a dangling link.
stage3_root() {
        busybox_root "$T/tree" busybox
        ln "$T/tree/etc/os-release" "$T/tree/etc/hard"
        printf 'x' >"$T/tree/bin/pingx"
        chown 12345:250 "$T/tree/bin/pingx"
        setfattr -n user.pax.flags -v e "$T/tree/bin/pingx"
        setcap cap_net_raw+ep "$T/tree/bin/pingx" 2>/dev/null || true
        chmod 4755 "$T/tree/bin/busybox"
        mkdir -p "$T/tree/etc/portage" "$T/tree/var/empty"
        chmod 700 "$T/tree/root"
        ln -s ../../var/db/repos/gentoo/profiles/default "$T/tree/etc/portage/make.profile"
        mknod "$T/tree/dev/console" c 5 1
        touch -d @1688322603 "$T/tree/etc/os-release" "$T/tree/bin/pingx" "$T/tree/etc/portage"
}

pack() { tar -C "$T/tree" --xattrs --xattrs-include='*.*' --numeric-owner -cJpf "$1" .; }

# A build as releng publishes one: publish VARIANT [signing home]
publish() {
        local name=stage3-$arch-$1-$stamp.tar.xz home=${2:-$GNUPGHOME}
        mkdir -p "$builds/$stamp"
        [ -e "$builds/$stamp/$name" ] || { stage3_root; pack "$builds/$stamp/$name"; }
        (cd "$builds/$stamp" && for h in BLAKE2B:b2sum SHA512:sha512sum; do echo "# ${h%%:*} HASH"; "${h##*:}" "$name"; done) |
                gpg -q --homedir "$home" --batch --clear-sign >"$builds/$stamp/$name.DIGESTS"
        printf '# Latest as of Sun, 02 Jul 2023 18:30:03 +0000\n# ts=1688322603\n%s/%s %s\n' "$stamp" "$name" "$(stat -c %s "$builds/$stamp/$name")" |
                gpg -q --homedir "$home" --batch --clear-sign >"$builds/latest-stage3-$arch-$1.txt"
}

create() { berth create "$1" "gentoo:stage3-systemd" --arch=$arch --mirror="file://$T/mirror" --keyring="$keys" "${@:2}"; }
root_of() { echo "$BERTH_MACHINES/$1.mstack/layer@0"; }

@test "a stage 3: newest build, signatures, digests, and everything that is in it" {
        publish systemd
        create g
        root=$(root_of g)
        [ "$(stat -c %u:%g "$root/bin/pingx")" = 12345:250 ]
        [ "$(getfattr --only-values -n user.pax.flags "$root/bin/pingx")" = e ]
        [ "$(getcap -n "$root/bin/pingx")" = "$(getcap -n "$T/tree/bin/pingx" | sed "s|$T/tree|$root|")" ]
        [ "$(stat -c %i "$root/etc/hard")" = "$(stat -c %i "$root/etc/os-release")" ]
        [ "$(stat -c %Y "$root/etc/os-release" "$root/etc/portage")" = "$(printf '1688322603\n1688322603')" ]
        [ "$(stat -c %a "$root/bin/busybox" "$root/root")" = "$(printf '4755\n700')" ]
        [ "$(readlink "$root/etc/portage/make.profile")" = ../../var/db/repos/gentoo/profiles/default ]
        [ ! -e "$root/dev/console" ] # a machine's /dev is made when it starts
        berth run -q -M g sh -c 'stat -c %u /bin/pingx' | grep -x 12345
}

@test "the second machine from a stage 3 is a clone, without a look at the mirror" {
        publish systemd
        create g
        mv "$T/mirror" "$T/gone"
        create h
        [ "$(readlink -f "$(root_of g)")" = "$(readlink -f "$(root_of h)")" ]
}

@test "a variant that is not there" {
        publish systemd
        run -1 berth create g gentoo:stage3-hardened --arch=$arch --mirror="file://$T/mirror" --keyring="$keys"
        [[ ${lines[-1]} == *"there is no stage 3 'hardened' for amd64"*"gentoo:stage3-systemd"* ]]
}

@test "signatures of others, and none, are refused" {
        publish systemd "$BATS_FILE_TMPDIR/other"
        run -1 create g
        [[ ${lines[-1]} == *"latest-stage3-amd64-systemd.txt"* ]]
        printf 'x/stage3-x.tar.xz 5\n' >"$builds/latest-stage3-$arch-systemd.txt"
        run -1 create g
        [[ ${lines[-1]} == *"not signed"* ]]
        [ ! -e "$BERTH_MACHINES/g.mstack" ]
}

@test "an archive that is not the signed one" {
        publish systemd
        name=$builds/$stamp/stage3-$arch-systemd-$stamp.tar.xz
        printf x | dd of="$name" bs=1 seek=1000 conv=notrunc status=none
        run -1 create g
        [[ ${lines[-1]} == *"stage3-amd64-systemd-$stamp.tar.xz"* ]]
        [ ! -e "$BERTH_MACHINES/g.mstack" ]
        berth_no_debris
}

@test "a pointer that leads out of the mirror" {
        mkdir -p "$builds"
        printf '../../../stage3-evil.tar.xz 5\n' | gpg -q --batch --clear-sign >"$builds/latest-stage3-$arch-systemd.txt"
        run -1 create g
        [[ ${lines[-1]} == *"names no stage 3" ]]
}

@test "a file: as it is, and anew when it has changed" {
        stage3_root
        pack "$T/my.tar.xz"
        berth create f "$T/my.tar.xz"
        berth run -q -M f cat /etc/os-release | grep -q busyroot
        echo changed >"$T/tree/etc/changed"
        pack "$T/my.tar.xz"
        berth create g "$T/my.tar.xz"
        berth run -q -M g cat /etc/changed | grep -x changed
        cd "$T"
        berth create h ./my.tar.xz
        berth start h
        [ "$(berth shell h -- cat /etc/hostname)" = h ]
        berth poweroff h
}

@test "a file in each compression" {
        stage3_root
        for how in gzip bzip2 xz zstd cat; do
                tar -C "$T/tree" -cf - . | $how >"$T/my-$how.tar"
                berth create "m$how" "$T/my-$how.tar"
                [ -e "$(root_of "m$how")/bin/busybox" ]
        done
}

@test "a signed file, when keys are given" {
        stage3_root
        pack "$T/my.tar.xz"
        run -1 berth create f "$T/my.tar.xz" --keyring="$keys"
        [[ ${lines[-1]} == *"has no signature"*"--verify=no"* ]]
        gpg -q --batch --armor --detach-sign "$T/my.tar.xz"
        berth create f "$T/my.tar.xz" --keyring="$keys"
        gpg -q --homedir "$BATS_FILE_TMPDIR/other" --batch --yes --armor --detach-sign "$T/my.tar.xz"
        run -1 berth create g "$T/my.tar.xz" --keyring="$keys" --rebuild
        [ ! -e "$BERTH_MACHINES/g.mstack" ]
}

@test "what is no archive, is cut off, or holds nothing" {
        echo nonsense >"$T/my.tar.xz"
        run -1 berth create f "$T/my.tar.xz"
        [[ ${lines[-1]} == *"my.tar.xz: it is truncated or damaged"* ]]
        stage3_root
        pack "$T/whole.tar.xz"
        head -c 200000 "$T/whole.tar.xz" >"$T/my.tar.xz"
        run -1 berth create f "$T/my.tar.xz"
        [[ ${lines[-1]} == *"truncated or damaged"* ]]
        mkdir "$T/empty"
        tar -C "$T/empty" -cf "$T/my.tar.xz" .
        run -1 berth create f "$T/my.tar.xz"
        [[ ${lines[-1]} == *"there is nothing in it" ]]
        run -1 berth create f "$T/gone.tar"
        [[ ${lines[-1]} == *"gone.tar"*"No such file"* ]]
        berth_no_debris
}
