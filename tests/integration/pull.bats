#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Pulls that meet a machine that is there, a file that they have, a connection that breaks, a proxy.

bats_require_minimum_version 1.5.0
load lib/berth
load lib/web

setup() { berth_setup; }
teardown() {
        [ -z "${web-}" ] || web_stop
        berth_teardown
}

tree_of() { if [ -d "$BERTH_MACHINES/$1.mstack" ]; then echo "$BERTH_MACHINES/$1.mstack/layer@0"; else echo "$BERTH_MACHINES/$1"; fi; }
requests() { grep -c "tiny.tar.xz $1" "$T/log" || :; } # "START|- STATUS"

@test "--force replaces what is in a machine, whose snapshots stay; not of one that runs" {
        publish
        web_start
        echo one >"$T/root/etc/state"
        berth import-fs "$T/root" tiny
        berth snapshot tiny first
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *"machine 'tiny' already exists"*"--force"* ]]
        [ "$(requests '')" -eq 0 ]
        berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg" --force
        cmp "$T/root/var/random" "$(tree_of tiny)/var/random"
        [ ! -e "$(tree_of tiny)/etc/state" ]
        ! grep -rq deadbeef "$(tree_of tiny)/etc/machine-id" # it has an identity of its own all the same
        berth rollback tiny first
        berth run tiny /bin/cat /etc/state </dev/null | grep -qx one
        berth start tiny
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg" --force
        [[ $status -eq 1 && $output == *"machine 'tiny' is running"* ]]
        berth poweroff tiny
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg" --force --driver=directory
        [[ $status -eq 1 && $output == *"machine 'tiny' is stored by the"* ]]
        berth pull-tar "$url/tiny.tar.xz" new --keyring="$T/keyring.gpg" --force --keep-download=no
        cmp "$T/root/var/random" "$(tree_of new)/var/random"
        ! berth list-images -a | grep -q '/images/tar-'
        [ -z "$(find "$BERTH_CACHE/pull" -name 'archive*')" ]
        berth_no_debris
}

@test "what has not changed on the server is not fetched again, by its ETag" {
        publish
        web_start etag
        berth pull-tar "$url/tiny.tar.xz" --verify=no
        [ "$(requests '- 200')" -eq 1 ]
        berth pull-tar "$url/tiny.tar.xz" two --verify=no
        [ "$(requests '- 200')" -eq 1 ] && [ "$(requests '- 304')" -eq 1 ]
        # Another version with the same time: only an ETag tells.
        local before
        before=$(stat -c %y "$T/www/tiny.tar.xz")
        echo changed >"$T/root/etc/state"
        tar -C "$T/root" -cJf "$T/www/tiny.tar.xz" .
        touch -d "$before" "$T/www/tiny.tar.xz"
        berth pull-tar "$url/tiny.tar.xz" three --verify=no
        [ "$(requests '- 200')" -eq 2 ]
        berth run three /bin/cat /etc/state </dev/null | grep -qx changed
}

@test "without an ETag it is asked for by its time" {
        publish
        web_start
        berth pull-tar "$url/tiny.tar.xz" --verify=no
        berth pull-tar "$url/tiny.tar.xz" two --verify=no
        [ "$(requests '- 200')" -eq 1 ] && [ "$(requests '- 304')" -eq 1 ]
}

# A pull that nothing vouches for, whose connection breaks off in the middle of the file: broken BEHAVIOUR…
broken() {
        publish
        web_start cut=500000 "$@"
        berth pull-tar "$url/tiny.tar.xz" --verify=no
        cmp "$T/root/var/random" "$(tree_of tiny)/var/random"
}

@test "a connection that breaks is taken up where it broke, when the server says that it is still the same file" {
        broken etag
        [ "$(requests '- 200')" -eq 1 ] && [ "$(requests '500000 206')" -eq 1 ]
}

@test "without names for versions the whole is fetched once more" {
        broken
        [ "$(requests '- 200')" -eq 2 ] && [ "$(requests '.* 206')" -eq 0 ]
}

# What an earlier pull left: the first 100000 bytes of an older version.
old_beginning() {
        publish
        web_start "$@"
        run berth pull-tar "$url/tiny.tar.xz" --verify=no --limit=1K
        [ "$status" -eq 1 ]
        dir=$(dirname "$(find "$BERTH_CACHE/pull" -name archive)")
        [ -n "$(getfattr -n user.berth.etag "$dir/archive" 2>/dev/null)" ]
        truncate -s 100000 "$dir/archive" && mv "$dir/archive" "$dir/archive.part"
        : >"$T/log"
}

@test "a pull of a file that nothing vouches for is resumed by the next one" {
        old_beginning etag
        berth pull-tar "$url/tiny.tar.xz" --verify=no
        [ "$(requests '100000 206')" -eq 1 ] && [ "$(requests '- 200')" -eq 0 ]
        cmp "$T/root/var/random" "$(tree_of tiny)/var/random"
}

@test "the rest of another version is not joined to the beginning of this one" {
        local server
        for server in etag etag-deaf; do
                old_beginning $server
                head -c 2M /dev/urandom >"$T/root/var/random"
                tar -C "$T/root" -cJf "$T/www/tiny.tar.xz" .
                berth pull-tar "$url/tiny.tar.xz" "$server" --verify=no
                cmp "$T/root/var/random" "$(tree_of "$server")/var/random"
                [ "$(requests '.* 200')" -eq 1 ]
                web_stop
                rm -rf "$BERTH_CACHE/pull"
        done
        web=
}

@test "a proxy is used, and not for hosts of no_proxy" {
        publish
        web_start
        export http_proxy=$url
        berth pull-tar http://berth.invalid/tiny.tar.xz --keyring="$T/keyring.gpg"
        grep -q '^http://berth.invalid/tiny.tar.xz - 200' "$T/log"
        grep -q '^http://berth.invalid/SHA256SUMS.gpg - 200' "$T/log"
        cmp "$T/root/var/random" "$(tree_of tiny)/var/random"
        : >"$T/log"
        export http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.1
        berth pull-tar "$url/tiny.tar.xz" two --keyring="$T/keyring.gpg"
        grep -q '^/SHA256SUMS - 200' "$T/log"
}
