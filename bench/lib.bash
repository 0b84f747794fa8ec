# SPDX-License-Identifier: LGPL-2.1-or-later
# What the benchmarks share: a place of their own, a small root, tables from hyperfine's JSON.

# /run is in memory on each host that an init booted; where it is not, the benchmark sees one that is.
run_in_memory() { # ARGUMENT...: those of the benchmark, which is started again
        [ "$(stat -f -c %T /run)" = tmpfs ] && return
        rm -rf "$place"
        exec unshare -m sh -c 'mount -t tmpfs -o mode=755 run /run && exec "$0" "$@"' "$PWD/${0##*/}" "$@"
}

place=$(mktemp -d /var/tmp/berth-bench.XXXXXX)
made_by_nspawn=()
export BERTH_MACHINES=$place/machines BERTH_STATE=$place/state BERTH_RUN=/run/${place##*/}
# systemd-nspawn --keep-unit makes payload/ and supervisor/ in the control group that it is started in, and leaves them.
cgroup_mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
cgroup=$cgroup_mount$(sed -n 's/^0:://p' /proc/self/cgroup)
for group in payload supervisor; do [ -e "$cgroup/$group" ] || made_by_nspawn+=("$cgroup/$group"); done
bench_cleanup() {
        local m
        for m in $("$BERTH" list --no-legend 2>/dev/null | awk '{ print $1 }'); do "$BERTH" terminate "$m"; done
        sleep 0.5 # its last processes are still ending
        find "${made_by_nspawn[@]}" -depth -type d -exec rmdir {} + 2>/dev/null || :
        rm -rf --one-file-system "$place" "$BERTH_RUN"
}
trap bench_cleanup EXIT
trap 'exit 130' INT TERM

small_root() { # DIR: a busybox root that each of the peers can start
        mkdir -p "$1"/{bin,sbin,dev,proc,sys,run,tmp,etc,usr/bin,usr/lib,root,var}
        cp "$(command -v busybox)" "$1/bin/busybox"
        for applet in sh true ls cat sleep; do ln -sf busybox "$1/bin/$applet"; done
        printf 'ID=bench\nNAME=bench\n' >"$1/usr/lib/os-release"
        ln -sf ../usr/lib/os-release "$1/etc/os-release"
        printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
        printf 'root:x:0:\n' >"$1/etc/group"
}

# A table from hyperfine's JSON: name, median, minimum, maximum, and the ratio to the row that is named.
hyper_table() { # JSON REFERENCE UNIT(ms|s)
        jq -r --arg ref "$2" --arg unit "$3" '
                (if $unit == "ms" then 1000 else 1 end) as $k
                | (.results[] | select(.command == $ref) | .median) as $m
                | def r(d): . * pow(10; d) | round / pow(10; d) | tostring;
                (["", "median " + $unit, "min", "max", $ref + " / it"] | @tsv),
                (.results[] | [.command, (.median * $k | r(2)), (.min * $k | r(2)), (.max * $k | r(2)), ($m / .median | r(3))] | @tsv)' "$1" |
                column -t -s $'\t'
}
