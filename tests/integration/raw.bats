#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disk images become machines and come out again: import-raw, export-raw, pull-raw.

bats_require_minimum_version 1.5.0
load lib/berth
load lib/web

setup() {
        berth_setup
        command -v mkfs.ext4 >/dev/null || PATH=$PATH:/sbin:/usr/sbin
}
teardown() {
        [ -z "${web-}" ] || web_stop
        berth_teardown
}

# An ext4 file system of 64 MiB with a root in it that starts, and much that is nowhere: $T/disk.raw
make_disk() {
        busybox_root "$T/root" busybox
        head -c 3M /dev/urandom >"$T/root/var/random"
        truncate -s 64M "$T/disk.raw"
        mkfs.ext4 -q -F -d "$T/root" "$T/disk.raw"
}

raw_of() { echo "$BERTH_MACHINES/$1.raw"; }
allocated() { echo $(($(stat -c %b "$1") * 512)); }

# The machine has the disk's bytes, and holes where there are only zeros.
is_disk() { # NAME
        cmp "$T/disk.raw" "$(raw_of "$1")" && [ "$(allocated "$(raw_of "$1")")" -lt 20000000 ] || { ls -ls "$(raw_of "$1")"; return 1; }
}

refused() { # MESSAGE FILE [OPTION]…
        local message=$1
        shift
        run berth import-raw "$1" bad "${@:2}"
        [ "$status" -eq 1 ] || { echo "taken: $*"; return 1; }
        [[ $output == *$message* ]] || { echo "$output"; return 1; }
        [ "$(grep -c '^berth: ' <<<"$output")" -eq 1 ]
        [ ! -e "$(raw_of bad)" ]
        berth_no_debris
        [ -z "$(ls -A "$BERTH_MACHINES/.berth.v/work" 2>/dev/null)" ]
}

@test "a disk comes out of raw, xz, gzip, bzip2 and zstd as it went in, from a file and from a pipe, with its holes, and starts" {
        make_disk
        berth import-raw "$T/disk.raw"
        is_disk disk
        berth run disk /bin/sh -c 'test -s /var/random && echo started' </dev/null | grep -qx started
        local kind
        for kind in "xz -T2 -1" "gzip -1" "bzip2 -1" "zstd -q"; do
                $kind -c "$T/disk.raw" >"$T/x.raw.packed"
                berth import-raw "$T/x.raw.packed" "f-${kind%% *}"
                berth import-raw - "p-${kind%% *}" <"$T/x.raw.packed"
                cat "$T/x.raw.packed" | berth import-raw - "c-${kind%% *}"
                is_disk "f-${kind%% *}" && is_disk "p-${kind%% *}" && is_disk "c-${kind%% *}"
        done
        cat "$T/disk.raw" | berth import-raw - plain
        is_disk plain
        berth list-images | grep -Eq '^plain +raw +no '
        berth_no_debris
}

@test "qcow2 becomes raw: each kind of compression, version and cluster, compressed as a whole or not" {
        command -v qemu-img >/dev/null || skip "qemu-img is not installed"
        make_disk
        local o
        while read -r o; do
                qemu-img convert -f raw -O qcow2 $o "$T/disk.raw" "$T/d.qcow2"
                berth import-raw "$T/d.qcow2" --force
                is_disk d || { echo "$o"; return 1; }
        done <<'X'

-o compat=0.10
-c
-c -o compression_type=zstd
-o cluster_size=512
-c -o cluster_size=2M
X
        xz -1 -c "$T/d.qcow2" >"$T/packed.qcow2.xz"
        berth import-raw "$T/packed.qcow2.xz"
        is_disk packed
        berth run packed /bin/true </dev/null
        berth_no_debris
}

@test "qcow2 that is not whole in itself is refused with the way out" {
        command -v qemu-img >/dev/null || skip "qemu-img is not installed"
        make_disk
        qemu-img convert -f raw -O qcow2 "$T/disk.raw" "$T/d.qcow2"
        qemu-img create -q -f qcow2 -b "$T/d.qcow2" -F qcow2 "$T/over.qcow2"
        refused "backing file"*"qemu-img convert -O raw" "$T/over.qcow2"
        qemu-img create -q -f qcow2 -o data_file="$T/data" "$T/outside.qcow2" 10M
        refused "has its data in another file"*"qemu-img convert -O raw" "$T/outside.qcow2"
        qemu-img create -q -f qcow2 -o extended_l2=on "$T/sub.qcow2" 10M
        refused "has subclusters"*"qemu-img convert -O raw" "$T/sub.qcow2"
        qemu-img convert -f raw -O vmdk "$T/disk.raw" "$T/d.vmdk"
        refused "vmdk, not a raw disk image; make it a raw image with 'qemu-img convert -O raw'" "$T/d.vmdk"
}

@test "images that are broken or lie: nothing is left of them" {
        make_disk
        xz -1 -k -c "$T/disk.raw" >"$T/d.xz"
        head -c $(($(stat -c %s "$T/d.xz") / 2)) "$T/d.xz" >"$T/short.xz"
        refused "truncated or damaged" "$T/short.xz"
        echo "no disk at all" >"$T/text"
        refused "is no disk image: it has neither a partition table nor a file system that is known" "$T/text"
        : >"$T/empty"
        refused "is empty" "$T/empty"
        head -c 9000000 "$T/disk.raw" >"$T/odd" && echo >>"$T/odd"
        refused "are not whole sectors; is it truncated?" "$T/odd"
        refused "cannot open '$T/none'" "$T/none"
        refused "is a directory; 'berth import-fs' takes those" "$T/root"
        refused "unpacks to more than the limit of 1048576 bytes" "$T/d.xz" --limit=1M
        refused "unpacks to more than the limit of 1048576 bytes" "$T/disk.raw" --limit=1M
        python3 - "$T" <<'P'
import struct, sys
top = sys.argv[1]
def q(name, size=1 << 30, bits=16, l1=(0x30000,), l1_offset=0x20000, l1_size=None, l2=(), version=3, cut=None, features=0, crypt=0):
    h = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", version, 0, 0, bits, size, crypt, l1_size if l1_size is not None else len(l1), l1_offset,
                    0, 0, 0, 0, features, 0, 0, 4, 104)
    data = bytearray(0x50000)
    data[:len(h)] = h
    if l1_offset + 8 * len(l1) <= len(data):
        data[l1_offset:l1_offset + 8 * len(l1)] = b"".join(struct.pack(">Q", x) for x in l1)
    data[0x30000:0x30000 + 8 * len(l2)] = b"".join(struct.pack(">Q", x) for x in l2)
    with open(f"{top}/{name}.qcow2", "wb") as f: f.write(data[:cut])
q("huge", size=1 << 62)
q("many", size=1 << 45, bits=9, l1_size=1)
q("bits", bits=40)
q("nosize", size=0)
q("l1-away", size=1 << 20, l1_offset=1 << 50)
q("l2-away", size=1 << 20, l1=(1 << 50,))
q("l2-odd", size=1 << 20, l1=(0x30200,))
q("data-away", size=1 << 20, l2=(1 << 50,))
q("garbage", size=1 << 20, l2=((1 << 62) | 0x10000,))
q("cut", size=1 << 20, cut=60)
q("version", version=9)
q("features", features=1 << 40)
q("damaged", features=2)
q("secret", crypt=2)
q("loop", size=1 << 20, l2=(0x30000,) * 16)
P
        refused "at most 64 TiB are taken" "$T/huge.qcow2"
        refused "the first table of the qcow2 image is damaged" "$T/many.qcow2"
        refused "the header of the qcow2 image is damaged" "$T/bits.qcow2"
        refused "the header of the qcow2 image is damaged" "$T/nosize.qcow2"
        refused "is truncated" "$T/l1-away.qcow2"
        refused "is truncated" "$T/l2-away.qcow2"
        refused "leads between clusters" "$T/l2-odd.qcow2"
        refused "is truncated" "$T/data-away.qcow2"
        refused "a compressed piece of it is corrupt" "$T/garbage.qcow2"
        refused "is truncated" "$T/cut.qcow2"
        refused "is of version 9" "$T/version.qcow2"
        refused "features that berth does not know" "$T/features.qcow2"
        refused "is marked as damaged" "$T/damaged.qcow2"
        refused "is encrypted"*"qemu-img convert -O raw" "$T/secret.qcow2"
        refused "is no disk image" "$T/loop.qcow2"
}

@test "a bomb of zeros takes no place, and ends at a limit" {
        truncate -s 2G "$T/zeros"
        zstd -q -c "$T/zeros" >"$T/zeros.zst"
        refused "unpacks to more than the limit of 1073741824 bytes" "$T/zeros.zst" --limit=1G
        refused "is no disk image" "$T/zeros.zst"
}

@test "a disk that fills up while an image is written" {
        make_disk
        truncate -s 12M "$T/small"
        mkfs.ext4 -q -F -m 0 "$T/small"
        mkdir "$T/on"
        mount -o loop "$T/small" "$T/on"
        export BERTH_MACHINES=$T/on/machines
        head -c 30M /dev/urandom >>"$T/disk.raw"
        refused "unpacks to more than the limit of" "$T/disk.raw"
        refused "no space left on the file system of the image" "$T/disk.raw" --limit=1G
        umount "$T/on"
}

@test "--force replaces the disk and keeps snapshots; --read-only; trees and disks are not mixed up" {
        make_disk
        berth import-raw "$T/disk.raw" web
        berth snapshot web first
        run berth import-raw "$T/disk.raw" web
        [[ $status -eq 1 && $output == *"machine 'web' already exists"*"--force"* ]]
        truncate -s 20M "$T/other.raw" && mkfs.ext4 -q -F "$T/other.raw"
        berth import-raw "$T/other.raw" web --force
        cmp "$T/other.raw" "$(raw_of web)"
        berth rollback web first
        cmp "$T/disk.raw" "$(raw_of web)"
        berth import-raw "$T/disk.raw" fixed --read-only --class=machine -m
        berth list-images | grep -Eq '^fixed +raw +yes '
        berth read-only fixed no
        busybox_machine tree
        run berth import-raw "$T/disk.raw" tree --force
        [[ $status -eq 1 && $output == *"machine 'tree' is stored by the "*" driver"* ]]
        run berth export-raw tree
        [[ $status -eq 1 && $output == *"'tree' is a tree; 'berth export-tar' packs it"* ]]
        berth export-tar web | tar -t >"$T/names" # the files in it
        grep -qx './bin/busybox' "$T/names"
        run berth import-raw "$T/disk.raw" x --class=portable
        [[ $status -eq 1 && $output == *portable*machine* ]]
        run berth import-raw - <"$T/disk.raw"
        [[ $status -eq 1 && $output == *"needs a name: berth import-raw - NAME"* ]]
        berth_no_debris
}

@test "export-raw: sparse, in each compression, to a pipe; of a snapshot; not of a machine that runs" {
        make_disk
        berth import-raw "$T/disk.raw" web
        berth export-raw web "$T/out.raw"
        cmp "$T/disk.raw" "$T/out.raw"
        [ "$(allocated "$T/out.raw")" -lt 20000000 ]
        berth export-raw web | cmp - "$T/disk.raw"
        local kind
        for kind in xz:xz gz:gzip bz2:bzip2 zst:zstd; do
                berth export-raw web "$T/out.raw.${kind%:*}"
                "${kind#*:}" -dc "$T/out.raw.${kind%:*}" | cmp - "$T/disk.raw"
        done
        berth export-raw web --format=gzip | gzip -dc | cmp - "$T/disk.raw"
        run berth export-raw web "$T/out.raw"
        [[ $status -eq 1 && $output == *"'$T/out.raw' exists; --force replaces it"* ]]
        berth snapshot web before
        berth run web /bin/sh -c 'echo changed >/var/changed' </dev/null
        berth export-raw web "$T/out.raw" --force
        ! cmp -s "$T/out.raw" "$T/disk.raw"
        berth export-raw web@before | cmp - "$T/disk.raw"
        berth start web
        run berth export-raw web "$T/no.raw"
        [[ $status -eq 1 && $output == *"machine 'web' is running; export a snapshot of it"*"'berth export-raw web@now'"* ]]
        [ ! -e "$T/no.raw" ]
        berth poweroff web
}

@test "blocks are shared with an uncompressed image where the file system can" {
        command -v mkfs.btrfs >/dev/null || skip "mkfs.btrfs is not installed"
        truncate -s 220M "$T/b" && mkfs.btrfs -q "$T/b"
        mkdir "$T/on" && mount -o loop "$T/b" "$T/on" || skip "btrfs cannot be mounted"
        make_disk
        mv "$T/disk.raw" "$T/on/disk.raw"
        head -c 90M /dev/urandom | dd of="$T/on/disk.raw" bs=1M seek=64 conv=notrunc status=none
        export BERTH_MACHINES=$T/on/machines
        berth import-raw "$T/on/disk.raw" one
        berth import-raw "$T/on/disk.raw" two
        berth export-raw one "$T/on/out.raw"
        cmp "$T/on/disk.raw" "$(raw_of two)" && cmp "$T/on/disk.raw" "$T/on/out.raw" # four times 90 MiB on 220
        umount "$T/on"
}

# ---- pulls ----

publish_disk() {
        make_disk
        mkdir -p "$T/www"
        xz -1 -c "$T/disk.raw" >"$T/www/disk.raw.xz"
        printf '[Exec]\nHostname=pulled\n' >"$T/www/disk.nspawn"
        publish_sums disk.raw.xz disk.nspawn
}

@test "pull-raw: verified, kept, cloned; a second one fetches only the checksums; with what lies beside it" {
        publish_disk
        web_start
        berth pull-raw "$url/disk.raw.xz" --keyring="$T/keyring.gpg"
        is_disk disk
        cmp "$T/www/disk.nspawn" "$BERTH_MACHINES/disk.nspawn"
        [ ! -e "$BERTH_MACHINES/disk.roothash" ]
        berth run disk /bin/hostname </dev/null | grep -qx pulled
        berth pull-raw "$url/disk.raw.xz" two --keyring="$T/keyring.gpg" --read-only
        [ "$(grep -c 'disk.raw.xz' "$T/log")" -eq 1 ]
        berth list-images -a | grep -q '/images/raw-'
        berth read-only two no
        berth clean
        berth pull-raw "$url/disk.raw.xz" three --keyring="$T/keyring.gpg" -N
        is_disk three
        ! berth list-images -a | grep -q '/images/raw-'
        [ -z "$(find "$BERTH_CACHE/pull" -name 'archive*')" ]
        run berth pull-raw "$url/disk.raw.xz" - --keyring="$T/keyring.gpg" --keep-download=no
        [[ $status -eq 1 && $output == *"there is only the image, which --keep-download=no does not want"* ]]
        berth pull-raw "$url/disk.raw.xz" - --keyring="$T/keyring.gpg"
        berth list-images -a | grep -q '/images/raw-'
        berth_no_debris
}

@test "pull-raw: a wrong digest, no signature, a file beside it that is not what was signed" {
        publish_disk
        web_start
        printf '[Exec]\nHostname=evil\n' >"$T/www/disk.nspawn"
        run berth pull-raw "$url/disk.raw.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *disk.nspawn*SHA256* ]]
        publish_sums disk.raw.xz
        printf 'x' | dd of="$T/www/disk.raw.xz" bs=1 seek=5000 conv=notrunc status=none
        run berth pull-raw "$url/disk.raw.xz" --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *disk.raw.xz*SHA256* ]]
        run berth images
        [[ $output != *disk* ]]
        xz -1 -c "$T/disk.raw" >"$T/www/disk.raw.xz"
        publish_sums disk.raw.xz # vouches for no settings: they are left
        mv "$T/www/SHA256SUMS.gpg" "$T/www/SHA256SUMS.asc"
        berth pull-raw "$url/disk.raw.xz" --keyring="$T/keyring.gpg"
        is_disk disk && [ ! -e "$BERTH_MACHINES/disk.nspawn" ]
        rm "$T/www/SHA256SUMS.asc"
        run berth pull-raw "$url/disk.raw.xz" two --keyring="$T/keyring.gpg"
        [[ $status -eq 1 && $output == *"SHA256SUMS.gpg is not there"* ]]
        rm "$T/www/SHA256SUMS"
        sha256sum <"$T/www/disk.raw.xz" | cut -d' ' -f1 >"$T/www/disk.raw.xz.sha256"
        berth pull-raw "$url/disk.raw.xz" two --verify=checksum
        echo 0123456789abcdef >"$T/www/disk.roothash"
        berth pull-raw "$url/disk.raw.xz" three --verify=no
        cmp "$T/www/disk.roothash" "$BERTH_MACHINES/three.roothash"
        grep -q evil "$BERTH_MACHINES/three.nspawn"
        echo "no disk" >"$T/www/text"
        run berth pull-raw "$url/text" --verify=no
        [[ $status -eq 1 && $output == *"is no disk image"* ]]
        berth_no_debris
}
