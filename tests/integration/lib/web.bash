# SPDX-License-Identifier: LGPL-2.1-or-later
# A web server of a test's own, and what it serves.

# $url, the process in $web; its requests go to $T/log. web_start BEHAVIOUR…, see httpd.c
web_start() {
        : >"$T/log"
        : >"$T/port"
        "$BERTH_BUILD/tests/unit/transfer/httpd" "$T/www" "$T/log" "$@" >"$T/port" 3>&- &
        web=$!
        while ! [ -s "$T/port" ]; do
                kill -0 $web || return 1
                sleep 0.02
        done
        url=http://127.0.0.1:$(cat "$T/port")
}

web_stop() { kill "$web" && wait "$web" 2>/dev/null || :; }

# SHA256SUMS of the files, signed by a key made here.
publish_sums() { # FILE…
        unset http_proxy HTTP_PROXY all_proxy ALL_PROXY https_proxy HTTPS_PROXY no_proxy NO_PROXY
        (cd "$T/www" && sha256sum "$@" >SHA256SUMS)
        export GNUPGHOME=$T/gpg
        if ! [ -d "$GNUPGHOME" ]; then
                mkdir -m 700 "$GNUPGHOME"
                gpg -q --batch --passphrase '' --quick-generate-key tests ed25519 sign never
                gpg -q --batch --export tests >"$T/keyring.gpg"
        fi
        rm -f "$T/www/SHA256SUMS.gpg"
        gpg -q --batch --detach-sign -o "$T/www/SHA256SUMS.gpg" "$T/www/SHA256SUMS"
        gpgconf --kill all
}

# A root file system on a web server, with its checksum.
publish() {
        rm -rf "$T/root"
        busybox_root "$T/root" busybox
        echo deadbeefdeadbeefdeadbeefdeadbeef >"$T/root/etc/machine-id"
        head -c 2M /dev/urandom >"$T/root/var/random"
        mkdir -p "$T/www"
        tar -C "$T/root" -cJf "$T/www/tiny.tar.xz" .
        publish_sums tiny.tar.xz
}
