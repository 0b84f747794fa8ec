#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ubuntu's archives, from one on disk that is laid out as theirs: see lib/ubuntu-mirror.bash.

bats_require_minimum_version 1.5.0

load lib/berth
load lib/mirror
load lib/ubuntu-mirror

setup_file() {
        [ "$(id -u)" = 0 ] || skip "machines need root"
        mirror_setup_file
        ubuntu_archive "$MIRROR/ubuntu"
}
teardown_file() { mirror_teardown_file; }

setup() { berth_setup; }
teardown() { berth_teardown; }

noble() { # NAME [OPTION]…
        berth create "$1" ubuntu:noble --variant=minbase --keyring="$KEYRING" "${@:2}"
}

# With these lines as the host's only apt sources.
with_sources() { # TEXT COMMAND…
        local text=$1
        shift
        mkdir -p "$T/apt/sources.list.d"
        echo "$text" >"$T/apt/sources.list.d/ubuntu.sources"
        unshare -m --propagation private sh -c 'mount --bind "$1" /etc/apt && shift && exec "$@"' - "$T/apt" "$@"
}

@test "ubuntu:noble from a mirror: zstd packages, lists by hash, its own key" {
        run -0 noble u --mirror="file://$MIRROR/ubuntu"
        [[ $output == *"Ubuntu 24.04 (noble) "*", minbase, 27 packages"* ]]
        run -0 berth run u -- sh -c '. /etc/os-release; echo $ID $VERSION_ID; cat /etc/apt/sources.list; dpkg --verify; dpkg-query -W -f "\${db:Status-Abbrev}\n" | sort -u'
        [ "$output" = "ubuntu 24.04"$'\n'"deb file://$MIRROR/ubuntu noble main"$'\n'"ii " ]
        run -0 noble u2 --mirror="file://$MIRROR/ubuntu"
        [ -z "$output" ]
        berth_no_debris
}

@test "ubuntu over HTTP, and a component that is not there by default" {
        "$(dirname "$BERTH")/tests/unit/transfer/httpd" "$MIRROR" "$T/log" >"$T/port" 3>&- &
        web=$!
        while ! [ -s "$T/port" ]; do sleep 0.02; done
        url=http://127.0.0.1:$(cat "$T/port")/ubuntu
        run -1 noble u --mirror="$url" --include=pony
        [[ $output == *"package 'pony' does not exist in this suite and its components"* ]]
        run -0 noble u --mirror="$url" --components=main,universe --include=pony
        kill $web
        run -0 berth run u -- cat /usr/share/pony/version /usr/share/hello-noble/version /etc/apt/sources.list
        [ "$output" = "2-1"$'\n'"1-0ubuntu1"$'\n'"deb $url noble main universe" ]
        grep -q "dists/noble/universe/binary-.*/by-hash/SHA256/" "$T/log"
        ! grep -q "Packages" "$T/log"
}

@test "the host's sources: the archive of the architecture, with updates and security" {
        arch=$(dpkg --print-architecture)
        sources="Types: deb
URIs: file://$T/ports
Suites: noble noble-updates
Components: main
Architectures: pdp11
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Types: deb
URIs: file://$MIRROR/ubuntu
Suites: noble noble-updates noble-backports
Components: main restricted universe multiverse
Architectures: $arch
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Types: deb
URIs: file://$MIRROR/ubuntu/
Suites: noble-security
Components: main restricted universe multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg"
        run -0 with_sources "$sources" "$BERTH" create u ubuntu:noble --variant=minbase --keyring="$KEYRING" --include=hello-noble \
                --components=main,universe,restricted,multiverse # of the updates, three are empty
        [[ $output != *warning* ]]
        run -0 berth run u -- cat /usr/share/hello-noble/version /etc/apt/sources.list
        [ "$output" = "1-0ubuntu1.2
deb file://$MIRROR/ubuntu noble main universe restricted multiverse
deb file://$MIRROR/ubuntu noble-updates main universe restricted multiverse
deb file://$MIRROR/ubuntu noble-security main universe restricted multiverse" ]
        run -1 with_sources "$sources" "$BERTH" create u2 ubuntu:noble --variant=minbase --keyring="$KEYRING" --arch=pdp11
        [[ ${lines[-1]} == "berth: suite 'noble' does not exist on file://$T/ports; Ubuntu's suites have names like "* ]]
        run -1 with_sources "" "$BERTH" create u2 ubuntu:noble --variant=minbase --keyring="$KEYRING"
        [ "${lines[-1]}" = "berth: no mirror of Ubuntu is known: give --mirror=URL, set BERTH_MIRROR, or add one to this host's /etc/apt/sources.list.d" ]
}

@test "an architecture that this host cannot run is refused before anything is fetched" {
        [ ! -e /proc/sys/fs/binfmt_misc/qemu-s390x ] && [ "$(uname -m)" != s390x ] || skip "this host runs s390x programs"
        run -1 noble u --mirror="file://$T/none" --arch=s390x
        [ "$output" = "Reading Ubuntu noble"$'\n'"berth: this host ($(dpkg --print-architecture)) cannot run programs for s390x, as package scripts are; install qemu-user-static, which registers 'qemu-s390x' with binfmt_misc" ]
}

@test "an archive of Ubuntu signed by another key" {
        cp -al "$MIRROR/ubuntu" "$T/ubuntu"
        mirror_key "stranger-$BERTH_TEST_ID"
        rm "$T/ubuntu/dists/noble/InRelease"
        gpg -q --batch -u "stranger-$BERTH_TEST_ID" --clearsign -o "$T/ubuntu/dists/noble/InRelease" "$T/ubuntu/dists/noble/Release"
        run -1 noble u --mirror="file://$T/ubuntu"
        [[ ${lines[-1]} == "berth: suite 'noble' on file://$T/ubuntu: "* ]]
}
