# SPDX-License-Identifier: LGPL-2.1-or-later
# A binary package host of small packages, in the formats that Gentoo's have, and a repository with a profile. Use, after `load lib/berth`:
#
#   setup_file() { gentoo_setup_file; }       $GENTOO/www: baselayout, a static bash and busybox; $GENTOO/repo; $KEYRING, $OTHER_KEYRING
#   gentoo_copy DIR                           the same host to add to
#   gentoo_new                                an empty package: fill $P/image and $P/phases (what its environment has), then
#   gentoo_package DIR CAT/PF [KEY=VALUE…]    FORMAT=xpak|gpkg SIGN=HOME BREAK=… as lib/binpkg has them
#   gentoo_index DIR [KEY=VALUE…]             Packages anew; SIGN=HOME signs it
#   gentoo_create NAME DIR|URL [OPTION…]      berth create NAME gentoo, by digests unless said otherwise
#   gentoo_tree NAME                          where its files are
#   gentoo_teardown_file

gentoo_new() {
        P=$(mktemp -d "$GENTOO/p.XXXXXX")
        mkdir -p "$P/image" "$P/meta"
        chmod 755 "$P/image"
        : >"$P/phases"
}

gentoo_file() { # PATH TEXT [MODE]
        mkdir -p "$(dirname "$P/image$1")"
        printf '%s\n' "$2" >"$P/image$1"
        chmod "${3:-644}" "$P/image$1"
        touch -d @1688322603 "$P/image$1"
}

gentoo_package() {
        local dir=$1 cpv=$2 pair phases format=xpak sign= broken= suffix
        local -a extra=()
        shift 2
        local -A meta=([CATEGORY]=${cpv%/*} [PF]=${cpv#*/} [EAPI]=8 [SLOT]=0 [KEYWORDS]='amd64 ~arm64' [USE]='amd64 elibc_glibc' [IUSE]=
                [BUILD_TIME]=1688322603 [BUILD_ID]=1 [CHOST]=x86_64-pc-linux-gnu [repository]=gentoo [DESCRIPTION]='A test')
        phases=$(sed -n 's/^pkg_\([a-z]*\) *().*/\1/p' "$P/phases" | sort | tr '\n' ' ')
        meta[DEFINED_PHASES]=${phases:+${phases% }}
        [ -n "$phases" ] || meta[DEFINED_PHASES]=-
        for pair; do
                case $pair in
                FORMAT=*) format=${pair#*=} ;;
                SIGN=*) sign=${pair#*=}; extra+=(--sign "$sign") ;;
                BREAK=*) extra+=(--break "${pair#*=}") ;;
                *) meta[${pair%%=*}]=${pair#*=} ;;
                esac
        done
        for pair in "${!meta[@]}"; do
                [ -z "${meta[$pair]}" ] || printf '%s\n' "${meta[$pair]}" >"$P/meta/$pair"
        done
        printf %s "${meta[BUILD_ID]}" >"$P/meta/BUILD_ID"
        # as `declare -p` prints it on a host that builds
        {
                printf 'declare -x %s="%s"\n' CATEGORY "${meta[CATEGORY]}" PF "${meta[PF]}" EAPI "${meta[EAPI]}" SLOT "${meta[SLOT]}" \
                        USE "${meta[USE]}" IUSE "${meta[IUSE]}" ROOT /build/host T /build/temp PORTAGE_BUILDDIR /build HOME /home/builder \
                        LC_ALL de_DE.UTF-8 ABI amd64 LIBDIR_amd64 lib64
                printf 'declare -- BASH_COMPAT="4.2"\n'
                cat "$P/phases"
        } | bzip2 >"$P/meta/environment.bz2"
        suffix=xpak
        [ "$format" = xpak ] || suffix=gpkg.tar
        mkdir -p "$dir/$cpv"
        "$BATS_TEST_DIRNAME/lib/binpkg" "$format" "$P/image" "$P/meta" "$dir/$cpv/${cpv#*/}-${meta[BUILD_ID]}.$suffix" "${extra[@]}"
}

gentoo_index() {
        local dir=$1 sign=
        shift
        case ${1-} in SIGN=*) sign=${1#*=}; shift ;; esac
        "$BATS_TEST_DIRNAME/lib/binpkg" index "$dir" "$@"
        rm -f "$dir/Packages.asc"
        [ -z "$sign" ] || gpg -q --homedir "$sign" --batch --armor --detach-sign -o "$dir/Packages.asc" "$dir/Packages"
}

gentoo_copy() { mkdir -p "$1" && cp -al "$GENTOO/www/." "$1"; rm -f "$1/Packages"; cp "$GENTOO/www/Packages" "$1"; }

gentoo_create() {
        local name=$1 host=$2
        shift 2
        [[ $host = *://* ]] || host=file://$host
        case "$*" in *--verify=*) ;; *) set -- --verify=checksum "$@" ;; esac
        berth create "$name" gentoo --binhost="$host" "$@"
}

# The first image's tree: what machines are clones of.
gentoo_tree() {
        local tree
        for tree in "$BERTH_MACHINES/$1" "$BERTH_MACHINES/$1".mstack/layer@*/; do
                [ -d "$tree/var/db" ] && readlink -f "$tree" && return
        done
        return 1
}

# As qcheck(1) does: everything in CONTENTS is there, as it says.
gentoo_check() { # TREE
        local tree=$1 contents line path rest bad=0
        for contents in "$tree"/var/db/pkg/*/*/CONTENTS; do
                while IFS= read -r line; do
                        rest=${line#* }
                        case $line in
                        'obj '*)
                                path=${rest% * *} rest=${rest#"$path "}
                                [ "$(chroot_md5 "$tree" "$path") $(stat -L -c %Y "$tree/$(chroot_path "$tree" "$path")")" = "$rest" ] ||
                                        { echo "$contents: $line"; bad=1; } ;;
                        'sym '*)
                                path=${rest%% -> *} rest=${rest#* -> }
                                [ "$(readlink "$tree$path")" = "${rest% *}" ] || { echo "$contents: $line"; bad=1; } ;;
                        'dir '*) [ -d "$tree/$(chroot_path "$tree" "$rest")" ] || { echo "$contents: $line"; bad=1; } ;;
                        *) echo "$contents: unknown: $line"; bad=1 ;;
                        esac
                done <"$contents"
        done
        return $bad
}
# Links in the trees of the tests lead only one step, and are relative.
chroot_path() { (cd "$1" && realpath -m --relative-to=. ".$2"); }
chroot_md5() { md5sum <"$1/$(chroot_path "$1" "$2")" | cut -d' ' -f1; }

gentoo_key() { # HOME NAME
        mkdir -m 700 "$1"
        gpg -q --homedir "$1" --batch --passphrase '' --quick-generate-key "$2" ed25519 sign never 2>/dev/null
        gpg -q --homedir "$1" --export >"$1.gpg"
}

gentoo_base() { # DIR: what a shell and phases need
        local applet
        gentoo_new
        gentoo_file /usr/lib/os-release 'NAME=Gentoo
ID=gentoo
PRETTY_NAME="Gentoo Linux"'
        gentoo_file /etc/env.d/50baselayout 'PATH="/usr/local/bin:/usr/bin:/opt/bin"
LDPATH="/usr/local/lib64:/usr/lib64"
CONFIG_PROTECT_MASK="/etc/gentoo-release"'
        gentoo_file /usr/share/baselayout/passwd 'root:x:0:0:root:/root:/bin/bash'
        gentoo_file /usr/share/baselayout/group 'root:x:0:root
users:x:100:'
        gentoo_file /usr/share/baselayout/Makefile 'layout:'
        cat >"$P/phases" <<'EOF'
pkg_preinst () 
{ 
    if use build; then
        emake -C "${ED}/usr/share/${PN}" DESTDIR="${EROOT}" layout-usrmerge;
    fi;
    rm -f "${ED}"/usr/share/${PN}/Makefile || die;
    dosym ../run/lock /var/lock;
    dosym ../run /var/run
}
pkg_postinst () 
{ 
    local x;
    for x in passwd group;
    do
        [ -e "${EROOT}/etc/${x}" ] && continue;
        cp -p "${EROOT}/usr/share/baselayout/${x}" "${EROOT}"/etc || die;
    done
}
EOF
        gentoo_package "$1" sys-apps/baselayout-2.13-r1 'USE=build amd64' 'IUSE=build +split-usr'
        gentoo_new
        mkdir -p "$P/image/bin"
        cp /bin/bash-static "$P/image/bin/bash"
        gentoo_package "$1" app-shells/bash-5.2 FORMAT=gpkg
        gentoo_new
        mkdir -p "$P/image/bin"
        cp "$(command -v busybox)" "$P/image/bin/busybox"
        for applet in $(busybox --list); do
                case $applet in busybox | bash | ash | useradd | groupadd | adduser | getent) ;; *) ln -s busybox "$P/image/bin/$applet" ;; esac
        done
        rm -f "$P/image/bin/init"
        gentoo_package "$1" sys-apps/busybox-1.35 RDEPEND=app-shells/bash
}

# "*" is @system; the profile has a parent in the way that Gentoo's have.
gentoo_repo() { # DIR
        mkdir -p "$1"/{metadata,profiles/base,profiles/default/linux/amd64/test}
        echo gentoo >"$1/profiles/repo_name"
        printf 'masters =\nprofile-formats = portage-2\n' >"$1/metadata/layout.conf"
        printf 'amd64 default/linux/amd64/test stable\n' >"$1/profiles/profiles.desc"
        printf '*sys-apps/baselayout\n*app-shells/bash:0\n' >"$1/profiles/base/packages"
        cat >"$1/profiles/base/make.defaults" <<'EOF'
ARCH="amd64"
ACCEPT_KEYWORDS="amd64"
CHOST="x86_64-pc-linux-gnu"
IUSE_IMPLICIT="abi_x86_64"
USE_EXPAND="ELIBC"
USE_EXPAND_IMPLICIT="ARCH ELIBC"
USE_EXPAND_UNPREFIXED="ARCH"
USE_EXPAND_VALUES_ARCH="amd64 arm64"
USE_EXPAND_VALUES_ELIBC="glibc musl"
MULTILIB_ABIS="amd64 x86"
LIBDIR_amd64="lib64"
LIBDIR_x86="lib"
EOF
        echo '*sys-apps/busybox' >"$1/profiles/default/linux/amd64/test/packages"
        echo '../../../../base' >"$1/profiles/default/linux/amd64/test/parent"
        echo 8 >"$1/profiles/default/linux/amd64/test/eapi"
}

gentoo_setup_file() {
        [ "$(id -u)" = 0 ] && [ -x /bin/bash-static ] || return 0
        GENTOO=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-gentoo.XXXXXX")
        export GENTOO KEYRING=$GENTOO/key.gpg OTHER_KEYRING=$GENTOO/other.gpg
        unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
        gentoo_key "$GENTOO/key" releng
        gentoo_key "$GENTOO/other" mallory
        mkdir "$GENTOO/www"
        gentoo_base "$GENTOO/www"
        gentoo_index "$GENTOO/www"
        gentoo_repo "$GENTOO/repo"
        PROFILE=(--repo="$GENTOO/repo" --profile=default/linux/amd64/test)
}

gentoo_teardown_file() {
        [ -n "${GENTOO-}" ] || return 0
        GNUPGHOME=$GENTOO/key gpgconf --kill all
        GNUPGHOME=$GENTOO/other gpgconf --kill all
        rm -rf "$GENTOO"
}
