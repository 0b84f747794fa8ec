#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line itself: help, mistakes, privilege, tables, completions, manual.

load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

# As nobody, with a program and places that nobody can reach.
as_nobody() {
        chmod 755 "$T"
        [ -e "$T/berth" ] || install -m 755 "$BERTH" "$T/berth"
        HOME=$T/nobody setpriv --reuid=65534 --regid=65534 --clear-groups "$T/berth" "$@"
}

@test "without a verb it lists" {
        run berth
        [ "$status" -eq 0 ]
        [ "$output" = "No machines." ]
        run berth --no-legend
        [ -z "$output" ]
}

@test "help names every verb, and each verb has help" {
        run berth help
        [ "$status" -eq 0 ]
        for verb in check create clean run start list status show shell login console log top enable disable autostart reboot kill pause resume wait bind copy-to copy-from cat edit chroot profile snapshot snapshots clone rollback poweroff terminate remove rename read-only set-limit images list-images \
                image-status show-image unshare diff import-tar import-raw import-fs export-tar export-raw pull-tar pull-raw list-transfers cancel-transfer; do
                [[ $output == *"  $verb "* ]]
                berth "$verb" --help | grep -q "^berth $verb"
                berth help "$verb" | grep -q -- '--help'
        done
        berth run --help | grep -q -- '--private-users'
}

@test "version" {
        [[ $(berth --version) == "berth "* ]]
        [ "$(berth version)" = "$(berth --version)" ]
}

@test "an unknown verb is answered with the nearest" {
        run berth strat web
        [ "$status" -eq 1 ]
        [ "$output" = "berth: there is no verb 'strat'; did you mean 'start'?" ]
        run berth snap
        [[ $output == *"'snapshot'"* ]]
        run berth xyzzy
        [[ $output == *"see 'berth help'"* ]]
}

@test "an unknown option is answered with the nearest" {
        run berth run --boto
        [ "$status" -eq 1 ]
        [[ $output == *"--boot"* ]]
}

@test "words that are missing or too many: the usage" {
        run berth rollback web
        [ "$status" -eq 1 ]
        [[ $output == *"usage: berth rollback NAME SNAPSHOT"* ]]
        run berth clone a b c
        [ "$status" -eq 1 ]
        [[ $output == *"'c'"* ]]
}

@test "--json without --plan is not ignored where only the plan has a JSON form" {
        for verb in run start; do
                run berth $verb --json web
                [ "$status" -eq 1 ]
                [[ $output == *"--json is about --plan"* ]]
        done
}

@test "output that cannot be written is a failure with a reason" {
        for verb in help version check images; do
                run bash -c '"$1" "$2" >/dev/full' - "$BERTH" $verb
                [ "$status" -eq 1 ]
                [[ $output == *"cannot write to standard output: No space left on device"* ]]
        done
}

@test "bad names are refused" {
        for name in 'a/b' '..' '-x' 'a_b' "$(printf 'a%.0s' $(seq 65))"; do
                run berth start -- "$name"
                [ "$status" -eq 1 ]
                [[ $output == *"not a valid machine name"* ]]
        done
}

@test "each failure is one message, on standard error" {
        busybox_machine web
        berth start web >"$T/out" 2>"$T/err"
        ! berth start web nothing >"$T/out" 2>"$T/err"
        [ ! -s "$T/out" ]
        [ "$(wc -l <"$T/err")" -eq 2 ]
        [ "$(grep -c '^berth: ' "$T/err")" -eq 2 ]
        berth terminate web
}

@test "without root: refused by name before anything is touched" {
        for verb in 'create web debian:bookworm' 'clone a b' 'snapshot a b' 'snapshots a' 'rollback a b'; do
                run as_nobody $verb
                [ "$status" -eq 1 ]
                [[ $output == "berth: berth ${verb%% *} needs root: run it with sudo" ]]
        done
        [ ! -e "$BERTH_MACHINES" ] && [ ! -e "$BERTH_STATE" ] && [ ! -e "$BERTH_RUN" ]
}

@test "without root: list, help, check and run --plan work" {
        busybox_machine web
        berth start web
        chmod 755 "$T" # run/ is for all to read, as /run/berth is
        run as_nobody list --no-legend
        [[ $output == web* ]]
        run as_nobody check
        [[ $output == *"privilege"* ]]
        busybox_root "$T/tree"
        chown 65534:65534 "$T/tree"
        run as_nobody run -D "$T/tree" --plan -- true
        [ "$status" -eq 0 ]
        [[ $output == *"machine tree"* ]]
        berth terminate web
}

@test "check finds what this host has" {
        run berth check
        [[ $output == *"kernel "*"ok"* ]]
        berth check --json=short | jq -e '.[] | select(.what == "inotify") | .detail | contains("booted machines at once")' >/dev/null
        berth check --json=short | jq -e '.[] | select(.what == "kernel") | .state == "ok"' >/dev/null
}

@test "check says what is missing and the way out, and fails only for what is needed" {
        chmod 755 "$T"
        install -m 755 "$BERTH" "$T/berth"
        unshare -U sleep 100 3>&- & # a user namespace in which nobody may make another
        pid=$!
        until echo "0 0 65535" >"/proc/$pid/uid_map"; do sleep 0.1; done 2>/dev/null
        echo "0 0 65535" >"/proc/$pid/gid_map"
        run nsenter -t "$pid" -U -S 0 -G 0 sh -c \
                'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" check' "$T/berth"
        kill "$pid"
        [ "$status" -eq 1 ]
        [[ $output == *"MISSING"*"sudo"* ]]
        PATH=/nonexistent run "$BERTH" check
        [ "$status" -eq 0 ]
        [[ $output == *"gpgv"*"missing"*"install gpgv"* ]]
}

@test "berth itself needs only libc" {
        [ -z "$(ldd "$BERTH" | grep asan)" ] || skip "sanitizers are libraries"
        run bash -c "ldd '$BERTH' 2>/dev/null | awk '{ print \$1 }' | grep -vE 'statically|linux-vdso|libc\.so|ld-linux|ld-musl'"
        [ -z "$output" ]
}

@test "completions parse, and know verbs, options and values" {
        docs=$(dirname "$BERTH")/docs
        bash -n "$docs/berth"
        if command -v zsh >/dev/null; then zsh -n "$docs/_berth"; fi
        if command -v fish >/dev/null; then fish -n "$docs/berth.fish"; fi
        complete_words() { # the candidates for the last word
                bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); line=$*; COMP_LINE=${line// @ /@}
                         COMP_POINT=${#COMP_LINE}; compopt() { :; }; _berth
                         printf "%s\n" "${COMPREPLY[@]}"' - "$docs/berth" "$@"
        }
        complete_words berth snap | grep -qx snapshots
        complete_words berth run --dir | grep -qx -- --directory=
        complete_words berth create --variant = min | grep -qx minbase
        PATH=$(dirname "$BERTH"):$PATH
        busybox_machine web
        complete_words berth start w | grep -qx web
        berth snapshot web before-upgrade
        complete_words berth rollback web b | grep -qx before-upgrade
        complete_words berth remove w | grep -qx web
        complete_words berth remove web @ be | grep -qx before-upgrade
}

@test "the manual has every option of every verb" {
        manual=$(dirname "$BERTH")/docs/berth.1
        [ -e "$manual" ] || skip "built without the manual"
        for verb in run start shell create list; do
                for option in $(berth $verb --help | grep -oE '^ .*' | grep -oE -- ' --[a-z0-9-]+' | sort -u); do
                        tr -d '\\' <"$manual" | grep -qF -- "$option" || { echo "$verb $option is not in the manual"; return 1; }
                done
        done
}

@test "list-images, image-status and show-image: machinectl's columns and footer, and JSON" {
        busybox_machine web
        echo web.example >"$BERTH_MACHINES/web/etc/hostname"
        berth clone web two
        run berth list-images
        [[ ${lines[0]} =~ ^NAME\ +TYPE\ +RO\ +USAGE\ +CREATED\ +MODIFIED$ ]]
        [[ ${lines[2]} =~ ^web\ +directory\ no\ +-\ +20 ]]
        [ "${lines[-1]}" = "2 images listed." ]
        [ "$(berth list-images --json=short -a | jq -r '.[1].name, .[1].ro, .[1].usage')" = "$(printf 'web\nfalse\nnull')" ]
        run berth image-status web
        [[ $output == "web"*"Type: directory"*"Path: $BERTH_MACHINES/web"*"Hostname: web.example"*"RO: writable"* ]]
        [[ $(berth image-status) == *"Path: $BERTH_MACHINES"*"Usage: "*"Limit: "* ]]
        berth show-image web | grep -qx "ReadOnly=no"
        [ "$(berth show-image web --json=short | jq -c '[.Name, .Type, .Limit]')" = '["web","directory",null]' ]
        berth show-image | grep -qx "PoolPath=$BERTH_MACHINES"
        run berth image-status other
        [ "$status" -eq 1 ]
        [[ $output == *"machine 'other' does not exist"* ]]
}

@test "rename and read-only: refused while the machine runs, settings in /etc and user IDs go along" {
        local old=web-$BERTH_TEST_ID new=new-$BERTH_TEST_ID made_etc=
        [ -d /etc/systemd/nspawn ] || made_etc=1
        mkdir -p /etc/systemd/nspawn
        busybox_machine "$old"
        printf '[Exec]\nHostname=fixed\n' >"/etc/systemd/nspawn/$old.nspawn"
        berth start "$old"
        for verb in "rename $old $new" "read-only $old"; do
                run berth $verb
                [ "$status" -eq 1 ]
                [[ $output == *"machine '$old' is running and cannot be "*"stop it with 'berth poweroff $old'"* ]]
        done
        berth poweroff "$old"
        range=$(cat "$BERTH_STATE/id-ranges/$old")
        berth rename "$old" "$new"
        [ -e "/etc/systemd/nspawn/$new.nspawn" ] && [ ! -e "/etc/systemd/nspawn/$old.nspawn" ]
        rm "/etc/systemd/nspawn/$new.nspawn"
        [ -z "$made_etc" ] || rmdir -p --ignore-fail-on-non-empty /etc/systemd/nspawn
        [ "$(cat "$BERTH_STATE/id-ranges/$new")" = "$range" ]
        if berth read-only "$new"; then
                berth start "$new"
                run berth shell "$new" -- /bin/sh -c 'echo x >/file'
                [ "$status" -ne 0 ]
                [[ $output == *"Read-only file system"* ]]
                berth poweroff "$new"
                run berth remove "$new"
                [[ $output == *"'berth read-only $new no' makes it writable"* ]]
                berth read-only "$new" no
        fi
        for text in 0 12x ''; do
                run berth set-limit "$new" "$text"
                [[ $output == *"'$text' is no size: bytes, with K, M, G or T behind, or '-' for no limit"* ]]
        done
        run berth set-limit "$new" 1G
        [[ $output == *"is on the directory driver, which cannot limit what a machine uses"* ]]
        berth remove "$new"
}
