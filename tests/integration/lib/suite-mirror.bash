# SPDX-License-Identifier: LGPL-2.1-or-later
# A part of a real Debian mirror on disk: the signed index of a suite as it is, and the packages that mmdebstrap takes from it. apt fetches all of it, from
# the mirror in $BERTH_TEST_MIRROR or that of this host's apt sources. So both sides of a comparison have the very same index, and the network is
# asked for each package once.

upstream_mirror() {
        [ -z "${BERTH_TEST_MIRROR-}" ] || { echo "$BERTH_TEST_MIRROR"; return; }
        cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | awk '
                /^URIs:.*\/debian\/?$/ { print $2; exit }
                /^deb .*\/debian\/? / { for (i = 2; i <= NF; i++) if ($i ~ /^http/) { print $i; exit } }'
}

# Where the keys of the suite are.
suite_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# suite_index MIRROR-DIRECTORY SUITE: fetches and lays out the index; an apt configuration for downloads stays in MIRROR.apt/SUITE.
suite_index() {
        local mirror=$1 suite=$2 apt=$1.apt/$2 arch file dist=$1/dists/$2
        arch=$(dpkg --print-architecture)
        mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$dist/main/binary-$arch/by-hash/SHA256"
        : >"$apt/status"
        echo "deb [signed-by=$suite_keyring] $(upstream_mirror) $suite main" >"$apt/sources.list"
        cat >"$apt/apt.conf" <<END
                Dir::State "$apt"; Dir::State::lists "$apt/lists"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
                Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "/dev/null";
                APT::Architecture "$arch"; APT::Architectures "$arch"; APT::Sandbox::User "root";
                Acquire::Languages "none"; Acquire::PDiffs "false"; Acquire::Check-Valid-Until "false"; Acquire::GzipIndexes "true";
                Acquire::CompressionTypes::Order { "xz"; }; Acquire::IndexTargets::deb::Packages::KeepCompressedAs "xz";
END
        APT_CONFIG=$apt/apt.conf apt-get -qq update || return 1
        cp "$apt"/lists/*_InRelease "$dist/InRelease"
        for file in "$apt"/lists/*_Packages.xz; do
                cp "$file" "$dist/main/binary-$arch/Packages.xz"
                ln "$dist/main/binary-$arch/Packages.xz" "$dist/main/binary-$arch/by-hash/SHA256/$(sha256sum <"$file" | cut -d' ' -f1)"
        done
        chmod -R a+rX "$mirror"
}

# suite_packages MIRROR-DIRECTORY SUITE MMDEBSTRAP-OPTIONS…: downloads into the pool what mmdebstrap would install.
suite_packages() {
        local mirror=$1 suite=$2 apt=$1.apt/$2 name path missing
        shift 2
        mmdebstrap --verbose --simulate --aptopt='Acquire::Check-Valid-Until "false"' --keyring="$suite_keyring" "$@" "$suite" "$apt/none.tar" \
                "deb copy://$mirror $suite main" >"$apt/simulate" 2>&1 || { tail -5 "$apt/simulate"; return 1; }
        # The files' places, by package and version, from the index.
        xzcat "$mirror/dists/$suite/main"/binary-*/Packages.xz |
                awk '/^Package: / { p = $2 } /^Version: / { v = $2 } /^Filename: / { print p "=" v, $2 }' | sort >"$apt/places"
        sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p' "$apt/simulate" | sort -u | join - "$apt/places" >"$apt/wanted"
        missing=$(while read -r name path; do [ -e "$mirror/$path" ] || echo "$name"; done <"$apt/wanted")
        [ -n "$missing" ] || return 0
        mkdir -p "$apt/debs"
        # shellcheck disable=SC2086
        (cd "$apt/debs" && APT_CONFIG=$apt/apt.conf apt-get -qq download $missing) || return 1
        while read -r name path; do
                [ ! -e "$mirror/$path" ] || continue
                mkdir -p "$mirror/$(dirname "$path")"
                # apt's file name has the epoch that the pool's has not.
                mv "$apt/debs/${name%%=*}_$(echo "${name#*=}" | sed 's/:/%3a/g')"_*.deb "$mirror/$path" || return 1
        done <"$apt/wanted"
        chmod -R a+rX "$mirror"
}
