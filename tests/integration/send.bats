#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams: what 'berth send' writes and 'berth receive' makes of it, on a second host, which here is a second set of directories.

bats_require_minimum_version 1.5.0
load lib/berth

setup() { berth_setup; }
teardown() { berth_teardown; }

there() { BERTH_MACHINES=$T/there/machines BERTH_STATE=$T/there/state BERTH_RUN=$T/there/run "$BERTH" "$@"; }

# All that a stream keeps: names, types, modes, owners, times, sizes, link counts, attributes and contents.
picture() {
        (cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %T@ %n %l\n' | sort && find . -type f -exec sha256sum {} + | sort -k2 &&
                getfattr -R -h -d -m 'user|security.cap|posix_acl' . 2>/dev/null)
}

tree() {
        mkdir -p "$T/tree/etc" "$T/tree/many/deep" "$T/tree/gone/below" "$T/tree/turns"
        echo one >"$T/tree/etc/version"
        ln -s /etc/version "$T/tree/link"
        echo shared >"$T/tree/many/a"; ln "$T/tree/many/a" "$T/tree/many/b"
        echo x >"$T/tree/gone/below/file"; echo x >"$T/tree/turns/file"; echo x >"$T/tree/many/deep/$(printf 'odd \n name')"
        setfattr -n user.first -v 1 "$T/tree/many" && setfattr -n user.f -v 2 "$T/tree/etc/version"
        chown 12:34 "$T/tree/many/deep" && chmod 2751 "$T/tree/many/deep"
        truncate -s 1M "$T/tree/hole"; mkfifo "$T/tree/pipe"
        touch -d 2001-02-03 "$T/tree/etc" "$T/tree/many/a"
        berth import-fs "$T/tree" web --driver=$1 2>/dev/null
}

# What can change between two states.
changes() {
        rm -r "$1/gone" "$1/turns"; echo now a file >"$1/turns"
        echo two >"$1/etc/version"
        rm "$1/link"; mkdir "$1/link"; echo in >"$1/link/file"
        setfattr -x user.first "$1/many"; setfattr -n user.second -v 2 "$1/many"
        ln "$1/many/a" "$1/many/c"; chmod 700 "$1/many/deep"; chown 5:5 "$1/pipe"
        touch -d 2002-03-04 "$1/etc"
}

in_web() { # COMMAND: with the tree of the stopped machine in $1
        case $driver in
        directory) "$1" "$BERTH_MACHINES/web" ;;
        overlay) export -f "$1"; unshare -m bash -euc '
                d=$BERTH_MACHINES/web.mstack; lower=; for l in $(ls -d $d/layer@* | sort -rV); do lower=$lower${lower:+:}$l; done
                mkdir -p "$T/mnt"; mount -t overlay o -o "lowerdir=$lower,upperdir=$d/rw/data,workdir=$d/rw/work,index=off,redirect_dir=on" "$T/mnt"
                '"$1"' "$T/mnt"' ;;
        esac
}

@test "a stream makes the same machine elsewhere, whole and then by changes, whatever the drivers" {
        local driver other
        export T
        for driver in directory overlay; do
                other=$([ $driver = overlay ] && echo directory || echo overlay)
                rm -rf "$T/tree"; tree $driver
                berth snapshot web s1
                in_web changes
                berth snapshot web s2
                berth send web@s1 | there receive copy --driver=$other
                [ "$(there snapshots copy --no-legend | awk '{ print $1 }')" = s1 ]
                [ "$(there list-images --no-legend | awk '{ print $1 }')" = copy ]
                berth send web@s2 --from=s1 >"$T/change"
                there receive copy "$T/change"
                [ "$(there snapshots copy --no-legend | awk '{ print $1 }' | xargs)" = "s1 s2" ]
                berth export-tar web@s2 "$T/a.tar" --force; there export-tar copy@s2 "$T/b.tar" --force
                cmp "$T/a.tar" "$T/b.tar"
                there export-tar copy "$T/b.tar" --force
                cmp "$T/a.tar" "$T/b.tar"
                berth export-tar web@s1 "$T/a.tar" --force; there export-tar copy@s1 "$T/b.tar" --force
                cmp "$T/a.tar" "$T/b.tar"
                # on to a third one, by way of the second
                there send copy@s1 | berth receive third --driver=$driver
                berth receive third "$T/change"
                berth export-tar third@s2 "$T/b.tar" --force; berth export-tar web@s2 "$T/a.tar" --force
                cmp "$T/a.tar" "$T/b.tar"
                berth remove web third; there remove copy
        done
        BERTH_MACHINES=$T/there/machines berth_no_debris
        berth_no_debris
}

@test "what does not fit is refused, and leaves everything as it was" {
        local state
        tree directory
        berth snapshot web s1
        echo two >"$BERTH_MACHINES/web/etc/version"
        berth snapshot web s2
        run script -qec "'$BERTH' send web@s1" /dev/null </dev/null
        [[ $output == *"a stream does not go to a terminal"* ]]
        run --separate-stderr berth send web --from=s1
        [[ $status -eq 1 && $stderr == *"berth send web@SNAPSHOT --from=s1"* ]]
        run --separate-stderr berth send web@s2 --from=nothing
        [[ $status -eq 1 && $stderr == *"machine 'web' has no snapshot 'nothing'"* ]]
        berth send web@s1 >"$T/whole"; berth send web@s2 --from=s1 >"$T/change"
        run there receive web "$T/change"
        [[ $status -eq 1 && $output == *"machine 'web' does not exist"* ]]
        there receive web --driver=directory "$T/whole"
        run there receive web "$T/whole"
        [[ $status -eq 1 && $output == *"machine 'web' already exists"* ]]
        echo mine >"$T/there/machines/web/etc/version"
        run there receive web "$T/change"
        [[ $status -eq 1 && $output == *"machine 'web' was changed since 's1'; 'berth rollback web s1', or --force, gives that up"* ]]
        [ "$(cat "$T/there/machines/web/etc/version")" = mine ]
        there rollback web s1
        state=$(picture "$T/there/machines/web")
        # cut off, damaged, nothing
        local size
        size=$(stat -c %s "$T/change")
        head -c $((size - 20)) "$T/change" >"$T/bad"
        run there receive web "$T/bad"
        [[ $status -eq 1 && $output == *"the stream ends too early"* ]]
        cp "$T/change" "$T/bad"; printf X | dd of="$T/bad" bs=1 seek=$((size / 2)) conv=notrunc status=none
        run there receive web "$T/bad"
        [[ $status -eq 1 && $output == *"the stream is damaged: its digest"* ]]
        head -c 100000 /dev/zero >"$T/bad"
        run there receive new "$T/bad"
        [[ $status -eq 1 && $output == *"this is no stream of 'berth send'"* ]]
        size=$(stat -c %s "$T/whole")
        cp "$T/whole" "$T/bad"; printf X | dd of="$T/bad" bs=1 seek=$((size / 2)) conv=notrunc status=none
        run there receive new --driver=overlay "$T/bad"
        [[ $status -eq 1 && $output == *"the stream is damaged"* ]]
        [ "$(there list-images --no-legend | awk '{ print $1 }')" = web ]
        [ "$(picture "$T/there/machines/web")" = "$state" ]
        # a snapshot of that name, but not that one
        there snapshot web s2
        run there receive web "$T/change"
        [[ $status -eq 1 && $output == *"already has a snapshot 's2'"* ]]
        there remove web; there import-fs "$T/tree" web --driver=directory 2>/dev/null; there snapshot web s1
        run there receive web "$T/change"
        [[ $status -eq 1 && $output == *"is not the one that the stream goes on from"* ]]
        there remove web
        BERTH_MACHINES=$T/there/machines berth_no_debris
}

@test "a machine that runs is sent by a snapshot, which is dropped; one without has none there" {
        rm -rf "$T/root"
        busybox_root "$T/root" busybox
        berth import-fs "$T/root" web --driver=overlay 2>/dev/null
        berth start web 2>/dev/null
        berth shell web -- /bin/sh -c 'echo live >/state'
        berth send web | there receive copy --driver=directory
        [ "$(cat "$T/there/machines/copy/state")" = live ]
        [ -z "$(there snapshots copy --no-legend)$(berth snapshots web --no-legend)" ]
        berth terminate web
        berth_no_debris
}

# kill_receive WHAT…: berth-create is killed at the calls that change something, then everything is as it was, or as it shall be.
kill_receive() { # BEFORE AFTER STREAM
        local sys n state kills=0 all
        for sys in renameat2 renameat symlinkat syncfs; do
                for n in 1 2 4 7 12; do
                        rm -rf "$T/there"; cp -a "$T/template" "$T/there"
                        BERTH_MACHINES=$T/there/machines BERTH_STATE=$T/there/state BERTH_RUN=$T/there/run strace -f -o /dev/null \
                                -e inject=$sys:signal=KILL:when=$n "$BERTH" receive web "$3" >/dev/null 2>&1 && break
                        kills=$((kills + 1))
                        there list >/dev/null
                        state=$(there snapshots web --no-legend 2>/dev/null | awk '{ print $1 }' | xargs) || :
                        all="$state $(cat "$T/there/machines/web/etc/version" 2>/dev/null || :)"
                        [ "$all" = "$1" ] || [ "$all" = "$2" ] || { echo "after a kill at $sys $n: $all"; return 1; }
                        (BERTH_MACHINES=$T/there/machines; berth_no_debris) || return
                        [ "$all" = "$2" ] || there receive web "$3" || return
                done
        done
        echo "# $kills kills" >&3
        [ $kills -ge 6 ]
}

@test "kill -9 anywhere in receive" {
        tree directory
        berth snapshot web s1
        echo two >"$BERTH_MACHINES/web/etc/version"
        berth snapshot web s2
        berth send web@s1 >"$T/whole"; berth send web@s2 --from=s1 >"$T/change"
        there list-images >/dev/null; there import-fs "$T/tree" other --driver=directory 2>/dev/null
        cp -a "$T/there" "$T/template"
        kill_receive " " "s1 one" "$T/whole"
        rm -rf "$T/there"; cp -a "$T/template" "$T/there"
        there receive web "$T/whole" --driver=directory
        rm -rf "$T/template"; cp -a "$T/there" "$T/template"
        kill_receive "s1 one" "s1 s2 two" "$T/change"
}

@test "a full disk where it is received leaves what was there" {
        export T BERTH
        tree directory
        head -c 3000000 /dev/urandom >"$BERTH_MACHINES/web/big"
        berth send web >"$T/whole"
        mkdir -p "$T/there/machines"
        unshare -m bash -euc '
                mount -t tmpfs -o size=2M,mode=755 none "$T/there/machines"
                export BERTH_MACHINES=$T/there/machines BERTH_STATE=$T/there/state BERTH_RUN=$T/there/run
                if "$BERTH" receive web "$T/whole" --driver=directory 2>"$T/err"; then exit 1; fi
                grep -qE "no space|limit of" "$T/err" || { cat "$T/err"; exit 1; }
                [ -z "$("$BERTH" list-images --no-legend)" ]
                [ -z "$(ls -A "$BERTH_MACHINES/.berth.v/work")" ]'
}
