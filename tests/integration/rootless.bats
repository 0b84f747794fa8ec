#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Machines of an ordinary user: with subordinate IDs, and with its single own one.

load lib/berth

# A user whom only this test's mount namespaces know: /etc/passwd, /etc/subuid and so on are bound over there, and nothing of the host's
# is changed.
setup() {
        berth_setup
        unset BERTH_MACHINES BERTH_STATE BERTH_RUN BERTH_CACHE BERTH_CGROUP
        ME=$((200000 + RANDOM % 30000))
        SUB=$((1000000000 + (RANDOM % 1000) * 100000))
        chmod 755 "$T"
        H=$T/home M=$T/home/.local/state/machines
        mkdir -p "$H" "$T/etc"
        mkdir -m 700 "$T/xdg"
        chown "$ME:$ME" "$T/xdg"
        install -m 755 "$BERTH" "$T/berth"
        install -m 755 "$(command -v busybox)" "$T/busybox"
        { cat /etc/passwd; echo "rosa:x:$ME:$ME::$H:/bin/sh"; } >"$T/etc/passwd"
        { cat /etc/group; echo "rosa:x:$ME:"; } >"$T/etc/group"
        echo "rosa:$SUB:65536" >"$T/etc/subuid"
        echo "$ME:$SUB:65536" >"$T/etc/subgid" # by number is as good
        machine web
}

teardown() {
        local status=0
        rosa terminate web >/dev/null 2>&1 || :
        nothing_left || status=1
        pids_of_rosa | xargs -r kill -9 2>/dev/null
        rm -rf "$T"
        return $status
}

# Processes with an ID of hers.
pids_of_rosa() {
        awk -v me="$ME" -v sub_first="$SUB" '/^Uid:/ && ($2 == me || ($2 >= sub_first && $2 < sub_first + 65536)) { split(FILENAME, p, "/"); print p[3] }' \
                /proc/[0-9]*/status 2>/dev/null
}
running() { pids_of_rosa | xargs -r -I{} sh -c 'grep -qs "^State:.*Z" /proc/{}/status || ps -o pid=,args= -p {}'; }

nothing_left() {
        local tries left
        for tries in 1 2 3 4 5 6 7 8 9 10; do
                left=$(running)
                [ -z "$left" ] && break
                sleep 0.1
        done
        [ -z "$left" ] || { echo "processes left: $left"; return 1; }
        ! grep -F "$T" /proc/self/mountinfo || return 1
        left=$(ls "$T/xdg/berth/machines" 2>/dev/null) || :
        [ -z "$left" ] || { echo "records left: $left"; return 1; }
}

# rosa WORD…: berth with her subordinate IDs; alone WORD…: without any
as_rosa() { # COMMAND…
        setpriv --reuid="$ME" --regid="$ME" --clear-groups env -i PATH="$PATH" HOME="$H" XDG_RUNTIME_DIR="$T/xdg" "$@"
}
with_etc() { # DIRECTORY COMMAND…
        unshare --mount --propagation private sh -c 'd=$1; shift; for f in "$d"/*; do mount --bind "$f" "/etc/${f##*/}" || exit; done; exec "$@"' - "$@"
}
with_subids() { with_etc "$T/etc" setpriv --reuid="$ME" --regid="$ME" --clear-groups env -i PATH="$PATH" HOME="$H" XDG_RUNTIME_DIR="$T/xdg" "$@"; }
rosa() {
        [ -e /etc/subuid ] && [ -e /etc/subgid ] || skip "this host has no /etc/subuid"
        with_subids "$T/berth" "$@"
}
alone() { as_rosa "$T/berth" "$@"; }

supervisor() { alone show "$1" | sed -n 's/^Supervisor=//p'; }

machine() { # NAME [INIT]
        busybox_root "$M/$1" "${2-busybox}"
        chown -R -h "$ME:$ME" "$H"
}

@test "a command: output, exit status, and who it is" {
        for who in rosa alone; do
                run $who run web sh -c 'id -u; cat /proc/self/setgroups; exit 7'
                [ "$status" -eq 7 ]
                [ "${lines[0]}" = 0 ]
        done
        [ "$(rosa run -D "$M/web" cat /proc/self/uid_map | tr -s ' ')" = " 0 0 1
 1 1 65536" ]
        [ "$(alone run -D "$M/web" cat /proc/self/uid_map | tr -s ' ')" = " 0 0 1" ]
        [ "$(echo through | alone run web cat)" = through ]
        mkdir -m 700 "$T/closed" # where su leaves a user who may not look there
        (cd "$T/closed" && [ "$(rosa run web echo in)" = in ] && [ "$(alone run web echo in)" = in ])
}

@test "what is made inside belongs to the user and to its subordinate IDs" {
        rosa run web sh -c 'touch /root/own /root/other; chown 5:7 /root/other'
        [ "$(stat -c %u:%g "$M/web/root/own")" = "$ME:$ME" ]
        [ "$(stat -c %u:%g "$M/web/root/other")" = "$((SUB + 4)):$((SUB + 6))" ]
        run rosa run -u lina web id
        [[ $output == *"uid=1000(lina)"*"50(staff)"* ]]
        run alone run -u lina web id
        [ "$status" -eq 1 ]
        [[ $output == *"user 'lina' (1000:1000) is outside the machine's range of 1 IDs" ]]
}

@test "--as-pid2: the stub reaps, and the command is 2" {
        for who in rosa alone; do
                [ "$($who run -a web sh -c 'echo $$')" = 2 ]
                run $who run -a web sh -c '(sleep 0.05 &); exit 3'
                [ "$status" -eq 3 ]
        done
}

@test "boot in the foreground, and SIGTERM to berth shuts the machine down" {
        for who in with_subids as_rosa; do
                $who "$T/berth" run -b web </dev/null >"$T/out" 2>&1 3>&- &
                for tries in $(seq 100); do grep -q 'system is up' "$T/out" && break; sleep 0.1; done
                grep -q 'system is up' "$T/out"
                kill -TERM "$(supervisor web)"
                wait $!
                [ -e "$M/web/var/log/clean-shutdown" ]
                rm -f "$M/web/var/log/clean-shutdown"
        done
}

@test "start, list, status, show, shell, poweroff" {
        for who in rosa alone; do
                $who start web
                [[ $(alone list --no-legend) == "web "* ]]
                [[ $(alone status web) == *"State: running"* ]]
                alone show web | grep -qx "UIDShift=$ME"
                [ "$($who shell web id -u)" = 0 ]
                run $who shell web sh -c 'exit 9'
                [ "$status" -eq 9 ]
                run $who start web
                [ "$status" -eq 1 ]
                [[ $output == *"already running"* ]]
                $who poweroff web
                [ "$(alone list)" = "No machines." ]
                [ -e "$M/web/var/log/clean-shutdown" ]
                rm -f "$M/web/var/log/clean-shutdown"
                nothing_left
        done
        rosa start web
        [[ $(rosa shell lina@web id) == "uid=1000(lina)"* ]]
        rosa terminate web
}

@test "kill -9 of the supervisor: the machine is found, entered and stopped, and nothing is left" {
        for who in rosa alone; do
                $who start web
                kill -9 "$(supervisor web)"
                [[ $(alone list --no-legend) == "web "* ]]
                [ "$($who shell web id -u)" = 0 ]
                alone terminate web
                [ "$(alone list)" = "No machines." ]
                nothing_left
                $who run web true
        done
}

@test "kill -9 of supervisor and machine: the next command clears up" {
        rosa start web
        kill -9 "$(supervisor web)" "$(alone show web | sed -n 's/^Leader=//p')"
        for tries in 1 2 3 4 5 6 7 8 9 10; do [ "$(alone list)" = "No machines." ] && break; sleep 0.1; done
        nothing_left
}

@test "kill -9 of berth run takes its machine along" {
        as_rosa "$T/berth" run web sh -c 'echo up; sleep 1000' </dev/null >"$T/out" 2>&1 3>&- &
        for tries in $(seq 100); do grep -q up "$T/out" && break; sleep 0.1; done
        kill -9 "$(supervisor web)"
        wait $! || :
        for tries in $(seq 50); do [ -z "$(running)" ] && break; sleep 0.1; done
        alone list >/dev/null
        nothing_left
}

@test "read-only binds stay read-only for the machine's root, files and directories" {
        mkdir "$H/data"
        echo kept >"$H/data/file"
        chown -R "$ME:$ME" "$H/data"
        for who in rosa alone; do
                run $who run --bind-ro="$H/data:/mnt" --bind-ro="$H/data/file:/file" --capability=all web sh -c '
                        for m in /mnt /file; do mount -o remount,bind,rw $m; done
                        umount /mnt; umount /file
                        echo lost >/mnt/file; echo lost >/file; rm /mnt/file; true'
                [ "$(cat "$H/data/file")" = kept ]
        done
        alone run --bind="$H/data:/mnt" web sh -c 'echo new >/mnt/new'
        [ "$(stat -c %u "$H/data/new")" = "$ME" ]
}

@test "tmpfs, masks, overlay" {
        mkdir -p "$H/low/dir" "$H/up"
        echo low >"$H/low/file"
        touch "$H/low/dir/old"
        chown -R "$ME:$ME" "$H/low" "$H/up"
        for who in rosa alone; do
                $who run --tmpfs=/mnt --inaccessible=/etc/passwd web sh -c 'echo x >/mnt/x && [ ! -s /etc/passwd ]'
                [ ! -e "$M/web/mnt/x" ]
                $who run --overlay="$H/low:$H/up:/mnt" web sh -c 'cat /mnt/file; echo up >/mnt/file; rm -r /mnt/dir; mkdir /mnt/dir'
                [ "$(cat "$H/low/file" "$H/up/file")" = "low
up" ]
                [ -z "$($who run --overlay-ro="$H/low:$H/up:/mnt" web ls /mnt/dir)" ]
                rm -r "$H/up/dir" "$H/up/file"
                [ ! -e "$H/.#up.work" ]
        done
        run rosa run -q web sh -c 'cat /proc/timer_list; echo 1 >/proc/sys/vm/swappiness; cat /proc/sys/kernel/random/boot_id'
        [[ $output == *"Read-only file system"* ]]
}

@test "seccomp, capabilities and no_new_privs are as for root" {
        [ "$(alone run web sed -n 's/^Seccomp:\t//p' /proc/self/status)" = 2 ]
        [ "$(alone run web sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)" = 0 ]
        [ "$(alone run --no-new-privileges=yes web sed -n 's/^NoNewPrivs:\t//p' /proc/self/status)" = 1 ]
        [ "$(alone run --drop-capability=CAP_CHOWN web sed -n 's/^CapBnd:\t//p' /proc/self/status)" != "$(alone run web sed -n 's/^CapBnd:\t//p' /proc/self/status)" ]
        ! alone run web mknod /tmp/disk b 8 0 2>/dev/null
        [ "$(alone run web readlink /dev/ptmx)" = pts/ptmx ]
        alone run web sh -c 'echo x >/dev/null && head -c 1 /dev/zero >/dev/null'
        [ "$(alone run web ls /sys/class/net)" = lo ]
        alone run --network=host web ls /sys/class >/dev/null
}

@test "stacks: changes, whiteouts and opaque directories, seen by berth as by the machine" {
        mkdir -p "$M/st.mstack/layer@0" "$M/st.mstack/rw"
        mv "$M/web" "$M/st.mstack/layer@0.new" && mv -T "$M/st.mstack/layer@0.new" "$M/st.mstack/layer@0"
        chown "$ME:$ME" "$M/st.mstack" "$M/st.mstack/layer@0" "$M/st.mstack/rw"
        for who in rosa alone; do
                $who run st sh -c 'rm -rf /etc/inittab /home /var/made; mkdir /home; touch /var/made'
                [ "$($who run st sh -c 'ls /home; ls /var/made')" = /var/made ]
                [ -e "$M/st.mstack/layer@0/home/lina" ] && [ ! -e "$M/st.mstack/layer@0/var/made" ]
        done
        rosa run st sh -c 'rm -r /etc; mkdir /etc; echo "eva:x:5:5::/:/bin/sh" >/etc/passwd'
        [ "$(rosa run -u eva st id -u)" = 5 ] # the one of the layers below is not read
        run rosa run -u lina st true
        [[ $output == *"there is no user 'lina'"* ]]
        rosa images | grep -q '^st '
        rosa remove st
        [ ! -e "$M/st.mstack" ]
        machine web
}

@test "--ephemeral and --volatile leave the tree as it is" {
        for option in -x --volatile=overlay; do
                for who in rosa alone; do
                        $who run $option web touch /etc/new
                        [ ! -e "$M/web/etc/new" ]
                done
        done
        alone list >/dev/null
        [ -z "$(find "$M" -path '*work*' -name '.#*')" ]
}

@test "a tree runs once at a time, wherever it is" {
        as_rosa "$T/berth" run -D "$M/web" --machine=one sh -c 'echo up; sleep 1000' </dev/null >"$T/out" 2>&1 3>&- &
        for tries in $(seq 100); do grep -q up "$T/out" && break; sleep 0.1; done
        run alone run -D "$M/web" --machine=two true
        [ "$status" -eq 1 ]
        [[ $output == *"'two' is in use"* ]]
        rosa terminate one
        wait $! || :
}

@test "unshare: files as the machine's root has them" {
        rosa unshare chown 1000:1000 "$M/web/tmp"
        [ "$(stat -c %u "$M/web/tmp")" = "$((SUB + 999))" ]
        [ "$(rosa unshare stat -c %u "$M/web/tmp")" = 1000 ]
        run rosa unshare sh -c 'exit 5'
        [ "$status" -eq 5 ]
        rosa unshare tar -C "$M/web" -cf "$T/home/web.tar" .
        mkdir "$H/copy"
        chown "$ME:$ME" "$H/copy"
        rosa unshare tar -C "$H/copy" -xpf "$H/web.tar"
        [ "$(stat -c %u "$H/copy/tmp")" = "$((SUB + 999))" ]
        rosa run -D "$H/copy" true
}

@test "settings are read from the user's own directory" {
        mkdir -p "$H/.config/systemd/nspawn"
        printf '[Exec]\nHostname=from-config\n' >"$H/.config/systemd/nspawn/web.nspawn"
        chown -R "$ME:$ME" "$H/.config"
        [ "$(alone run web hostname)" = from-config ]
}

@test "without a runtime directory the records are with the state" {
        nothing() { setpriv --reuid="$ME" --regid="$ME" --clear-groups env -i PATH="$PATH" HOME="$H" XDG_RUNTIME_DIR="$1" "$T/berth" "${@:2}"; }
        mkdir -m 777 "$T/open"
        for dir in "" "$T/open" /root; do # none, one that others may write to, another's
                nothing "$dir" start web
                [ -e "$H/.local/state/berth/run/machines/web/state" ]
                nothing "$dir" terminate web
        done
        [ -z "$(ls "$T/open")" ]
}

@test "another's tree, and what takes root, is refused by name before anything starts" {
        busybox_root "$T/tree"
        run alone run -D "$T/tree" true
        [ "$status" -eq 1 ]
        [[ $output == *"belongs neither to you nor to your IDs"*"berth unshare"* ]]
        for option in --private-users=pick --private-users=no --private-users-map=0:1000:1 --slice=a.slice --oom-score-adjust=-5; do
                run alone run "$option" web true
                [ "$status" -eq 1 ]
                [[ $output == "berth: ${option%%=*} (argument 1) needs root: "* ]]
        done
        run alone create x debian:bookworm
        [ "$output" = "berth: berth create needs root: run it with sudo" ]
}

@test "newuidmap: missing, or unwilling" {
        mkdir "$T/bin"
        run with_subids env PATH="$T/bin" "$T/berth" run web true
        [ "$status" -eq 1 ]
        [[ $output == *"user 'rosa' has IDs of its own in /etc/subuid, but newuidmap and newgidmap"*"uidmap"* ]]
        printf '#!/bin/sh\necho "newuidmap: no, $*" >&2\nexit 1\n' >"$T/bin/newuidmap"
        cp "$T/bin/newuidmap" "$T/bin/newgidmap"
        chmod 755 "$T"/bin/*
        run with_subids env PATH="$T/bin:$PATH" "$T/berth" run web true
        [ "$status" -eq 1 ]
        [[ $output == *"IDs that user 'rosa' has in /etc/subuid and /etc/subgid: '$T/bin/newuidmap' failed: newuidmap: no, "*" 0 $ME 1 1 $SUB 65536" ]]
        run rosa check
        [[ $output == *"root is $ME, 1 is $SUB"* ]]
}

@test "a control group that was delegated is used, and gone afterwards" {
        cg=$(cgroup2_mountpoint)
        [ -n "$cg" ] && mkdir "$cg/berth-test-$BERTH_TEST_ID" || skip "no cgroup2"
        group=$cg/berth-test-$BERTH_TEST_ID
        chown "$ME" "$group" "$group"/cgroup.{procs,subtree_control,threads}
        in_group() { sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" setpriv --reuid="$ME" --regid="$ME" --clear-groups env -i PATH="$PATH" HOME="$H" XDG_RUNTIME_DIR="$T/xdg" "$T/berth" "$@"; }
        in_group start web
        [ "$(alone shell web sh -c 'mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x && echo own')" = own ]
        in_group poweroff web
        [ -z "$(find "$group" -mindepth 1 -type d)" ]
        rmdir "$group"
}

@test "the user's own systemd makes the control group, where none is delegated" {
        local cg group systemd=/lib/systemd/systemd
        cg=$(cgroup2_mountpoint)
        [ -n "$cg" ] && [ -x "$systemd" ] && mkdir "$cg/berth-test-$BERTH_TEST_ID" || skip "no cgroup2, or no systemd"
        group=$cg/berth-test-$BERTH_TEST_ID
        chown "$ME" "$group" "$group"/cgroup.{procs,subtree_control,threads}
        mkdir "$group/session"
        in_session() { sh -c 'echo $$ >"$0/session/cgroup.procs" && exec "$@"' "$group" setpriv --reuid="$ME" --regid="$ME" --clear-groups env -i PATH="$PATH" HOME="$H" XDG_RUNTIME_DIR="$T/xdg" "$T/berth" "$@"; }
        # A manager that finds the host booted by systemd, and its own user known.
        with_etc "$T/etc" sh -c 'mount -t tmpfs run /run && mkdir -p /run/systemd/system && echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
                setpriv --reuid="$ME" --regid="$ME" --clear-groups env -i PATH="$PATH" HOME="$H" XDG_RUNTIME_DIR="$T/xdg" \
                "$systemd" --user --unit=basic.target >"$T/manager" 2>&1 3>&- </dev/null &
        for tries in $(seq 100); do [ -S "$T/xdg/systemd/private" ] && break; sleep 0.1; done
        [ -S "$T/xdg/systemd/private" ] || { cat "$T/manager"; false; }

        in_session start web
        in_session show web | grep -qx "ControlGroup=/berth-test-$BERTH_TEST_ID/machine.slice/berth-web.scope/berth-web"
        [ "$(in_session shell web sh -c 'mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x && echo own')" = own ]
        in_session terminate web
        for tries in $(seq 50); do [ -e "$group/machine.slice/berth-web.scope" ] || break; sleep 0.1; done
        [ ! -e "$group/machine.slice/berth-web.scope" ]
        in_session run web true

        kill -TERM $(cat "$group/init.scope/cgroup.procs")
        wait $! || :
        for tries in $(seq 50); do [ -z "$(find "$group" -name cgroup.procs -exec cat {} +)" ] && break; sleep 0.1; done
        find "$group" -depth -type d -exec rmdir {} +
}
