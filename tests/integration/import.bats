#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trees and archives become machines and come out again: import-tar, import-fs, export-tar, list-transfers, cancel-transfer, clean.

bats_require_minimum_version 1.5.0
load lib/berth
load lib/web

setup() { berth_setup; }
teardown() { berth_teardown; }

# A tree with everything that an archive has to carry, in $T/root.
full_root() {
        busybox_root "$T/root" busybox
        (
                cd "$T/root"
                echo text >etc/one && ln etc/one etc/two
                setfattr -n user.note -v kept etc/one
                setcap cap_net_raw+ep bin/busybox
                setfacl -m u:43210:rx home/lina && setfacl -d -m g:43210:r home/lina
                mkfifo run/pipe
                truncate -s 1G var/hole && printf end >>var/hole
                chown 1000:50 var/hole && chmod 4755 etc/passwd
                touch -d '2001-02-03 04:05:06.123456789 UTC' etc/one
                mkdir -p "$(printf 'odd/%0200d/\303\244 b' 7)"
        )
}

pack_root() { tar -C "$T/root" --numeric-owner --xattrs --xattrs-include='*' --acls --sort=name -S -caf "$1" .; }

# What two trees have in common, as text: types, modes, owners, times, sizes, links, attributes and content.
portrait() {
        (
                cd "$1"
                find . ! -name . -printf '%P %y %m %U:%G %l %n\n' | sort
                find . -type f -printf '%P %T@ %s\n' | sort
                getfattr -R -h -d -m 'user\.|security.capability' -e hex . 2>/dev/null | grep -v '^user.overlay'
                getfacl -R -n -p . 2>/dev/null
                find . -type f -size -2M -print0 | sort -z | xargs -0 sha256sum
        )
}

# The only layer of a new overlay machine, or the tree itself.
tree_of() { if [ -d "$BERTH_MACHINES/$1.mstack" ]; then echo "$BERTH_MACHINES/$1.mstack/layer@0"; else echo "$BERTH_MACHINES/$1"; fi; }

@test "a tree comes out of tar, xz, gzip, bzip2 and zstd as it went in, on each driver, from a file and from a pipe" {
        full_root
        portrait "$T/root" >"$T/want"
        local kind driver
        for kind in tar tar.xz tar.gz tar.bz2 tar.zst; do
                pack_root "$T/web.$kind"
                berth import-tar "$T/web.$kind"
                portrait "$(tree_of web)/" | diff "$T/want" -
                berth remove web
        done
        for driver in overlay directory; do
                berth import-tar - "p-$driver" --driver=$driver <"$T/web.tar.xz"
                portrait "$(tree_of "p-$driver")/" | diff "$T/want" -
        done
        [ "$(stat -c %b "$(tree_of p-overlay)/var/hole")" -lt 100 ]
        berth_no_debris
        berth run p-overlay /bin/cat /etc/two </dev/null | grep -qx text
}

@test "xz in blocks is decompressed with all its checksums: a flipped byte anywhere is a refusal" {
        full_root
        head -c 3M /dev/urandom >"$T/root/var/random"
        pack_root "$T/web.tar"
        xz -T2 --block-size=1MiB -k "$T/web.tar"
        berth import-tar "$T/web.tar.xz"
        cmp "$T/root/var/random" "$(tree_of web)/var/random"
        local size at
        size=$(stat -c %s "$T/web.tar.xz")
        for at in 100 $((size / 2)) $((size - 20)); do
                cp "$T/web.tar.xz" "$T/bad.tar.xz"
                printf '\x55\xaa\x55' | dd of="$T/bad.tar.xz" bs=1 seek="$at" conv=notrunc status=none
                run berth import-tar "$T/bad.tar.xz" bad
                [ "$status" -eq 1 ]
                [[ $output == *"it is truncated or damaged"* ]]
        done
        head -c $((size / 2)) "$T/web.tar.xz" >"$T/short.tar.xz"
        run berth import-tar "$T/short.tar.xz" bad
        [ "$status" -eq 1 ]
        [[ $output == *"truncated or damaged"* ]]
        run berth image-status bad
        [ "$status" -eq 1 ]
        berth_no_debris
}

@test "zstd in frames of any kind, long ones and many, is decompressed whole: what is cut, damaged or followed by something else is a refusal" {
        full_root
        head -c 3M /dev/urandom >"$T/root/var/random"
        pack_root "$T/web.tar"
        portrait "$T/root" >"$T/want"
        local part kind size
        split -b 300000 "$T/web.tar" "$T/part."
        for part in "$T"/part.*; do zstd -q -c "$part"; done >"$T/frames.zst"          # of known size
        for part in "$T"/part.*; do zstd -q -c <"$part"; done >"$T/unknown.zst"        # of unknown size
        { cat "$T/frames.zst"; printf '\x50\x2a\x4d\x18\x04\x00\x00\x00abcd'; } >"$T/skip.zst"    # with one that says nothing
        zstd -q --long=31 -c "$T/web.tar" >"$T/window.zst"
        zstd -q -c <"$T/web.tar" >"$T/one.zst"
        { zstd -q -c "$T/part.aa"; tail -c +300001 "$T/web.tar" | zstd -q --long=27 -c; } >"$T/mixed.zst"
        for kind in frames unknown skip window one mixed; do
                berth import-tar "$T/$kind.zst" "$kind"
                portrait "$(tree_of "$kind")/" | diff "$T/want" - || { echo "$kind"; return 1; }
                berth remove "$kind"
        done
        size=$(stat -c %s "$T/frames.zst")
        head -c $((size - 100)) "$T/frames.zst" >"$T/cut.zst"
        { cat "$T/frames.zst"; echo more; } >"$T/more.zst"
        cp "$T/frames.zst" "$T/flipped.zst"
        printf '\x55\xaa\x55' | dd of="$T/flipped.zst" bs=1 seek=$((size / 2)) conv=notrunc status=none
        head -c 100000 "$T/one.zst" >"$T/short.zst"
        for kind in cut more flipped short; do
                run berth import-tar "$T/$kind.zst" bad
                [[ $status -eq 1 && $output == *"it is truncated or damaged"* ]] || { echo "$kind: $output"; return 1; }
        done
        run berth image-status bad
        [ "$status" -eq 1 ]
        berth_no_debris
}

@test "export and import again give the same tree, and the same bytes" {
        full_root
        local driver
        for driver in overlay directory; do
                berth import-fs "$T/root" "m-$driver" --driver=$driver
                berth export-tar "m-$driver" >"$T/$driver.tar"
        done
        cmp "$T/overlay.tar" "$T/directory.tar"
        tar -tf "$T/overlay.tar" >"$T/list" 2>"$T/complaints"
        [ ! -s "$T/complaints" ]
        mkdir "$T/out" && tar -C "$T/out" --numeric-owner --xattrs --xattrs-include='*' --acls -xpf "$T/overlay.tar"
        portrait "$T/root" >"$T/want"
        portrait "$T/out" | diff "$T/want" -
        local kind
        for kind in tar.xz tar.gz tar.bz2 tar.zst; do
                berth export-tar m-overlay "$T/x.$kind"
                berth import-tar "$T/x.$kind" back
                portrait "$(tree_of back)/" | diff "$T/want" -
                berth remove back
        done
        berth export-tar m-overlay "$T/plain" --format=gzip
        gzip -dc "$T/plain" | cmp - "$T/overlay.tar"
        run berth export-tar m-overlay "$T/plain"
        [[ $status -eq 1 && $output == *"'$T/plain' exists; --force replaces it"* ]]
        berth export-tar m-overlay "$T/plain" --force
        cmp "$T/plain" "$T/overlay.tar"
}

@test "layers are merged in an export, and snapshots are exported, also of a machine that runs" {
        busybox_root "$T/root" busybox
        echo old >"$T/root/etc/state" && mkdir "$T/root/gone" && touch "$T/root/gone/file"
        berth import-fs "$T/root" web --driver=overlay
        berth snapshot web first
        berth run web /bin/sh -c 'echo new >/etc/state; rm -r /gone; mkdir /gone; touch /gone/other' </dev/null
        berth export-tar web | tar -xO ./etc/state | grep -qx new
        berth export-tar web | tar -t | grep -A9 '^./gone/' | grep -vq file
        berth export-tar web@first | tar -xO ./etc/state | grep -qx old
        berth export-tar web@first | tar -t | grep -qx ./gone/file
        berth start web
        run berth export-tar web "$T/x.tar"
        [ "$status" -eq 1 ]
        [[ $output == *"machine 'web' is running; export a snapshot of it"* ]]
        [ ! -e "$T/x.tar" ]
        berth export-tar web@first | tar -xO ./etc/state | grep -qx old
        berth poweroff web
}

@test "--force replaces what is in a machine and keeps its snapshots; a name that is taken, a machine that runs" {
        busybox_root "$T/root" busybox
        echo one >"$T/root/etc/state"
        berth import-fs "$T/root" web
        berth snapshot web first
        echo two >"$T/root/etc/state"
        tar -C "$T/root" -cf "$T/web.tar" .
        run berth import-tar "$T/web.tar"
        [[ $status -eq 1 && $output == *"machine 'web' already exists"*"--force"* ]]
        berth import-tar "$T/web.tar" --force
        berth run web /bin/cat /etc/state </dev/null | grep -qx two
        berth rollback web first
        berth run web /bin/cat /etc/state </dev/null | grep -qx one
        run berth import-tar "$T/web.tar" --force --driver=directory
        [[ $status -eq 1 && $output == *"stored by the overlay driver"* ]]
        berth start web
        run berth import-tar "$T/web.tar" --force
        [[ $status -eq 1 && $output == *"machine 'web' is running"* ]]
        berth poweroff web
        berth import-tar "$T/web.tar" fixed --read-only
        berth list-images | grep -Eq '^fixed .* yes '
        berth read-only fixed no
        berth_no_debris
}

@test "hostile archives change nothing but a tree that is thrown away" {
        python3 - "$T" <<'P'
import io, sys, tarfile
top = sys.argv[1]
def archive(name, *entries):
    with tarfile.open(f"{top}/{name}.tar", "w") as t:
        for kind, path, more in entries:
            i = tarfile.TarInfo(path)
            i.type, i.mode = kind, 0o755
            data = None
            if kind == tarfile.REGTYPE:
                data = io.BytesIO(more)
                i.size = len(more)
            elif kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
                i.devmajor, i.devminor = more
            elif more:
                i.linkname = more
            t.addfile(i, data)
REG, LNK, SYM, DIR, CHR = tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE
archive("climbs", (REG, "../outside", b"x"))
archive("deep-climb", (REG, "a/../../outside", b"x"))
archive("link-climb", (LNK, "x", "../../outside"))
archive("device", (CHR, "etc/disk", (8, 0)))
archive("device-in-dev", (CHR, "dev/disk", (8, 0)), (REG, "etc/os-release", b"ID=x\n"))
archive("absolute", (REG, f"{top}/outside", b"x"))
archive("by-link", (SYM, "up", top), (REG, "up/outside", b"x"))
archive("by-link-up", (SYM, "up", "../../../../../../.." + top), (REG, "up/outside", b"x"))
archive("twice", (REG, "x", b"one"), (REG, "x", b"two"))
archive("levels", (DIR, "d/" * 1900, None))
archive("too-many-levels", (DIR, "d/" * 10000, None))
big = tarfile.TarInfo("big"); big.size = 1 << 60
with open(f"{top}/huge.tar", "wb") as f: f.write(big.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024)
P
        local name
        for name in climbs deep-climb link-climb device too-many-levels huge; do
                run berth import-tar "$T/$name.tar" bad
                [ "$status" -eq 1 ] || { echo "$name was taken"; return 1; }
                [ "$(grep -c '^berth: ' <<<"$output")" -eq 1 ]
        done
        berth import-tar "$T/absolute.tar" in-absolute --driver=directory
        for name in by-link by-link-up; do # to a place that is not in the tree
                run berth import-tar "$T/$name.tar" bad --driver=directory
                [[ $status -eq 1 && $output == *"'/up'"* ]]
        done
        [ -f "$BERTH_MACHINES/in-absolute$T/outside" ]
        [ ! -e "$T/outside" ]
        [ ! -e "$T/../outside" ]
        berth import-tar "$T/device-in-dev.tar" in-dev --driver=directory
        [ ! -e "$BERTH_MACHINES/in-dev/dev/disk" ]
        berth import-tar "$T/twice.tar" twice --driver=directory
        [ "$(cat "$BERTH_MACHINES/twice/x")" = two ]
        berth import-tar "$T/levels.tar" levels
        berth export-tar levels | tar -t | tail -n 1 | tr -cd / | wc -c | grep -qx 1901
        berth remove levels
        run berth images
        [[ $output != *bad* ]]
        berth_no_debris
}

@test "a bomb ends at the limit" {
        head -c 200M /dev/zero | xz -1 >"$T/zero.xz"
        mkdir "$T/b" && head -c 100M /dev/zero >"$T/b/zero" && tar -C "$T/b" -cJf "$T/bomb.tar.xz" .
        run berth import-tar "$T/bomb.tar.xz" bomb --limit=10M
        [ "$status" -eq 1 ]
        [[ $output == *"unpacks to more than the limit of 10485760 bytes"* ]]
        tar -C "$T/b" --exclude=zero -cf "$T/tail.tar" . && cat "$T/tail.tar" "$T/b/zero" | xz -1 >"$T/tail.tar.xz"
        run berth import-tar "$T/tail.tar.xz" bomb --limit=10M
        [ "$status" -eq 1 ]
        [[ $output == *"follow behind its end"* ]]
        run berth import-tar "$T/zero.xz" bomb
        [ "$status" -eq 1 ] || [ "$(berth export-tar bomb | tar -t)" = ./ ]
        run berth import-tar "$T/bomb.tar.xz" bomb2 --limit=much
        [ "$status" -eq 1 ]
        berth_no_debris
}

@test "what is no archive, not there, a terminal or without a name" {
        echo nonsense >"$T/x.tar"
        run berth import-tar "$T/x.tar"
        [[ $status -eq 1 && $output == *"x.tar"* ]]
        run berth import-tar "$T/none.tar"
        [[ $status -eq 1 && $output == *"cannot open '$T/none.tar'"* ]]
        run berth import-tar - </dev/null
        [[ $status -eq 1 && $output == *"needs a name"* ]]
        run berth import-fs "$T/x.tar"
        [[ $status -eq 1 && $output == *"'$T/x.tar' is no directory; 'berth import-tar' takes archives"* ]]
        run berth import-tar "$T/x.tar" 'bad name'
        [[ $status -eq 1 && $output == *"'bad name' is not a valid machine name"* ]]
        run berth export-tar none
        [[ $status -eq 1 && $output == *"machine 'none' does not exist"* ]]
        busybox_machine web
        run berth export-tar web "$T/x" --format=zip
        [[ $status -eq 1 && $output == *"there are uncompressed, xz, gzip, bzip2, zstd"* ]]
        run script -qec "'$BERTH' export-tar web" /dev/null
        [[ $output == *"an archive does not go to a terminal"* ]]
}

# ---- transfers ----

slow_import() { # ID of the process in $pid
        mkfifo "$T/pipe"
        sleep 1000 >"$T/pipe" 3>&- &
        feeder=$!
        "$BERTH" import-tar "$T/pipe" slow 2>"$T/err" 3>&- &
        pid=$!
        for _ in $(seq 100); do
                [ -z "$(berth list-transfers --no-legend)" ] || return 0
                sleep 0.05
        done
        return 1
}

@test "a transfer is listed while it runs, and cancelled by another command" {
        [ "$(berth list-transfers)" = "No transfers." ]
        slow_import
        run berth list-transfers
        [[ ${lines[0]} =~ ^ID\ +PROGRESS\ +TYPE\ +CLASS\ +LOCAL\ +REMOTE$ ]]
        [[ ${lines[1]} =~ ^\ *1\ +-\ +import-tar\ +machine\ +slow\ +$T/pipe$ ]]
        [ "${lines[-1]}" = "1 transfers listed." ]
        [ "$(berth list-transfers --json=short | jq -c '.[0] | [.id, .type, .local]')" = '[1,"import-tar","slow"]' ]
        berth cancel-transfer 1
        ! wait "$pid"
        kill "$feeder"
        [ "$(berth list-transfers)" = "No transfers." ]
        berth_no_debris
        [ -z "$(ls "$BERTH_RUN/transfers")" ]
        run berth cancel-transfer 1
        [[ $status -eq 1 && $output == *"there is no transfer '1'"* ]]
}

@test "a killed import leaves nothing once the next command has run" {
        slow_import
        kill -9 "$pid"
        ! wait "$pid"
        kill "$feeder"
        [ "$(berth list-transfers)" = "No transfers." ]
        berth images >/dev/null
        berth_no_debris
        for _ in $(seq 50); do # its workers die with it
                [ -n "$(berth_processes)" ] || break
                sleep 0.1
        done
        [ -z "$(berth_processes)" ]
        busybox_root "$T/root"
        berth import-fs "$T/root" slow
}

@test "an import that is killed at any moment is there, whole, or not at all" {
        busybox_root "$T/root" busybox
        head -c 20M /dev/urandom >"$T/root/var/random"
        tar -C "$T/root" -cf "$T/web.tar" .
        local i
        for i in 1 2 3 4 5 6 7 8; do
                "$BERTH" import-tar "$T/web.tar" "web$i" 2>/dev/null 3>&- &
                pid=$!
                sleep "0.0$((i * 12))"
                kill -9 $pid 2>/dev/null || :
                wait $pid || :
                berth images >/dev/null
                berth_no_debris
                if berth image-status "web$i" >/dev/null 2>&1; then
                        berth export-tar "web$i" | tar -xO ./var/random | cmp - "$T/root/var/random"
                fi
        done
}

@test "clean removes hidden images, and with --all machines, but none that runs" {
        busybox_machine web
        busybox_machine other
        "$BERTH_BUILD/tests/unit/store/store-tool" create "$BERTH_MACHINES" image:base overlay "$BERTH_MACHINES/other"
        berth list-images -a | grep -q base
        run berth clean
        [ "$status" -eq 0 ]
        [[ $output == *"Removed 'base'"*"1 image removed."* ]]
        ! berth list-images -a | grep -q base
        berth images | grep -q other
        berth start web
        run berth clean --all
        [ "$status" -eq 0 ]
        [[ $output == *"'web' stays"* && $output == *"1 image removed."* ]]
        [ "$(berth images --no-legend | awk '{print $1}')" = web ]
        berth poweroff web
        run berth clean --all --cache
        [ "$status" -eq 1 ]
}

# ---- pulls ----

@test "a pull is verified by signature, kept, and cloned: a second one fetches only the checksums" {
        publish
        web_start
        berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        berth run tiny /bin/sha256sum /var/random </dev/null | cut -d' ' -f1 >"$T/is"
        sha256sum <"$T/root/var/random" | cut -d' ' -f1 | diff - "$T/is"
        ! grep -q deadbeef "$BERTH_MACHINES"/tiny.mstack/rw/data/etc/machine-id
        berth pull-tar "$url/tiny.tar.xz" two --keyring="$T/keyring.gpg" --read-only
        berth list-images | grep -Eq '^two .* yes '
        berth read-only two no
        [ "$(grep -c 'tiny.tar.xz' "$T/log")" -eq 1 ]
        berth list-images -a | grep -q '/images/tar-'
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *"machine 'tiny' already exists"* ]]
        berth clean
        ! berth list-images -a | grep -q '/images/tar-'
        berth pull-tar "$url/tiny.tar.xz" - --keyring="$T/keyring.gpg"
        berth list-images -a | grep -q '/images/tar-'
        [ "$(berth images --no-legend | wc -l)" -eq 2 ]
        kill $web
        berth_no_debris
}

@test "a pull that nobody vouches for is refused, and says what would do" {
        publish
        web_start
        run berth pull-tar "$url/tiny.tar.xz"
        [ "$status" -eq 1 ] # there is no keyring, or the host's has no such key
        head -c 20 /dev/zero >>"$T/www/tiny.tar.xz"
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *SHA256* ]]
        (cd "$T/www" && sha256sum tiny.tar.xz >SHA256SUMS)
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *SHA256SUMS* ]]
        rm "$T/www/SHA256SUMS.gpg"
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *"SHA256SUMS.gpg is not there"*"--verify=checksum"* ]]
        tar -C "$T/root" -cJf "$T/www/tiny.tar.xz" .
        echo "$(printf '%064d' 0)  other" >"$T/www/SHA256SUMS"
        run berth pull-tar "$url/tiny.tar.xz" --verify=checksum
        [[ $status -eq 1 && $output == *"has no SHA-256 checksum of 'tiny.tar.xz'"* ]]
        rm "$T/www/SHA256SUMS"
        run berth pull-tar "$url/tiny.tar.xz" --verify=checksum
        [[ $status -eq 1 && $output == *"neither "*"--verify=no"* ]]
        sha256sum <"$T/www/tiny.tar.xz" | cut -d' ' -f1 >"$T/www/tiny.tar.xz.sha256"
        berth pull-tar "$url/tiny.tar.xz" --verify=checksum
        berth pull-tar "$url/tiny.tar.xz" free --verify=no
        run berth pull-tar "$url/none.tar.xz" --verify=no
        [[ $status -eq 1 && $output == *"404 not found"* ]]
        run berth pull-tar "tiny.tar.xz"
        [[ $status -eq 1 && $output == *"is not an address of an archive"* ]]
        [ "$(berth images --no-legend | wc -l)" -eq 2 ]
        kill $web
        berth clean --cache
        [ ! -e "$BERTH_CACHE/pull" ]
        berth_no_debris
}

@test "a pull that was killed is resumed where it broke off" {
        publish
        web_start
        # The first part of it lies in the cache, as an earlier pull left it.
        "$BERTH" pull-tar "$url/none.tar.xz" --verify=no 2>/dev/null || :
        run berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg" --limit=1K
        [ "$status" -eq 1 ]
        local dir
        dir=$(dirname "$(find "$BERTH_CACHE/pull" -name archive)")
        head -c 100000 "$dir/archive" >"$dir/archive.part" && rm "$dir/archive"
        berth pull-tar "$url/tiny.tar.xz" --keyring="$T/keyring.gpg"
        berth run tiny /bin/true </dev/null
        grep -q '206.*tiny.tar.xz\|tiny.tar.xz.*206\|100000' "$T/log" || { cat "$T/log"; false; }
        kill $web
}
