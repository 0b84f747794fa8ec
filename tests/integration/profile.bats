#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# berth profile: the profiles of Gentoo machines, by repositories in their trees and in their shares.

load lib/berth

setup() {
        berth_setup
        repository "$T/share/repos/gentoo" gentoo
        busybox_root "$T/tree" busybox
        mkdir -p "$T/tree/etc/portage/repos.conf" "$T/tree/srv"
        repository "$T/tree/srv/local" local 'profile-formats = portage-2'
        printf '[local]\nlocation = /srv/local\n' >"$T/tree/etc/portage/repos.conf/local.conf"
        echo gentoo:default/base >"$T/tree/srv/local/profiles/default/desktop/parent"
        ln -s ../../var/db/repos/gentoo/profiles/default/base "$T/tree/etc/portage/make.profile"
        tar -C "$T/tree" -cf "$T/stage3.tar" .
        berth create g "$T/stage3.tar" --share-from="$T/share"
}
teardown() { berth_teardown; }

repository() { # DIRECTORY NAME [line of layout.conf]
        mkdir -p "$1/metadata" "$1/profiles/default/base" "$1/profiles/default/desktop"
        echo "$2" >"$1/profiles/repo_name"
        printf 'masters =\n%s\n' "${3-}" >"$1/metadata/layout.conf"
        echo 'ARCH="test"' >"$1/profiles/default/base/make.defaults"
        echo ../base >"$1/profiles/default/desktop/parent"
        printf '# comment\ntest default/base stable\ntest default/desktop dev\nother default/other stable\n' >"$1/profiles/profiles.desc"
}

link() { berth chroot --read-only g readlink /etc/portage/make.profile 2>/dev/null; }

@test "list and show: of the tree and of the shares, for the profile's architecture" {
        [ "$(berth profile g show)" = gentoo:default/base ]
        run berth profile g list --no-legend
        [ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 4 ]
        [[ $output == *"local:default/desktop "*dev*no* ]]
        [[ $output == *"gentoo:default/base "*stable*yes* ]]
        [ "$(berth profile g)" = "$(berth profile g list)" ]
        [ "$(berth profile g -j | python3 -c 'import json, sys; print([p["profile"] for p in json.load(sys.stdin) if p["current"]])')" = "['gentoo:default/base']" ]
}

@test "set: a relative link, read with its parents before, in a machine that is stopped and in one that runs" {
        berth profile g set local:default/desktop
        [ "$(link)" = ../../srv/local/profiles/default/desktop ]
        [ "$(berth profile g show)" = local:default/desktop ]
        berth start g
        berth profile g set gentoo:default/desktop
        [ "$(berth shell g readlink /etc/portage/make.profile)" = ../../var/db/repos/gentoo/profiles/default/desktop ]
        [ "$(berth shell g cat /etc/portage/make.profile/parent)" = ../base ]
        [ "$(berth shell g -- stat -c %u /etc/portage/make.profile)" = 0 ]
        [ "$(berth profile g show)" = gentoo:default/desktop ]
        berth terminate g
        [ "$(berth profile g show)" = gentoo:default/desktop ]
}

@test "what is refused leaves the link as it was" {
        before=$(link)
        run berth profile g set default/nowhere
        [ "$status" -eq 1 ] && [[ $output == *"default/nowhere"*"did you mean"* ]]
        echo ../gone >"$T/share/repos/gentoo/profiles/default/desktop/parent"
        run berth profile g set gentoo:default/desktop
        [ "$status" -eq 1 ] && [[ $output == *"../gone"* ]]
        [ "$(link)" = "$before" ]
        run berth profile g show more
        [ "$status" -eq 1 ] && [[ $output == *"set PROFILE"* ]]
        busybox_machine plain
        run berth profile plain
        [ "$status" -eq 1 ] && [[ $output == *"'plain' is no Gentoo"* ]]
        run berth profile nobody
        [ "$status" -eq 1 ] && [[ $output == *nobody* ]]
}

@test "a link that leads nowhere, a machine without one, a plain directory; no link leads out of the tree" {
        mv "$T/share/repos/gentoo" "$T/away"
        run berth profile g show
        [ "$status" -eq 0 ] && [[ $output == *"that is there"*"/var/db/repos/gentoo/profiles/default/base"* ]]
        mkdir -p "$BERTH_MACHINES"
        cp -a "$T/tree" "$BERTH_MACHINES/d"
        rm "$BERTH_MACHINES/d/etc/portage/make.profile"
        run berth profile d show
        [ "$status" -eq 1 ] && [[ $output == *"has no profile"*"berth profile d set"* ]]
        mkdir -p "$BERTH_MACHINES/d/var/db/repos"
        ln -s "$T/away" "$BERTH_MACHINES/d/var/db/repos/gentoo" # a link inside means a path inside
        run berth profile d set gentoo:default/base
        [ "$status" -eq 1 ] && [[ $output == *"gentoo:default/base"* ]]
        berth profile d set local:default/base
        [ "$(readlink "$BERTH_MACHINES/d/etc/portage/make.profile")" = ../../srv/local/profiles/default/base ]
}
