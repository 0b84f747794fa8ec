#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What Gentoo machines share, bound in by the settings files that create writes.

load lib/berth

setup() {
        berth_setup
        busybox_root "$T/tree" busybox
        mkdir -p "$T/tree/etc/portage" "$T/share/repos/gentoo/profiles" "$T/share/repos/mine/profiles" "$T/share/distfiles" "$T/share/binpkgs"
        echo gentoo >"$T/share/repos/gentoo/profiles/repo_name"
        tar -C "$T/tree" -cf "$T/stage3.tar" .
        tar -C "$T/tree" --exclude=./etc/portage -cf "$T/other.tar" .
}
teardown() { berth_teardown; }

create() { berth create "$1" "${2-$T/stage3.tar}" "${@:3}"; }

@test "repositories are read-only, distfiles and binpkgs writable, by two machines at once" {
        create a "$T/stage3.tar" --share-from="$T/share"
        create b "$T/stage3.tar" --share-from="$T/share"
        grep -qx "BindReadOnly=$T/share/repos/mine:/var/db/repos/mine:idmap" "$T/settings/b.nspawn"
        berth start a b
        [ "$(berth shell a cat /var/db/repos/gentoo/profiles/repo_name)" = gentoo ]
        run berth shell a touch /var/db/repos/gentoo/x
        [ "$status" -ne 0 ] && [[ $output == *"ead-only"* ]]
        berth shell a -- sh -c 'echo source >/var/cache/distfiles/s && chown 250:250 /var/cache/distfiles/s'
        [ "$(berth shell b -- stat -c %u /var/cache/distfiles/s)" = 250 ] # each has user IDs of its own, the files have one owner
        berth shell b -- sh -c 'echo more >>/var/cache/distfiles/s; echo pkg >/var/cache/binpkgs/p'
        [ "$(cat "$T/share/distfiles/s")" = $'source\nmore' ]
        [ "$(stat -c %u "$T/share/distfiles/s" "$T/share/binpkgs/p")" = $'250\n0' ]
        berth terminate a b
        (unset BERTH_SETTINGS && berth create c "$T/stage3.tar" --share-from="$T/share") # a state elsewhere has its settings there
        [ -e "$BERTH_STATE/nspawn/c.nspawn" ]
        berth remove a
        [ ! -e "$T/settings/a.nspawn" ] && [ -e "$T/share/distfiles/s" ] # the machine's file goes, the shares stay
}

@test "without a Gentoo host they are berth's own; some of them, none of them; clones and new names have them, too" {
        [ ! -d /var/db/repos ] || skip "this host has repositories of its own"
        create a "$T/stage3.tar" --share=distfiles
        [ "$(grep -c ^Bind "$T/settings/a.nspawn")" = 1 ]
        grep -qx "Bind=$BERTH_STATE/shares/gentoo/distfiles:/var/cache/distfiles:idmap" "$T/settings/a.nspawn"
        create b "$T/stage3.tar" --no-share
        [ ! -e "$T/settings/b.nspawn" ]
        berth clone a c
        grep -q distfiles "$T/settings/c.nspawn"
        berth rename c d
        grep -q distfiles "$T/settings/d.nspawn" && [ ! -e "$T/settings/c.nspawn" ]
        berth remove d
        mine='[Exec]'
        echo "$mine" >"$T/settings/d.nspawn" # a person's own settings are theirs
        run create d
        [ "$status" -eq 0 ] && [[ $output == *"nothing is shared"*"d.nspawn"* ]]
        berth remove d
        [ "$(cat "$T/settings/d.nspawn")" = "$mine" ]
}

@test "no Gentoo, no shares; what is refused" {
        create a "$T/other.tar"
        [ ! -e "$T/settings/a.nspawn" ]
        run create b "$T/other.tar" --share
        [ "$status" -eq 1 ] && [[ $output == *"'b' is no Gentoo"* ]]
        [ ! -e "$BERTH_MACHINES/b.mstack" ] && [ ! -e "$BERTH_MACHINES/b" ]
        run create b "$T/stage3.tar" --share=repos,ebuilds
        [ "$status" -eq 1 ] && [[ $output == *"'ebuilds'"*"repos, distfiles, binpkgs"* ]]
        run create b "$T/stage3.tar" --share-from="$T/nowhere"
        [ "$status" -eq 1 ] && [[ $output == *"$T/nowhere"* ]]
        run create b "$T/stage3.tar" --share --no-share
        [ "$status" -eq 1 ] && [[ $output == *"--no-share"* ]]
}

@test "a repository of the command line is one of them" {
        mkdir -p "$T/overlay/profiles"
        echo local >"$T/overlay/profiles/repo_name"
        create a "$T/stage3.tar" --repo="local=$T/overlay" --share=repos --share-from="$T/share"
        grep -qx "BindReadOnly=$T/overlay:/var/db/repos/local:idmap" "$T/settings/a.nspawn"
        [ "$(berth run -q -M a cat /var/db/repos/local/profiles/repo_name)" = local ]
}
