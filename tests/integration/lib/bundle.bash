# SPDX-License-Identifier: LGPL-2.1-or-later
# OCI bundles: bundle [JQ-FILTER…] makes $T/bundle with a small root and the config.json that "runc spec" writes, changed by the filters; bundle_file_setup, once in setup_file(), makes both.
# sh_args SCRIPT is a filter for a command; the terminal is left out unless a filter asks for it.

bundle_file_setup() {
        mkdir -p "$BATS_FILE_TMPDIR/bundle"
        busybox_root "$BATS_FILE_TMPDIR/bundle/rootfs"
        runc spec --bundle "$BATS_FILE_TMPDIR/bundle"
        mv "$BATS_FILE_TMPDIR/bundle/config.json" "$BATS_FILE_TMPDIR/bundle/spec.json"
}

bundle() {
        local filter
        B=$T/bundle
        if [ ! -d "$B/rootfs" ]; then
                mkdir -p "$B"
                cp -a "$BATS_FILE_TMPDIR/bundle/." "$B"
        fi
        jq '.process.terminal = false' "$B/spec.json" >"$B/config.json"
        for filter in "$@"; do
                jq "$filter" "$B/config.json" >"$B/changed.json" || return 1
                mv "$B/changed.json" "$B/config.json"
        done
}
sh_args() { jq -n -r --arg s "$1" '".process.args = " + (["sh", "-c", $s] | tojson)'; }
run_bundle() { "$BERTH" run --oci-bundle="$B" "$@"; }
