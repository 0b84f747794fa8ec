#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Gentoo from source, in a seed: a machine, an archive or this host, whose emerge does what its command line says (lib/emerge).

bats_require_minimum_version 1.5.0
load lib/berth
load lib/gentoo

# A repository with the ebuilds' files beside its profile, and an archive of a system with bash, busybox and emerge.
setup_file() {
        gentoo_setup_file
        [ -n "${GENTOO-}" ] || return 0
        local applet repo=$GENTOO/repo seed=$GENTOO/seed
        mkdir -p "$repo"/sys-apps/{baselayout,busybox}/files/usr/bin "$repo"/app-shells/bash/files/usr/bin \
                "$repo"/test-cat/{tool,broken}/files/opt
        mkdir -p "$repo/sys-apps/baselayout/files/etc"
        echo from-source >"$repo/sys-apps/baselayout/files/etc/gentoo-release"
        cp /bin/bash-static "$repo/app-shells/bash/files/usr/bin/bash"
        cp "$(command -v busybox)" "$repo/sys-apps/busybox/files/usr/bin/busybox"
        ln -s busybox "$repo/sys-apps/busybox/files/usr/bin/cat"
        echo app-shells/bash >"$repo/sys-apps/busybox/depend"
        echo tool >"$repo/test-cat/tool/files/opt/tool"
        : >"$repo/test-cat/broken/broken"
        printf 'sys-apps/busybox\nsys-apps/baselayout\n' >"$repo/profiles/base/packages.build"
        echo 'BOOTSTRAP_USE="unicode xml"' >>"$repo/profiles/base/make.defaults"
        mkdir -p "$seed"/{etc/portage,usr/bin,proc,sys,dev,tmp,run,var/tmp,root}
        ln -s usr/bin "$seed/bin"
        ln -s usr/bin "$seed/sbin"
        cp /bin/bash-static "$seed/usr/bin/bash"
        ln -s bash "$seed/usr/bin/sh"
        cp "$(command -v busybox)" "$seed/usr/bin/busybox"
        for applet in cat cp chown mkdir rm tar touch env ls stat; do ln -s busybox "$seed/usr/bin/$applet"; done
        cp "$BATS_TEST_DIRNAME/lib/emerge" "$seed/usr/bin/emerge"
        echo 'ID=gentoo' >"$seed/etc/os-release"
        tar -C "$seed" -cf "$GENTOO/seed.tar" .
}
teardown_file() { gentoo_teardown_file; }
setup() {
        berth_setup
        [ -x /bin/bash-static ] || skip "bash-static is not installed"
        PROFILE=(--repo="$GENTOO/repo" --profile=default/linux/amd64/test)
}
teardown() { berth_teardown; }

@test "two passes in a throw-away clone of a machine: arguments, environment, mounts, owners; what was built is kept" {
        berth create seed "$GENTOO/seed.tar" --no-share
        berth create g gentoo:emerge --seed=seed "${PROFILE[@]}" --package=test-cat/tool --make-conf='FEATURES=nodoc' 2>"$T/err"
        cat "$T/err"
        grep -q "^Gentoo amd64, gentoo:default/linux/amd64/test, built in 'seed'$" "$T/err"
        tree=$(gentoo_tree g)
        common="--root=/target --sysroot=/target --config-root=/target --buildpkg --usepkg --binpkg-respect-use=y --color=n --nospinner"
        mounts="read-only /var/db/repos/gentoo
read-only /target/var/db/repos/gentoo
writable /var/cache/binpkgs
writable /var/cache/distfiles
writable /target"
        env="TMP=/target/var/tmp FEATURES=-pid-sandbox -mount-sandbox binpkg-multi-instance"
        diff - "$tree/var/log/emerge-test" <<EOF
emerge $common --oneshot --nodeps sys-apps/baselayout sys-apps/busybox
USE=-* build unicode xml $env
$mounts
source sys-apps/baselayout
source sys-apps/busybox
emerge $common --oneshot --update --deep --newuse @system @profile
USE= $env
$mounts
source sys-apps/baselayout
source app-shells/bash
source sys-apps/busybox
emerge $common --noreplace test-cat/tool
USE= $env
$mounts
source test-cat/tool
EOF
        # Portage's configuration is the target's
        [ "$(cat "$tree/etc/portage/make.conf")" = 'FEATURES="nodoc"' ]
        [ "$(readlink "$tree/etc/portage/make.profile")" = ../../var/db/repos/gentoo/profiles/default/linux/amd64/test ]
        [ "$(cat "$tree/var/lib/portage/world")" = test-cat/tool ]
        [ "$(stat -c '%u:%g' "$tree/opt/tool" "$tree/usr/bin/bash" "$BERTH_STATE/shares/gentoo/binpkgs/test-cat/tool.tar" | sort -u)" = 0:0 ]
        [ ! -e "$tree/var/tmp/portage" ]
        # the seed is as it was, and the new machine runs, with the same shares
        berth run seed -- /bin/bash -c '[ ! -e /changed-in-the-seed ] && [ ! -e /target ]'
        [ "$(berth run g -- /bin/bash -c 'cat /etc/gentoo-release; cat /opt/tool; [ -e /var/cache/binpkgs/test-cat/tool.tar ] && echo shared' | tr '\n' ' ')" = "from-source tool shared " ]
        # again: a clone; anew: by the binary packages
        berth create h gentoo:emerge --seed=seed "${PROFILE[@]}" --package=test-cat/tool --make-conf='FEATURES=nodoc' 2>"$T/err"
        run ! grep emerge "$T/err"
        [ "$(gentoo_tree h)" = "$tree" ]
        berth remove g h
        berth create h gentoo:emerge --seed=seed "${PROFILE[@]}" --package=test-cat/tool --make-conf='FEATURES=nodoc' --rebuild
        tree=$(gentoo_tree h)
        grep -q '^binary test-cat/tool$' "$tree/var/log/emerge-test"
        grep -q '^binary app-shells/bash$' "$tree/var/log/emerge-test"
        berth_nothing_left
        berth_no_debris
}

@test "the seed can be an archive, and a profile without packages.build begins with baselayout" {
        cp -a "$GENTOO/repo" "$T/repo"
        rm "$T/repo/profiles/base/packages.build"
        berth create g gentoo:emerge --seed="$GENTOO/seed.tar" --repo="$T/repo" --profile=default/linux/amd64/test --binhost=http://localhost:1/x \
                --no-share
        tree=$(gentoo_tree g)
        [ "$(grep -o -e '--usepkg --getbinpkg --binpkg.* --oneshot --nodeps.*' "$tree/var/log/emerge-test")" = "--usepkg --getbinpkg --binpkg-respect-use=y --color=n --nospinner --oneshot --nodeps sys-apps/baselayout" ]
        grep -q '^sync-uri = http://localhost:1/x$' "$tree/etc/portage/binrepos.conf/binhosts.conf"
        [ ! -e "$BERTH_STATE/shares/gentoo/binpkgs" ]
        [ "$(berth list-images --no-legend 2>/dev/null | wc -l)" -ge 1 ]
        berth_nothing_left
        berth_no_debris
}

@test "this host as the seed: its files stay as they are" {
        # a /usr/bin/emerge that only this test sees
        cp -a "$GENTOO/seed/usr/bin" "$T/bin"
        cp "$(command -v mount)" "$T/bin"
        printf '%s\n' 'mount --bind "$T/bin" /usr/bin || exit' '"$@"' >"$T/inside"
        T=$T unshare -m bash "$T/inside" "$BERTH" create g gentoo:emerge --seed=host "${PROFILE[@]}"
        tree=$(gentoo_tree g)
        grep -q '^source sys-apps/busybox$' "$tree/var/log/emerge-test"
        [ ! -e /changed-in-the-seed ] && [ ! -e /target ] && [ ! -e /usr/bin/emerge ]
        [ "$(berth run g -- /bin/cat /etc/gentoo-release)" = from-source ]
        berth_nothing_left
}

# fails MESSAGE NAME SOURCE [OPTION…]: the message, a pattern, is the only one
fails() {
        local message=$1 status=0
        shift
        berth create "$@" >"$T/out" 2>"$T/err" || status=$?
        cat "$T/err"
        [ "$status" = 1 ]
        [ "$(grep -c '^berth: ' "$T/err")" = 1 ]
        [[ $(grep '^berth: ' "$T/err") == "berth: "$message ]] || { echo "expected: $message"; return 1; }
        berth_nothing_left && berth_no_debris
}

@test "what goes wrong with a seed, and in it" {
        berth create seed "$GENTOO/seed.tar" --no-share
        mkdir -p "$T/bare/usr/bin" "$T/bare/etc"
        cp "$(command -v busybox)" "$T/bare/usr/bin/busybox"
        ln -s busybox "$T/bare/usr/bin/env"
        tar -C "$T/bare" -cf "$T/bare.tar" .
        fails "gentoo:emerge builds in a seed, *--seed=MACHINE*--seed=host" g gentoo:emerge "${PROFILE[@]}"
        fails "what shall the system be? *--profile=*" g gentoo:emerge --seed=seed
        fails "--seed=other: *'other' does not exist*" g gentoo:emerge --seed=other "${PROFILE[@]}"
        fails "--seed=gentoo:emerge: it would need a seed itself" g gentoo:emerge --seed=gentoo:emerge "${PROFILE[@]}"
        [ -e /usr/bin/emerge ] || fails "--seed=host: this host has no Portage (/usr/bin/emerge); *" g gentoo:emerge --seed=host "${PROFILE[@]}"
        fails "the seed '$T/bare.tar' has no emerge that runs: *" g gentoo:emerge --seed="$T/bare.tar" "${PROFILE[@]}"
        fails "no repository has a profile 'default/linux/x'; did you mean *" g gentoo:emerge --seed=seed --repo="$GENTOO/repo" --profile=default/linux/x
        fails "--seed is for gentoo:emerge: *" g gentoo --seed=seed --binhost="file://$GENTOO/www" "${PROFILE[@]}"
        fails "--seed is for gentoo:emerge: *" g "$GENTOO/seed.tar" --seed=seed
        fails "an archive is taken as it is: *" g "$GENTOO/seed.tar" --package=a/b
        fails "--variant is not for Gentoo: *" g gentoo:emerge --seed=seed "${PROFILE[@]}" --variant=boot
        fails "Gentoo has no 'emerge-x'; *" g gentoo:emerge-x --seed=seed "${PROFILE[@]}"
        fails "emerge ended with status 1 in 'seed', in what is asked for; *--keep*" g gentoo:emerge --seed=seed "${PROFILE[@]}" --package=test-cat/broken
        [ "$(grep -c 'line [0-9]* of the build' "$T/err")" = 19 ]
        grep -q 'ERROR: test-cat/broken failed' "$T/err"
        grep -q 'ERROR: test-cat/broken failed' "$BERTH_CACHE/emerge/g.log"
        [ -z "$(berth images --no-legend | grep -v '^seed ')" ]
        run ! berth create g gentoo:emerge --seed=seed "${PROFILE[@]}" --package=test-cat/broken --keep
        [ "$(berth run g-failed -- /bin/cat /etc/gentoo-release)" = from-source ]
}
