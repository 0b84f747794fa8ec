#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What should not be in the store is told, and put in order where nothing is lost by it.

bats_require_minimum_version 1.5.0
load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

# fsck STATUS ARG…: its exit status, and its lines in $output
fsck() {
        local status_wanted=$1
        shift
        run "$BERTH" fsck --no-legend "$@"
        [ "$status" -eq "$status_wanted" ] || { echo "status $status: $output"; return 1; }
}

@test "a store that is in order, and one that is not there" {
        mkdir "$T/tree"; echo x >"$T/tree/file"
        run "$BERTH" fsck
        [[ $status -eq 8 && $output == *"cannot open the store"* ]]
        berth import-fs "$T/tree" web --driver=overlay 2>/dev/null; berth import-fs "$T/tree" plain --driver=directory 2>/dev/null
        berth snapshot web a; berth snapshot plain a; berth clone web two 2>/dev/null
        fsck 0
        [ -z "$output" ]
        [ "$("$BERTH" fsck)" = "No problems." ]
        [ "$("$BERTH" fsck --json=short)" = "[]" ]
        fsck 0 web
        fsck 8 nothing
        [[ $output == *"machine 'nothing' does not exist"* ]]
        fsck 8 web --repair
}

@test "each kind of dirt is found and told without any change, and repaired where it can be" {
        local s=$BERTH_MACHINES/.berth.v layer
        mkdir "$T/tree"; echo x >"$T/tree/file"
        berth import-fs "$T/tree" web --driver=overlay 2>/dev/null; berth import-fs "$T/tree" plain --driver=directory 2>/dev/null
        berth snapshot web plain --set=nightly
        # a command that was killed, a lock nobody holds, a layer nobody uses
        mkdir -p "$s/work/.#web.0123456789abcdef/new"
        touch "$BERTH_MACHINES/.#web.mstack.lck"
        mkdir "$s/layers/0123456789abcdef0123456789abcdef"
        # the note of a range of nobody, one that two have, a set of which a member is gone, a record of nobody
        mkdir -p "$BERTH_STATE/id-ranges" "$BERTH_STATE/received"
        echo 655360 >"$BERTH_STATE/id-ranges/gone"
        echo 720896 >"$BERTH_STATE/id-ranges/plain"; echo 720896 >"$BERTH_STATE/id-ranges/web"
        echo "x y z" >"$BERTH_STATE/received/gone"
        rm -r "$s/snapshots/plain/nightly"
        # an empty place of snapshots of nobody
        mkdir "$s/snapshots/gone"
        before=$(find "$T" | sort)
        fsck 4
        echo "$output"
        [ "$(find "$T" | sort)" = "$before" ]
        for line in "work +web +left" "lock +web +left" "layer +0123456789abcdef0123456789abcdef +left" "range +gone +left" "range +web +left" \
                "set +plain +left .*'nightly' has no snapshot of machine 'plain'" "record +gone +left" "snapshot +gone +left"; do
                grep -qE "^$line" <<<"$output" || { echo "not told: $line"; return 1; }
        done
        [ "${#lines[@]}" -eq 8 ]
        fsck 4 web
        [ "${#lines[@]}" -eq 3 ]
        [[ $("$BERTH" fsck --json=short) == *'"what":"lock"'* ]]
        fsck 1 --repair
        [ "$(grep -c ' repaired ' <<<"$output")" -eq 8 ]
        fsck 0
        [ "$(cat "$BERTH_STATE/snapshot-sets/nightly")" = web ]
        [ "$(cat "$BERTH_STATE/id-ranges/plain")" = 720896 ]
}

@test "what has content is never removed: a missing layer, hidden and unusable images, snapshots of nobody" {
        local s=$BERTH_MACHINES/.berth.v
        mkdir "$T/tree"; echo x >"$T/tree/file"
        berth import-fs "$T/tree" web --driver=overlay 2>/dev/null; berth import-fs "$T/tree" plain --driver=directory 2>/dev/null
        berth snapshot plain keep
        mv "$BERTH_MACHINES/plain" "$T/away"
        mv "$s/layers/$(basename "$(readlink "$BERTH_MACHINES/web.mstack/layer@0")")" "$T/layer"
        mkdir "$BERTH_MACHINES/web" "$BERTH_MACHINES/bad.mstack"
        fsck 4 --repair
        echo "$output"
        for line in "snapshot +plain +left .*snapshots of a machine that is gone" "layer +web +left .*lacks its layer" \
                "image +web +left .*is hidden by" "image +bad +left .*has no layers"; do
                grep -qE "^$line" <<<"$output" || { echo "not told: $line"; return 1; }
        done
        [ "$(cat "$s/snapshots/plain/keep/file")" = x ]
        mv "$T/away" "$BERTH_MACHINES/plain"
        rmdir "$BERTH_MACHINES/web" "$BERTH_MACHINES/bad.mstack"
        mv "$T/layer" "$s/layers/$(basename "$(readlink "$BERTH_MACHINES/web.mstack/layer@0")")"
        fsck 0
}
