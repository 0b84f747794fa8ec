#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What berth builds is what mmdebstrap builds from the same index: the same packages and versions, and the same tree but for what
# lib/tree-compare lists with its reason; and dpkg and apt find nothing to complain about in it. Fetches some 200 MB, see lib/suite-mirror.bash.

bats_require_minimum_version 1.5.0
load lib/berth
load lib/suite-mirror

# As src/distro says what makes a root boot.
boot=systemd,systemd-sysv,dbus,libpam-systemd,login,iproute2,util-linux

setup_file() {
        [ "$(id -u)" = 0 ] || skip "machines need root"
        command -v mmdebstrap >/dev/null || skip "there is no mmdebstrap to compare with"
        [ -n "$(upstream_mirror)" ] || skip "no Debian mirror in apt's sources; give one in BERTH_TEST_MIRROR"
        export PLACE
        PLACE=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-compare.XXXXXX")
        chmod 755 "$PLACE"
        mkdir "$PLACE/mirror"
}

teardown_file() { [ -z "${PLACE-}" ] || rm -rf "$PLACE"; }

setup() {
        berth_setup
        chmod 755 "$T" # else apt, as mmdebstrap runs it, cannot become _apt, and leaves a directory with another owner
        export BERTH_CACHE=$PLACE/cache
}
teardown() { berth_teardown; }

# compare SUITE VARIANT [PACKAGE,…]
compare() {
        local suite=$1 options=(--variant="$2") more=() root
        [ "$2" != boot ] || options=(--variant=minbase --include="$boot")
        [ -z "${3-}" ] || { more=(--include="$3"); options+=("${more[@]}"); }
        [ -e "$PLACE/mirror/dists/$suite" ] || suite_index "$PLACE/mirror" "$suite"
        suite_packages "$PLACE/mirror" "$suite" "${options[@]}"

        mmdebstrap --mode=root --aptopt='Acquire::Check-Valid-Until "false"' --keyring="$suite_keyring" "${options[@]}" "$suite" "$T/expected" \
                "deb copy://$PLACE/mirror $suite main" >"$T/mmdebstrap.log" 2>&1 || { tail -20 "$T/mmdebstrap.log"; return 1; }
        berth create web "debian:$suite" --variant="$2" --mirror="file://$PLACE/mirror" --keyring="$suite_keyring" --driver=directory --allow-expired "${more[@]}"
        root=$BERTH_MACHINES/web

        packages "$T/expected" >"$T/expected.list"
        packages "$root" >"$T/actual.list"
        diff -u "$T/expected.list" "$T/actual.list"
        [ -s "$T/actual.list" ]
        "$BATS_TEST_DIRNAME/lib/tree-compare" "$T/expected" "$root"
        rm -rf "$T/expected"

        run -0 berth run -q -D "$root" -- dpkg --audit
        [ -z "$output" ]
        run -0 berth run -q -D "$root" -- dpkg --verify
        [ -z "$output" ]
        berth run -q -D "$root" -- apt-get check
}

packages() { dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Package} ${Version} ${Architecture} ${db:Status-Abbrev}\n' | sort; }

@test "bookworm minbase" { compare bookworm minbase; }
@test "bookworm boot" { compare bookworm boot; }
# Its preinst diverts files of systemd-sysv, and its own take their place.
@test "bookworm boot with molly-guard, which diverts" {
        compare bookworm boot molly-guard
        [ "$(readlink "$BERTH_MACHINES/web/lib/molly-guard/halt")" = /bin/systemctl ]
        grep -qx 'molly-guard' "$BERTH_MACHINES/web/var/lib/dpkg/diversions"
}
@test "trixie minbase" { compare trixie minbase; }
@test "trixie boot" { compare trixie boot; }
@test "trixie standard" { compare trixie standard; }
@test "sid minbase" { compare sid minbase; }
@test "sid boot" { compare sid boot; }
