# SPDX-License-Identifier: LGPL-2.1-or-later
# A small Debian of one's own, signed by a key made here: some twenty real packages (what dpkg and a shell need), taken from this host's
# mirror once and kept in ${BERTH_TEST_CACHE:-/var/cache/berth-tests}, and what a test adds. Use, after `load lib/berth`:
#
#   setup_file() { mirror_setup_file; }            makes $MIRROR/www: a mirror with the suite "tiny", and $KEYRING
#   mirror_copy DIR                                a mirror to spoil: hard links, with lists of its own
#   mirror_package DIR NAME [FIELD: VALUE]…        a crafted package from the tree $P, whose control files are in $P/DEBIAN
#   mirror_index DIR [FIELD: VALUE]…               Packages, Release and InRelease of "tiny" anew
#   tiny NAME [OPTION]…                            berth create NAME debian:tiny from $URL (default: file://$MIRROR/www)
#   mirror_teardown_file

MIRROR_PACKAGES="base-files base-passwd coreutils dash debianutils diffutils dpkg gcc-12-base grep libacl1 libattr1 libbz2-1.0 libc-bin libc6 libcrypt1
        libdebconfclient0 libgcc-s1 libgmp10 liblzma5 libmd0 libpcre2-8-0 libselinux1 libzstd1 mawk sed tar zlib1g"

# The newest file of a package that is kept.
mirror_kept() { ls -t "$MIRROR_CACHE/debian/pool/$1"_*.deb 2>/dev/null | head -n 1; }

mirror_is_kept() {
        local name
        for name in $MIRROR_PACKAGES; do
                [ -n "$(mirror_kept "$name")" ] || return
        done
}

# berth itself fetches and verifies them: by a create from the host's mirror, whose machine is not kept.
mirror_fetch() {
        local place
        mirror_is_kept && return
        place=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-test.XXXXXX")
        BERTH_MACHINES=$place/m BERTH_STATE=$place/s BERTH_RUN=$place/r BERTH_CACHE=$MIRROR_CACHE BERTH_CGROUP=/berth-test-${place##*.} \
                "$BERTH" create web debian:bookworm --variant=minbase
        rm -rf "$place"
        mirror_is_kept
}

mirror_setup_file() {
        local name
        [ "$(id -u)" = 0 ] || return 0
        export MIRROR_CACHE=${BERTH_TEST_CACHE:-/var/cache/berth-tests}
        MIRROR=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-mirror.XXXXXX")
        export MIRROR KEYRING=$MIRROR/keyring.gpg GNUPGHOME=$MIRROR/gpg
        unset http_proxy HTTP_PROXY all_proxy ALL_PROXY BERTH_MIRROR
        mkdir -p "$MIRROR_CACHE" "$MIRROR/www/pool"
        (flock 9 && mirror_fetch) 9>"$MIRROR_CACHE/.lock"
        for name in $MIRROR_PACKAGES; do
                mirror_uncompressed "$(mirror_kept "$name")" "$MIRROR/www/pool/$name.deb"
        done
        mkdir -m 700 "$GNUPGHOME"
        mirror_key berth-tests
        gpg -q --batch --export berth-tests >"$KEYRING"
        P=$MIRROR/p mirror_package "$MIRROR/www" usr-is-merged "Priority: required"
        mirror_index "$MIRROR/www"
}

# Tests make machines dozens of times: decompressing the same each time is not what they are about.
mirror_uncompressed() { # FROM TO
        local dir=$MIRROR/members
        mkdir "$dir"
        (cd "$dir" && ar x "$1" && unxz -q data.tar.xz control.tar.xz && ar rc "$2" debian-binary control.tar data.tar)
        rm -r "$dir"
}

mirror_teardown_file() {
        [ -n "${MIRROR-}" ] || return 0
        gpgconf --kill all
        rm -rf "$MIRROR"
}

mirror_key() { gpg -q --batch --passphrase '' --quick-generate-key "$1" ed25519 sign never; }

mirror_copy() { mkdir -p "$1" && cp -al "$MIRROR/www/pool" "$1" && cp -a "$MIRROR/www/dists" "$1"; }

mirror_package() {
        local dir=$1 name=$2
        shift 2
        mkdir -p "$P/DEBIAN"
        printf '%s\n' "Package: $name" "Version: 1" "Architecture: all" "Maintainer: nobody <nobody@localhost>" "$@" "Description: test" \
                >"$P/DEBIAN/control"
        rm -f "$dir/pool/$name.deb"
        dpkg-deb --root-owner-group -Zgzip -b "$P" "$dir/pool/$name.deb" >/dev/null
        rm -rf "$P"
}

mirror_index() {
        local dir=$1 list=main/binary-$(dpkg --print-architecture)/Packages file
        shift
        mkdir -p "$dir/dists/tiny/${list%/*}"
        for file in "$dir"/pool/*.deb; do
                dpkg-deb -f "$file"
                printf 'Filename: pool/%s\nSize: %s\nSHA256: %s\n\n' "${file##*/}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
        done >"$dir/dists/tiny/$list"
        mirror_sign "$dir" "$list" "$@"
}

# With the key $SIGN_WITH, by default the one in $KEYRING.
mirror_sign() {
        local dir=$1/dists/tiny list=$2
        shift 2
        rm -f "$dir/Release" "$dir/InRelease"
        printf '%s\n' "Origin: berth" "Suite: tiny" "Codename: tiny" "Date: $(date -Ru)" "Architectures: all $(dpkg --print-architecture)" \
                "Components: main" "No-Support-for-Architecture-all: Packages" "$@" "SHA256:" \
                " $(sha256sum <"$dir/$list" | cut -d' ' -f1) $(stat -c %s "$dir/$list") $list" >"$dir/Release"
        gpg -q --batch -u "${SIGN_WITH:-berth-tests}" --clearsign -o "$dir/InRelease" "$dir/Release"
}

tiny() {
        local name=$1
        shift
        "$BERTH" create "$name" debian:tiny --variant=minbase --mirror="${URL:-file://$MIRROR/www}" --keyring="$KEYRING" "$@"
}
