#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Fetching from a web server that misbehaves, signatures by keys made here, and unpacking of honest and hostile archives by the real workers.

bats_require_minimum_version 1.5.0

setup() {
        [ "$(id -u)" = 0 ] || skip "unpacking needs root"
        programs=$(dirname "${BERTH:-$BATS_TEST_DIRNAME/../../build/berth}")/tests/unit/transfer
        tool=$programs/transfer-tool
        T=$(mktemp -d "${BERTH_TEST_PLACE:-/var/tmp}/berth-test.XXXXXX")
        mkdir "$T/www" "$T/out" "$T/root"
        unset http_proxy HTTP_PROXY all_proxy ALL_PROXY
}

teardown() {
        [ -n "${T-}" ] || return 0
        web_stop
        if [ -d "$T/gpg" ]; then GNUPGHOME=$T/gpg gpgconf --kill all; fi
        if mountpoint -q "$T/small"; then umount "$T/small"; fi
        local left
        left=$(pgrep -f "^$tool .*$T" || true)
        rm -rf "$T"
        if [ -n "$left" ]; then echo "processes left: $left"; return 1; fi
}

# ---- helpers ----

web_start() {
        web_stop
        : >"$T/log"
        : >"$T/port"
        "$programs/httpd" "$T/www" "$T/log" "$@" >"$T/port" 3>&- &
        web=$!
        while ! [ -s "$T/port" ]; do sleep 0.02; done
        url=http://127.0.0.1:$(cat "$T/port")
}

web_stop() {
        [ -z "${web-}" ] || { kill "$web" && wait "$web" 2>/dev/null || true; }
        web=
}

# A line for the tool about a file of the server: item NAME [SIZE] [SHA256]
item() {
        echo "$1 ${2:-$(stat -c %s "$T/www/$1")} ${3:-$(sha256sum <"$T/www/$1" | cut -d' ' -f1)} package-$1 $url/$1"
}

requests() { cut -d' ' -f2- "$T/log" | tr '\n' ',' ; }

random() { head -c "$2" /dev/urandom >"$T/www/$1"; }

# A package from the directory $T/pkg: package NAME [dpkg-deb options]
package() {
        local name=$1
        shift
        mkdir -p "$T/pkg/DEBIAN"
        printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: test\n' "$name" >"$T/pkg/DEBIAN/control"
        dpkg-deb --root-owner-group "$@" -b "$T/pkg" "$T/$name.deb" >/dev/null
}

# A .deb around a data.tar that was made by hand: wrap NAME DATA.TAR
wrap() {
        printf '2.0\n' >"$T/debian-binary"
        mkdir -p "$T/empty"
        printf 'Package: x\n' >"$T/control"
        tar -C "$T" -cf "$T/control.tar" control
        [ "$2" = "$T/data.tar" ] || cp "$2" "$T/data.tar"
        rm -f "$T/$1.deb"
        (cd "$T" && ar rc "$1.deb" debian-binary control.tar data.tar)
}

unpack_debs() { "$tool" unpack "$T/root" deb 1000000 0 "$@"; }

listing() { (cd "$1" && find . -mindepth 1 \( -type d -printf '%p %M %U:%G\n' -o -printf '%p %M %U:%G %s %T@ %l\n' \) | sort); }

# ---- fetch ----

@test "files come in parallel, verified, and are not fetched again" {
        for i in 1 2 3 4 5; do random f$i $((i * 100000)); done
        web_start
        for i in 1 2 3 4 5; do item f$i; done >"$T/items"
        run -0 "$tool" fetch "$T/out" <"$T/items"
        [ "${#lines[@]}" = 5 ]
        for i in 1 2 3 4 5; do cmp "$T/www/f$i" "$T/out/f$i"; done
        : >"$T/log"
        run -0 "$tool" fetch "$T/out" <"$T/items"
        [ "${#lines[@]}" = 5 ]
        [ ! -s "$T/log" ]
}

@test "a cached file that was damaged is fetched again" {
        random f 1000
        web_start
        head -c 1000 /dev/zero >"$T/out/f"
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
}

@test "a broken connection is resumed where it broke" {
        random f 500000
        web_start cut=1000
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        [ "$(requests)" = "- 200,1000 206," ]
}

@test "a server without ranges sends the whole again" {
        random f 500000
        web_start cut=1000 no-ranges
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
}

@test "the partial file of an earlier run is used" {
        random f 500000
        head -c 123456 "$T/www/f" >"$T/out/f.part"
        web_start
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        [ "$(requests)" = "123456 206," ]
        [ ! -e "$T/out/f.part" ]
}

@test "a partial file that does not belong to the rest is thrown away once" {
        random f 500000
        head -c 5000 /dev/zero >"$T/out/f.part"
        web_start
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        [ "$(requests)" = "5000 206,- 200," ]
}

@test "a complete partial file needs no request" {
        random f 5000
        cp "$T/www/f" "$T/out/f.part"
        web_start
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        [ ! -s "$T/log" ]
}

@test "a busy server is asked again, a few times" {
        random f 1000
        web_start fail=2
        item f | "$tool" fetch "$T/out"
        [ "$(requests)" = "- 503,- 503,- 200," ]
        rm "$T/out/f"
        web_start status=503
        RETRIES=1 run -1 "$tool" fetch "$T/out" < <(item f)
        [ "$output" = "package-f: $url/f: 503 the server is unavailable" ]
        [ "$(requests)" = "- 503,- 503," ]
}

@test "progress counts up to the sum of all, at most ten times a second" {
        random f 3000000
        random g 1000000
        web_start cut=100000
        EVENTS=1 run -0 "$tool" fetch "$T/out" < <(item f; item g)
        progress=$(grep ^progress <<<"$output")
        [ "$(tail -1 <<<"$progress")" = "progress 4000000 4000000" ]
        sort -c -n -k2 <<<"$progress"
        [ "$(wc -l <<<"$progress")" -le 20 ]
}

@test "a connection that stalls ends, and says which host" {
        random f 500000
        web_start stall=1000
        STALL=1 RETRIES=0 run -1 "$tool" fetch "$T/out" < <(item f)
        [[ $output == "package-f: $url/f: mirror host '127.0.0.1:"*"' does not answer any more; "*"--mirror=URL" ]]
}

@test "404 is final and names the address" {
        random f 1000
        web_start
        run -1 "$tool" fetch "$T/out" < <(item f | sed 's,/f$,/gone,')
        [ "$output" = "package-f: $url/gone: 404 not found" ]
        [ "$(requests)" = "- 404," ]
        [ -z "$(ls "$T/out")" ]
}

@test "a file with another digest is refused, and not kept" {
        random f 1000
        web_start
        said=$(printf '%064d' 0)
        run -1 "$tool" fetch "$T/out" < <(item f 1000 "$said")
        is=$(sha256sum <"$T/www/f" | cut -d' ' -f1)
        [ "$output" = "package-f: $url/f has SHA256 $is, the index says $said; the mirror is being updated or has been tampered with: try again or use another mirror" ]
        [ "$(requests)" = "- 200," ]
        [ -z "$(ls "$T/out")" ]
}

@test "a file that is shorter or longer than the index says is refused" {
        random f 1000
        web_start
        run -1 "$tool" fetch "$T/out" < <(item f 1001)
        [[ $output == "package-f: $url/f has 1000 bytes, the index says 1001; "* ]]
        run -1 "$tool" fetch "$T/out" < <(item f 999)
        [[ $output == "package-f: $url/f is larger than the 999 bytes that the index says"* ]]
        [ -z "$(ls "$T/out")" ]
}

@test "a body without end is cut off at the size" {
        random f 1000
        web_start grow
        run -1 "$tool" fetch "$T/out" < <(item f)
        [[ $output == *"is larger than the 1000 bytes"* ]]
}

@test "a mirror that cannot be reached is named, with the way out" {
        run -1 "$tool" fetch "$T/out" <<<"x 0 - index http://127.0.0.1:1/x"
        [[ $output == "index: cannot reach mirror host '127.0.0.1:1': "*"; check the network or give another mirror with --mirror=URL" ]]
        run -1 "$tool" fetch "$T/out" <<<"x 0 - index http://mirror.invalid/x"
        [[ $output == "index: cannot reach mirror host 'mirror.invalid': could not resolve its name; "* ]]
        [ -z "$(ls "$T/out")" ]
}

@test "redirections are followed to the web only" {
        random f 1000
        web_start
        target=$url
        other=$web
        web=
        web_start redirect="$target"
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        web_start redirect=file://"$T/www"
        rm "$T/out/f"
        run -1 "$tool" fetch "$T/out" < <(item f)
        kill "$other"
}

@test "an index that has not changed is not sent again" {
        random f 1000
        touch -d '2020-01-01' "$T/www/f"
        web_start
        "$tool" fetch "$T/out" <<<"f 0 - index $url/f"
        "$tool" fetch "$T/out" <<<"f 0 - index $url/f"
        cmp "$T/www/f" "$T/out/f"
        random f 2000
        "$tool" fetch "$T/out" <<<"f 0 - index $url/f"
        cmp "$T/www/f" "$T/out/f"
        [ "$(requests)" = "- 200,- 304,- 200," ]
        [ "$(ls "$T/out")" = f ]
}

@test "file: mirrors" {
        random f 100000
        url=file://$T/www
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        run -1 "$tool" fetch "$T/out" <<<"x 0 - index $url/gone"
        [ "$output" = "index: $url/gone: no such file" ]
}

@test "two processes that fetch the same file do not disturb each other" {
        random f 2000000
        web_start delay=300
        item f >"$T/items"
        "$tool" fetch "$T/out" <"$T/items" 3>&- &
        first=$!
        "$tool" fetch "$T/out" <"$T/items"
        wait $first
        cmp "$T/www/f" "$T/out/f"
        [ "$(requests)" = "- 200," ]
        [ "$(ls "$T/out")" = f ]
}

@test "a fetch that is killed is taken up by the next" {
        random f 3000000
        web_start stall=1000000
        item f >"$T/items"
        "$tool" fetch "$T/out" <"$T/items" 3>&- &
        while [ "$(stat -c %s "$T/out/f.part" 2>/dev/null || echo 0)" -lt 1000000 ]; do sleep 0.05; done
        kill -9 $!
        wait $! || true
        web_start
        item f | "$tool" fetch "$T/out"
        cmp "$T/www/f" "$T/out/f"
        [ "$(requests)" = "1000000 206," ]
}

@test "a cache file system that is full says so" {
        random f 3000000
        mkdir "$T/small"
        mount -t tmpfs -o size=1m none "$T/small"
        web_start
        run -1 "$tool" fetch "$T/small" < <(item f)
        umount "$T/small"
        [ "$output" = "package-f: f: no space left on the file system of the cache: free some" ]
}

# ---- signatures ----

keys() {
        export GNUPGHOME=$T/gpg
        mkdir -m 700 "$GNUPGHOME"
        for k in alice bob; do gpg --batch --quiet --passphrase '' --quick-gen-key "$k <$k@localhost>" ed25519 sign never 2>/dev/null; done
        gpg --export alice >"$T/a.gpg"
        gpg --export --armor alice >"$T/a.asc"
        gpg --export --armor bob >"$T/b.asc"
        printf 'Origin: test\n- dashed\n' >"$T/text"
}

@test "a signed text is given back as it was signed, by binary and armored keyrings" {
        keys
        gpg -u alice --clearsign -o "$T/signed" "$T/text"
        for k in a.gpg a.asc; do "$tool" clearsigned "$T/signed" "$T/$k" | cmp - "$T/text"; done
        "$tool" clearsigned "$T/signed" "$T/b.asc" "$T/a.asc" | cmp - "$T/text"
}

@test "one known key of several signatures is enough" {
        keys
        gpg -u alice -u bob --clearsign -o "$T/signed" "$T/text"
        "$tool" clearsigned "$T/signed" "$T/b.asc" | cmp - "$T/text"
}

@test "an unknown key is named" {
        keys
        gpg -u alice --clearsign -o "$T/signed" "$T/text"
        run -1 "$tool" clearsigned "$T/signed" "$T/b.asc"
        id=$(gpg --list-keys --with-colons alice | awk -F: '$1 == "pub" { print $5 }')
        [[ $output == "signed: signed with key $id, which is not in the keyring; "*"--keyring=FILE" ]]
}

@test "a text that was changed is refused" {
        keys
        gpg -u alice --clearsign -o "$T/signed" "$T/text"
        sed -i 's/test/best/' "$T/signed"
        run -1 "$tool" clearsigned "$T/signed" "$T/a.gpg"
        [[ $output == "signed: the signature by key "*" does not fit the text: "* ]]
}

@test "unsigned text, and text smuggled around a signed one, are refused" {
        keys
        run -1 "$tool" clearsigned "$T/text" "$T/a.gpg"
        [ "$output" = "text: it is not signed" ]
        gpg -u alice --clearsign -o "$T/signed" "$T/text"
        gpg -u bob --clearsign -o "$T/evil" "$T/text"
        cat "$T/evil" "$T/signed" >"$T/both"
        run -1 "$tool" clearsigned "$T/both" "$T/a.gpg"
        [[ $output == "both: it holds more than one signed text"* ]]
        { cat "$T/signed"; echo "Evil: yes"; } >"$T/trailer"
        run -0 "$tool" clearsigned "$T/trailer" "$T/a.gpg"
        [[ $output != *Evil* ]]
}

@test "detached signatures" {
        keys
        gpg -u alice --detach-sign -o "$T/text.gpg" "$T/text"
        "$tool" detached "$T/text" "$T/text.gpg" "$T/a.asc"
        echo more >>"$T/text"
        run -1 "$tool" detached "$T/text" "$T/text.gpg" "$T/a.asc"
        [[ $output == "text: the signature by key "* ]]
}

@test "no keyring, or one that is not there, is said" {
        keys
        gpg -u alice --clearsign -o "$T/signed" "$T/text"
        run -1 "$tool" clearsigned "$T/signed"
        [[ $output == "no keyring to verify signatures with; "* ]]
        run -1 "$tool" clearsigned "$T/signed" "$T/none.gpg"
        [[ $output == "cannot read keyring '$T/none.gpg': No such file or directory" ]]
}

# ---- unpack ----

@test "a tree is as dpkg-deb would have made it" {
        mkdir -p "$T/pkg/usr/bin" "$T/pkg/etc/dir" "$T/pkg/var/lib/x"
        echo one >"$T/pkg/usr/bin/tool"
        chmod 4755 "$T/pkg/usr/bin/tool"
        ln "$T/pkg/usr/bin/tool" "$T/pkg/usr/bin/tool2"
        ln -s tool "$T/pkg/usr/bin/link"
        : >"$T/pkg/etc/empty"
        head -c 300000 /dev/urandom >"$T/pkg/var/lib/x/large"
        chmod 1777 "$T/pkg/var/lib/x"
        chmod 640 "$T/pkg/etc/empty"
        for z in xz gzip zstd none; do
                rm -rf "$T/root" "$T/peer"
                mkdir "$T/root" "$T/peer"
                package test -Z$z
                unpack_debs "$T/test.deb" >/dev/null
                dpkg-deb -x "$T/test.deb" "$T/peer"
                diff <(listing "$T/peer") <(listing "$T/root")
                diff -r --no-dereference "$T/peer" "$T/root"
        done
        [ "$(stat -c %i "$T/root/usr/bin/tool")" = "$(stat -c %i "$T/root/usr/bin/tool2")" ]
}

@test "the report lists control files, paths and configuration files" {
        mkdir -p "$T/pkg/DEBIAN" "$T/pkg/etc"
        echo conf >"$T/pkg/etc/x.conf"
        echo /etc/x.conf >"$T/pkg/DEBIAN/conffiles"
        printf '#!/bin/sh\n' >"$T/pkg/DEBIAN/postinst"
        chmod 755 "$T/pkg/DEBIAN/postinst"
        package test
        run -0 unpack_debs "$T/test.deb"
        [[ $output == *"control postinst 0755 10"* ]]
        [[ $output == *"control control 0644 "* ]]
        [ "$(grep ^path <<<"$output")" = "$(printf 'path %s\n' /. /etc /etc/x.conf)" ]
        [ "$(grep ^conffile <<<"$output")" = "conffile /etc/x.conf $(md5sum <"$T/pkg/etc/x.conf" | cut -d' ' -f1)" ]
}

@test "owners of the archive are owners on disk" {
        mkdir -p "$T/data/d"
        echo x >"$T/data/d/f"
        ln -s f "$T/data/d/l"
        tar -C "$T/data" --owner=1234 --group=65535 --numeric-owner -cf "$T/data.tar" .
        wrap test "$T/data.tar"
        unpack_debs "$T/test.deb" >/dev/null
        for f in d d/f d/l; do [ "$(stat -c %u:%g "$T/root/$f")" = 1234:65535 ]; done
        tar -C "$T/data" --owner=70000 --group=0 --numeric-owner -cf "$T/data.tar" .
        wrap test "$T/data.tar"
        run -1 unpack_debs "$T/test.deb"
        [[ $output == "test.deb: entry '/"*"' has owner 70000:0, beyond the 65536 IDs of a tree" ]]
}

@test "links to directories in the tree are followed and kept" {
        mkdir -p "$T/root/usr/bin" "$T/pkg/bin"
        ln -s usr/bin "$T/root/bin"
        echo x >"$T/pkg/bin/sh"
        package test
        unpack_debs "$T/test.deb" >/dev/null
        [ "$(readlink "$T/root/bin")" = usr/bin ]
        [ -f "$T/root/usr/bin/sh" ]
}

@test "many packages at once into the same directories" {
        for i in $(seq 1 30); do
                rm -rf "$T/pkg"
                mkdir -p "$T/pkg/usr/share/doc/p$i" "$T/pkg/usr/bin" "$T/pkg/tmp"
                chmod "$([ $((i % 2)) = 0 ] && echo 1777 || echo 755)" "$T/pkg/tmp"
                echo $i >"$T/pkg/usr/bin/p$i"
                echo $i >"$T/pkg/usr/share/doc/p$i/f"
                package p$i -Znone
        done
        QUIET=1 unpack_debs "$T"/p*.deb
        for i in $(seq 1 30); do [ "$(cat "$T/root/usr/bin/p$i" "$T/root/usr/share/doc/p$i/f")" = "$(printf '%s\n' $i $i)" ]; done
        [ "$(stat -c %a "$T/root/tmp")" = 1777 ]
}

@test "tar archives with capabilities, ACLs and names in UTF-8" {
        command -v setfacl setfattr setcap >/dev/null || skip "needs acl, attr and libcap tools"
        mkdir -p "$T/data/d"
        echo x >"$T/data/ping"
        setcap cap_net_raw+ep "$T/data/ping"
        echo x >"$T/data/größe"
        setfacl -m u:54321:rw,g:54322:r "$T/data/größe"
        setfacl -d -m u:54321:rx "$T/data/d"
        setfattr -n user.mark -v yes "$T/data/größe"
        touch -d 2001-02-03 "$T/data/d"
        tar -C "$T/data" --xattrs --xattrs-include='*' --acls --numeric-owner --format=pax -czf "$T/data.tar.gz" .
        "$tool" unpack "$T/root" tar 1000000 0 "$T/data.tar.gz" >/dev/null
        [ "$(cd "$T/root" && getcap ping)" = "ping cap_net_raw=ep" ]
        diff <(cd "$T/data" && getfacl -n größe d) <(cd "$T/root" && getfacl -n größe d)
        [ "$(getfattr --only-values -n user.mark "$T/root/größe")" = yes ]
        [ "$(stat -c %Y "$T/root/d")" = "$(stat -c %Y "$T/data/d")" ]
}

@test "packages are unpacked while others still come" {
        for i in 1 2 3; do
                rm -rf "$T/pkg"
                mkdir -p "$T/pkg/usr"
                echo $i >"$T/pkg/usr/f$i"
                package p$i
                mv "$T/p$i.deb" "$T/www"
        done
        web_start delay=500
        for i in 1 2 3; do item p$i.deb; done >"$T/items"
        run -0 "$tool" pull "$T/out" "$T/root" <"$T/items"
        [ "${lines[0]}" = "done package-p1.deb" ]
        [ "${lines[1]}" = "unpacked package-p1.deb" ]
        [ "${#lines[@]}" = 6 ]
        [ "$(cat "$T/root/usr/"f?)" = "$(printf '%s\n' 1 2 3)" ]
        rm -rf "$T/root"
        mkdir "$T/root"
        : >"$T/log"
        "$tool" pull "$T/out" "$T/root" <"$T/items"
        [ "$(cat "$T/root/usr/"f?)" = "$(printf '%s\n' 1 2 3)" ]
        [ ! -s "$T/log" ]
}

@test "a failing package ends the fetch, named" {
        mkdir -p "$T/pkg/usr"
        package good
        mv "$T/good.deb" "$T/www"
        echo nonsense >"$T/www/bad.deb"
        web_start delay=300
        run -1 "$tool" pull "$T/out" "$T/root" < <(item bad.deb; item good.deb)
        [ "${lines[-1]}" = "package-bad.deb: it is truncated or damaged: it is not a .deb file" ]
}

@test "a file system without ID-mapped mounts gets the same tree" {
        mkdir "$T/small" "$T/data"
        mount -t ramfs none "$T/small"
        echo x >"$T/data/f"
        tar -C "$T/data" --owner=7 --group=8 --numeric-owner -cf "$T/data.tar" .
        wrap test "$T/data.tar"
        run "$tool" unpack "$T/small" deb 1000000 0 "$T/test.deb"
        owner=$(stat -c %u:%g "$T/small/f")
        umount "$T/small"
        [ "$status" = 0 ]
        [ "$owner" = 7:8 ]
}

@test "a truncated package says so, wherever it is cut" {
        mkdir -p "$T/pkg/usr"
        head -c 300000 /dev/urandom >"$T/pkg/usr/f"
        package test -Zxz
        size=$(stat -c %s "$T/test.deb")
        for n in 0 4 30 100 300 $((size / 2)) $((size - 10)); do
                head -c $n "$T/test.deb" >"$T/cut.deb"
                run -1 unpack_debs "$T/cut.deb"
                [[ $output == "cut.deb: it is truncated or damaged: "* ]]
        done
}

@test "a damaged stream says so" {
        mkdir -p "$T/pkg/usr"
        head -c 300000 /dev/urandom >"$T/pkg/usr/f"
        package test -Zxz
        printf 'garbage' | dd of="$T/test.deb" bs=1 seek=150000 conv=notrunc status=none
        run -1 unpack_debs "$T/test.deb"
        [[ $output == "test.deb: it is truncated or damaged: "* ]]
}

@test "hostile: paths that climb" {
        mkdir "$T/data"
        echo evil >"$T/data/f"
        tar -C "$T/data" -P --transform='s,.*f,../../../f,' -cf "$T/data.tar" f
        wrap test "$T/data.tar"
        run -1 unpack_debs "$T/test.deb"
        [ "$output" = "test.deb: entry '../../../f' climbs with '..', which is refused" ]
        [ ! -e "$T/f" ]
}

@test "hostile: absolute paths and links that lead outside stay inside" {
        mkdir "$T/data" "$T/outside" "$T/root/etc"
        echo evil >"$T/data/f"
        ln -s "$T/outside" "$T/data/way"
        ln -s /etc "$T/data/etclink"
        ln -s ../../../../../../../../etc "$T/data/uplink"
        tar -C "$T/data" -cf "$T/data.tar" way etclink uplink
        tar -C "$T/data" -P --transform="s,^f,way/f," -rf "$T/data.tar" f
        tar -C "$T/data" -P --transform="s,^f,etclink/passwd," -rf "$T/data.tar" f
        tar -C "$T/data" -P --transform="s,^f,uplink/shadow," -rf "$T/data.tar" f
        tar -C "$T/data" -P --transform="s,^f,$T/outside/absolute," -rf "$T/data.tar" f
        before=$(md5sum /etc/passwd /etc/shadow)
        wrap test "$T/data.tar"
        run unpack_debs "$T/test.deb"
        [ -z "$(ls -A "$T/outside")" ]
        [ "$before" = "$(md5sum /etc/passwd /etc/shadow)" ]
        if [ -e "$T/root/etc/passwd" ]; then [ "$(cat "$T/root/etc/passwd")" = evil ]; fi
}

@test "hostile: device nodes" {
        mkdir "$T/data"
        mknod "$T/data/sda" b 8 0
        tar -C "$T/data" -cf "$T/data.tar" .
        wrap test "$T/data.tar"
        run -1 unpack_debs "$T/test.deb"
        [ "$output" = "test.deb: device node '/sda' is refused" ]
        [ ! -e "$T/root/sda" ]
}

@test "hostile: more data than allowed, over several archives" {
        mkdir -p "$T/pkg/usr"
        truncate -s 40M "$T/pkg/usr/zero"
        package test -Zxz
        run -1 "$tool" unpack "$T/root" deb 1000000 10000000 "$T/test.deb"
        [ "$output" = "test.deb: it unpacks to more than the limit of 10000000 bytes" ]
        [ "$(du -sk "$T/root" | cut -f1)" -lt 11000 ]
}

@test "hostile: a member that claims to be huge" {
        mkdir "$T/pkg"
        package test -Znone
        LC_ALL=C sed -i 's/^\(control.tar.*[0-9] \)[0-9]* *`$/X/' "$T/test.deb"
        printf '!<arch>\n%-16s%-12d%-6d%-6d%-8d%-10d`\n2.0\n%-16s%-12d%-6d%-6d%-8d%-10s`\n' debian-binary 0 0 0 644 4 control.tar 0 0 0 644 9999999999 >"$T/test.deb"
        run -1 unpack_debs "$T/test.deb"
        [ "$output" = "test.deb: it is truncated or damaged: member 'control.tar' goes beyond the end of the file" ]
}

@test "hostile: ten thousand levels" {
        mkdir "$T/data"
        echo x >"$T/data/f"
        deep=$(printf 'a/%.0s' $(seq 1 10000))
        printf 's,^f,%sf,' "$deep" >"$T/expr"
        tar -C "$T/data" --format=pax --transform="$(cat "$T/expr")" -cf "$T/data.tar" f
        wrap test "$T/data.tar"
        run -1 unpack_debs "$T/test.deb"
        [[ $output == "test.deb: entry 'a/a/"*" has a path longer than 4096 bytes" ]]
}

@test "a full file system says so, and what is there can be removed" {
        mkdir "$T/small"
        mount -t tmpfs -o size=1m none "$T/small"
        mkdir -p "$T/pkg/usr"
        head -c 3000000 /dev/urandom >"$T/pkg/usr/f"
        package test -Znone
        run -1 "$tool" unpack "$T/small" deb 1000000 0 "$T/test.deb"
        umount "$T/small"
        [ "$output" = "test.deb: no space left on the file system of the new root: free some or build on another file system" ]
}

@test "no worker outlives the program, also when it is killed" {
        mkfifo "$T/pipe"
        exec 7<>"$T/pipe"
        "$tool" unpack "$T/root" tar 1000000 0 "$T/pipe" 3>&- 7>&- &
        pid=$!
        for _ in $(seq 100); do
                workers=$(pgrep -P $pid | wc -l)
                [ "$workers" -lt 1 ] || break
                sleep 0.05
        done
        [ "$workers" -ge 1 ]
        children=$(pgrep -P $pid)
        kill -9 $pid
        wait $pid || true
        for _ in $(seq 100); do
                left=0
                for c in $children; do ! [ -d "/proc/$c" ] || left=1; done
                [ $left = 1 ] || break
                sleep 0.05
        done
        exec 7>&-
        [ $left = 0 ]
}

@test "a worker that is killed ends the work with its name" {
        mkfifo "$T/pipe"
        exec 7<>"$T/pipe"
        "$tool" unpack "$T/root" tar 1000000 0 "$T/pipe" 2>"$T/err" 3>&- 7>&- &
        pid=$!
        for _ in $(seq 100); do
                [ "$(pgrep -P $pid | wc -l)" -lt 1 ] || break
                sleep 0.05
        done
        sleep 0.2
        pkill -9 -P $pid
        if wait $pid; then false; fi
        exec 7>&-
        [[ $(cat "$T/err") == *"the unpack worker was killed by signal 9 (Killed); is memory short?" ]]
}

@test "a worker sees nothing but the tree and has almost no rights" {
        mkfifo "$T/pipe"
        exec 7<>"$T/pipe"
        "$tool" unpack "$T/root" tar 1000000 0 "$T/pipe" 3>&- 7>&- &
        pid=$!
        for _ in $(seq 100); do
                child=$(pgrep -P $pid | head -1)
                if [ -n "$child" ] && grep -q '^Seccomp:.*2$' "/proc/$child/status"; then break; fi
                sleep 0.05
        done
        grep -E '^(Uid|Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' "/proc/$child/status" >"$T/status"
        mounts=$(awk '{ print $5 }' "/proc/$child/mountinfo")
        net=$(awk 'NR > 2' "/proc/$child/net/dev" | grep -vc 'lo:' || true)
        kill $pid
        wait $pid || true
        exec 7>&-
        cat "$T/status"
        [ "$mounts" = / ]
        [ "$net" = 0 ]
        grep -qP '^Uid:\t1000000\t1000000\t1000000\t1000000$' "$T/status"
        [ "$(grep -c '000000008000001b$' "$T/status")" = 3 ] # prm, eff, bnd: chown, dac_override, fowner, fsetid, setfcap
        grep -qP '^NoNewPrivs:\t1$' "$T/status"
        grep -qP '^Seccomp:\t2$' "$T/status"
}
