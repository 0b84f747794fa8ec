# SPDX-License-Identifier: LGPL-2.1-or-later
# An archive as Ubuntu lays it out, below a directory: three pockets of noble (release, updates, security) with four components each, lists in xz by hash,
# zstd packages, an InRelease signed by a key made here, with no Valid-Until. What it holds is the small Debian of lib/mirror.bash, with Ubuntu's
# name in base-files, so that a create ends with a configured system. Use after mirror_setup_file:
#
#   ubuntu_archive DIR                       makes DIR/dists and DIR/pool
#   ubuntu_package DIR COMPONENT NAME VERSION [FIELD: VALUE]…    a crafted package; its place goes to $UBUNTU_DEB
#   ubuntu_index DIR                         all lists and signatures anew, of what is in $DIR/packages/POCKET/COMPONENT (links to the pool)

ubuntu_pockets="noble noble-updates noble-security"
ubuntu_components="main restricted universe multiverse"

# Ubuntu compresses with zstd since 21.10.
ubuntu_repack() { # FROM TO
        local dir=$MIRROR/repack
        mkdir "$dir"
        (cd "$dir" && ar x "$1" && zstd -q -3 --rm data.tar control.tar && ar rc "$2" debian-binary control.tar.zst data.tar.zst)
        rm -r "$dir"
}

ubuntu_base_files() { # FROM TO
        local dir=$MIRROR/base-files
        dpkg-deb -R "$1" "$dir"
        printf '%s\n' 'PRETTY_NAME="Ubuntu 24.04 LTS"' 'NAME="Ubuntu"' 'VERSION_ID="24.04"' 'VERSION_CODENAME=noble' 'ID=ubuntu' 'ID_LIKE=debian' >"$dir/usr/lib/os-release"
        sed -i '/usr\/lib\/os-release$/d' "$dir/DEBIAN/md5sums"
        dpkg-deb -Zzstd -b "$dir" "$2" >/dev/null
        rm -r "$dir"
}

ubuntu_put() { # DIR POCKET COMPONENT FILE
        mkdir -p "$1/packages/$2/$3"
        ln "$1/$4" "$1/packages/$2/$3/${4##*/}"
}

ubuntu_package() {
        local dir=$1 component=$2 name=$3 version=$4 tree=$MIRROR/crafted
        shift 4
        mkdir -p "$tree/DEBIAN" "$tree/usr/share/$name" "$dir/pool/$component/${name:0:1}/$name"
        echo "$version" >"$tree/usr/share/$name/version"
        printf '%s\n' "Package: $name" "Version: $version" "Architecture: all" "Maintainer: nobody <nobody@localhost>" "$@" "Description: test" >"$tree/DEBIAN/control"
        UBUNTU_DEB=pool/$component/${name:0:1}/$name/${name}_${version}_all.deb
        dpkg-deb --root-owner-group -Zzstd -b "$tree" "$dir/$UBUNTU_DEB" >/dev/null
        rm -r "$tree"
}

ubuntu_archive() {
        local dir=$1 file name place
        for file in "$MIRROR"/www/pool/*.deb; do
                name=$(basename "$file" .deb)
                [ "$name" != usr-is-merged ] || continue # crafted, and compressed otherwise
                place=pool/main/${name:0:1}/$name
                mkdir -p "$dir/$place"
                if [ "$name" = base-files ]; then ubuntu_base_files "$file" "$dir/$place/$name.deb"; else ubuntu_repack "$file" "$dir/$place/$name.deb"; fi
                ubuntu_put "$dir" noble main "$place/$name.deb"
        done
        ubuntu_package "$dir" main usr-is-merged 37 "Priority: required"
        ubuntu_put "$dir" noble main "$UBUNTU_DEB"
        ubuntu_package "$dir" main hello-noble 1-0ubuntu1
        ubuntu_put "$dir" noble main "$UBUNTU_DEB"
        ubuntu_package "$dir" main hello-noble 1-0ubuntu1.1
        ubuntu_put "$dir" noble-updates main "$UBUNTU_DEB"
        ubuntu_package "$dir" main hello-noble 1-0ubuntu1.2
        ubuntu_put "$dir" noble-security main "$UBUNTU_DEB"
        ubuntu_package "$dir" universe pony 2-1 "Depends: hello-noble"
        ubuntu_put "$dir" noble universe "$UBUNTU_DEB"
        ubuntu_index "$dir"
}

# The stanzas of a component; no name of a list is on the mirror but those in by-hash.
ubuntu_list() { # DIR POCKET COMPONENT ARCH
        local dir=$1 binary=$1/dists/$2/$3/binary-$4 file
        mkdir -p "$binary/by-hash/SHA256"
        for file in "$dir/packages/$2/$3"/*.deb; do
                [ -e "$file" ] || continue
                dpkg-deb -f "$file"
                printf 'Origin: Ubuntu\nFilename: %s\nSize: %s\nSHA256: %s\n\n' "$(cd "$dir" && find pool -samefile "packages/$2/$3/${file##*/}")" \
                        "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d' ' -f1)"
        done >"$binary/Packages"
        xz -k "$binary/Packages"
        gzip -k "$binary/Packages"
}

ubuntu_index() {
        local dir=$1 arch pocket component list
        arch=$(dpkg --print-architecture)
        rm -rf "$dir/dists"
        for pocket in $ubuntu_pockets; do
                for component in $ubuntu_components; do ubuntu_list "$dir" "$pocket" "$component" "$arch"; done
                (
                        cd "$dir/dists/$pocket" || exit
                        printf '%s\n' "Origin: Ubuntu" "Label: Ubuntu" "Suite: $pocket" "Version: 24.04" "Codename: noble" "Date: $(date -Ru)" \
                                "Architectures: amd64 arm64 armhf i386 ppc64el riscv64 s390x" "Components: $ubuntu_components" "Description: Ubuntu Noble 24.04" \
                                "Acquire-By-Hash: yes" "MD5Sum:"
                        for list in */binary-*/Packages*; do echo " $(md5sum <"$list" | cut -d' ' -f1) $(stat -c %s "$list") $list"; done
                        echo "SHA256:"
                        for list in */binary-*/Packages*; do echo " $(sha256sum <"$list" | cut -d' ' -f1) $(stat -c %s "$list") $list"; done
                ) >"$dir/dists/Release.new"
                mv "$dir/dists/Release.new" "$dir/dists/$pocket/Release"
                gpg -q --batch -u berth-tests --clearsign -o "$dir/dists/$pocket/InRelease" "$dir/dists/$pocket/Release"
                for list in "$dir/dists/$pocket"/*/binary-*/Packages*; do mv "$list" "${list%/*}/by-hash/SHA256/$(sha256sum <"$list" | cut -d' ' -f1)"; done
        done
}
