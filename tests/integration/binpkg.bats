#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Gentoo's binary packages in both formats, written byte by byte by lib/binpkg: verified, unpacked by the real workers, and broken in every way
# that a verifier has to see.

bats_require_minimum_version 1.5.0

setup_file() {
        export GNUPGHOME=$BATS_FILE_TMPDIR/gpg
        mkdir -m 700 "$GNUPGHOME"
        gpg -q --batch --passphrase '' --quick-generate-key 'Releng <releng@localhost>' rsa2048 sign never 2>/dev/null
        gpg -q --export >"$BATS_FILE_TMPDIR/releng.gpg"
        mkdir -m 700 "$BATS_FILE_TMPDIR/other"
        gpg -q --homedir "$BATS_FILE_TMPDIR/other" --batch --passphrase '' --quick-generate-key 'Mallory <m@localhost>' rsa2048 sign never 2>/dev/null
}

teardown_file() {
        gpgconf --kill all
        GNUPGHOME=$BATS_FILE_TMPDIR/other gpgconf --kill all
}

setup() {
        [ "$(id -u)" = 0 ] || skip "unpacking needs root"
        tool=$(dirname "${BERTH:-$BATS_TEST_DIRNAME/../../build/berth}")/tests/unit/transfer/transfer-tool
        binpkg=$BATS_TEST_DIRNAME/lib/binpkg
        T=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-test.XXXXXX")
        mkdir -p "$T"/{root,meta,image/usr/bin,image/etc}
        chmod 755 "$T/image" "$T/image/usr" "$T/image/usr/bin" "$T/image/etc"
        printf 'test-cat\n' >"$T/meta/CATEGORY"
        printf 'foo-1.2-r1\n' >"$T/meta/PF"
        printf '0/3\n' >"$T/meta/SLOT"
        printf '7' >"$T/meta/BUILD_ID"
        printf 'pkg_postinst() { :; }\n' | bzip2 >"$T/meta/environment.bz2"
        printf 'hello\n' >"$T/image/usr/bin/foo"
        printf 'a=1\n' >"$T/image/etc/foo.conf"
        chmod 4755 "$T/image/usr/bin/foo"
        ln -s foo "$T/image/usr/bin/link"
        ln "$T/image/etc/foo.conf" "$T/image/etc/hard.conf"
        touch -h -d @1688322603 "$T/image/usr/bin/foo" "$T/image/usr/bin/link" "$T/image/etc/foo.conf"
        keys=$BATS_FILE_TMPDIR/releng.gpg
}

teardown() { rm -rf "${T:?}"; }

unpack() { "$tool" unpack "$T/root" "$1" 1000000 0 "$2"; }
md5() { md5sum <"$1" | cut -d' ' -f1; }

contents_of_foo() {
        echo "contents dir /etc"
        echo "contents dir /usr"
        echo "contents dir /usr/bin"
        echo "contents obj /etc/foo.conf $(md5 "$T/image/etc/foo.conf") 1688322603"
        echo "contents obj /etc/hard.conf $(md5 "$T/image/etc/foo.conf") 1688322603"
        echo "contents obj /usr/bin/foo $(md5 "$T/image/usr/bin/foo") 1688322603"
        echo "contents sym /usr/bin/link -> foo 1688322603"
}

looks_right() {
        [ "$(cat "$T/root/usr/bin/foo")" = hello ]
        [ "$(stat -c %a "$T/root/usr/bin/foo")" = 4711 ] # FEATURES=sfperms
        [ "$(readlink "$T/root/usr/bin/link")" = foo ]
        [ "$(stat -c %i "$T/root/etc/foo.conf")" = "$(stat -c %i "$T/root/etc/hard.conf")" ]
        [ "$(stat -c %Y "$T/root/usr/bin/foo")" = 1688322603 ]
}

@test "xpak: files, metadata and CONTENTS, in each compression" {
        for how in none gz bz2 xz zst; do
                rm -rf "$T/root" && mkdir "$T/root"
                "$binpkg" xpak "$T/image" "$T/meta" "$T/foo.xpak" --compress $how
                run -0 unpack xpak "$T/foo.xpak"
                looks_right
                diff <(grep ^contents <<<"$output" | sort) <(contents_of_foo | sort)
                diff <(grep ^control <<<"$output" | sort) <(cd "$T/meta" && stat -c 'control %n 0644 %s' * | sort)
        done
}

@test "xpak: extended attributes come along" {
        setfattr -n user.test -v value "$T/image/etc/foo.conf"
        setcap cap_net_raw+ep "$T/image/usr/bin/foo" 2>/dev/null || skip "no setcap here"
        "$binpkg" xpak "$T/image" "$T/meta" "$T/foo.xpak"
        unpack xpak "$T/foo.xpak" >/dev/null
        [ "$(getfattr --only-values -n user.test "$T/root/etc/foo.conf")" = value ]
}

@test "xpak: what is broken is said" {
        "$binpkg" xpak "$T/image" "$T/meta" "$T/foo.xpak" --break tail
        run -1 unpack xpak "$T/foo.xpak"
        [[ $output == "foo.xpak: it does not end as a Gentoo binary package in XPAK format does" ]]
        "$binpkg" xpak "$T/image" "$T/meta" "$T/foo.xpak" --break index
        run -1 unpack xpak "$T/foo.xpak"
        [[ $output == *"one of its metadata lies outside of them" ]]
        "$binpkg" xpak "$T/image" "$T/meta" "$T/foo.xpak"
        for n in 0 5 100; do
                head -c $n "$T/foo.xpak" >"$T/cut.xpak"
                run -1 unpack xpak "$T/cut.xpak"
                [[ $output == cut.xpak:* ]]
        done
}

@test "gpkg: files, metadata and CONTENTS, in each compression" {
        for how in none gz bz2 xz zst; do
                rm -rf "$T/root" && mkdir "$T/root"
                "$binpkg" gpkg "$T/image" "$T/meta" "$T/foo.gpkg.tar" --compress $how
                [ "$("$tool" gpkg "$T/foo.gpkg.tar" any)" = "not signed" ]
                run -0 unpack gpkg "$T/foo.gpkg.tar"
                looks_right
                diff <(grep ^contents <<<"$output" | sort) <(contents_of_foo | sort)
                diff <(grep ^control <<<"$output" | sort) <(cd "$T/meta" && stat -c 'control %n 0644 %s' * | sort)
        done
}

@test "gpkg: a signed one is verified, wanted or not" {
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/foo.gpkg.tar" --sign "$GNUPGHOME"
        [ "$("$tool" gpkg "$T/foo.gpkg.tar" signed "$keys")" = signed ]
        [ "$("$tool" gpkg "$T/foo.gpkg.tar" any "$keys")" = signed ]
        run -1 "$tool" gpkg "$T/foo.gpkg.tar" any
        [[ $output == *keyring* ]]
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/bad.gpkg.tar" --sign "$BATS_FILE_TMPDIR/other"
        run -1 "$tool" gpkg "$T/bad.gpkg.tar" any "$keys"
        [[ $output == Manifest:* ]]
        ls -d /var/tmp/berth-gpkg-* 2>/dev/null && return 1 || true
}

@test "gpkg: an unsigned one is refused where signatures are wanted" {
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/foo.gpkg.tar"
        run -1 "$tool" gpkg "$T/foo.gpkg.tar" signed "$keys"
        [[ $output == "it is not signed"* ]]
}

@test "gpkg: each way to tamper with one is seen" {
        while read -r what says; do
                "$binpkg" gpkg "$T/image" "$T/meta" "$T/foo.gpkg.tar" --break "$what"
                run "$tool" gpkg "$T/foo.gpkg.tar" any
                echo "$what: $status $output"
                [ "$status" = 1 ]
                [[ $output == *"$says"* ]]
        done <<'EOF'
image-byte     the BLAKE2B of its member 'image.tar.zst' is not that of its Manifest
metadata-byte  the BLAKE2B of its member 'metadata.tar.zst' is not that of its Manifest
no-manifest    it has no member 'Manifest'
extra          its member 'extra' is not in its Manifest
twice          is there twice
directory      is not in directory 'foo-1.2-r1-7' as the others are
no-marker      it has no member 'gpkg-1'
unlisted       its member 'metadata.tar.zst' is not in its Manifest
EOF
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/foo.gpkg.tar" --sign "$GNUPGHOME" --break no-signatures
        run -1 "$tool" gpkg "$T/foo.gpkg.tar" any "$keys"
        [[ $output == *"is not signed, though others are" ]]
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/foo.gpkg.tar" --sign "$GNUPGHOME" --break image-byte
        run -1 "$tool" gpkg "$T/foo.gpkg.tar" any "$keys"
}

@test "gpkg: the order of its members and its own name do not matter" {
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/other-9.gpkg.tar" --break reorder
        "$tool" gpkg "$T/other-9.gpkg.tar" any
        unpack gpkg "$T/other-9.gpkg.tar" >/dev/null
        looks_right
}

@test "a symbolic link in place of a directory is refused" {
        mkdir -p "$T/root/usr/bin/link"
        "$binpkg" xpak "$T/image" "$T/meta" "$T/foo.xpak"
        run -1 unpack xpak "$T/foo.xpak"
        [[ $output == "foo.xpak: symbolic link '/usr/bin/link' would replace a directory" ]]
}

@test "what lies beside the image is refused" {
        "$binpkg" gpkg "$T/image" "$T/meta" "$T/evil.gpkg.tar" --break outside
        run -1 unpack gpkg "$T/evil.gpkg.tar"
        [[ $output == *"is not below 'image/'" ]]
        [ -z "$(ls -A "$T/root")" ]
}
