#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# --oci-bundle: real bundles, as a payload sees them; and beside runc and crun.

load lib/berth
load lib/bundle

setup_file() { bundle_file_setup; }
setup() { berth_setup; }
teardown() {
        [ -z "${HOLDER-}" ] || kill -9 "$HOLDER" 2>/dev/null || :
        local status=0 dir
        berth_teardown || status=1
        for dir in /sys/fs/cgroup/*/; do # groups of cgroup v1 go with the machine, too
                case $dir in */unified/) continue ;; esac
                if find "$dir" -maxdepth 4 -type d -name "*berth-test-${BERTH_TEST_ID-none}*" 2>/dev/null | grep .; then status=1; fi
        done
        return $status
}

refused() { # MESSAGE-PART... -- COMMAND...
        local parts=() part
        while [ "$1" != -- ]; do parts+=("$1"); shift; done
        shift
        run "$@"
        [ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
        for part in "${parts[@]}"; do [[ $output == *"$part"* ]] || { echo "no '$part' in: $output"; return 1; }; done
}

# What a payload sees: environment, mounts and their flags, rights, devices, limits, namespaces' names, signals.
PROBE='id; env | sort; tail -n +1 /proc/self/mountinfo | cut -d" " -f5,6 | sort
       grep -E "^(Cap|NoNewPrivs|Seccomp:|Groups|Sig[^Q])" /proc/self/status; ls -l /dev | sed "s/ [A-Z][a-z][a-z] .*:.. / /"
       ls -A /proc/acpi /sys/firmware; wc -c </proc/keys; ulimit -a; umask; pwd; hostname; cat /proc/self/oom_score_adj
       readlink /proc/self/fd/0 >/dev/null; set -- /proc/[0-9]*; echo $#; ip -o link | wc -l'

# ---- beside the peers ----

seen() {
        local line
        grep -v "^/sys/fs/cgroup" "$1" | while IFS= read -r line; do
                [[ $line != SigIgn:* ]] || line=$(printf 'SigIgn: %x' $((16#${line##*[[:space:]]} & ~0x380000000)))
                printf '%s\n' "$line"
        done
}

@test "the bundle of 'runc spec' is for its payload what runc makes of it" {
        bundle "$(sh_args "$PROBE")"
        run_bundle >"$T/berth.out"
        runc --root "$T/runc" run "berth-test-$BERTH_TEST_ID" >"$T/peer.out" --bundle "$B" </dev/null || :
        # cgroup: berth shows the machine's own group, runc one mount for each hierarchy of cgroup v1 (docs/differences.md)
        # signals 32 to 34 are the C libraries' own: who calls the tests may have them ignored, and each leaves others of them so
        diff <(seen "$T/peer.out") <(seen "$T/berth.out")
}

@test "the bundle of 'crun spec' is for its payload what crun makes of it" {
        bundle
        rm "$B/config.json"
        (cd "$B" && crun spec)
        jq "$(sh_args "$PROBE") | .process.terminal = false | del(.mounts[] | select(.type == \"cgroup\")) | del(.linux.resources)" \
                "$B/config.json" >"$B/changed.json"
        mv "$B/changed.json" "$B/config.json"
        run_bundle >"$T/berth.out"
        grep -q "^uid=0" "$T/berth.out"
        crun --root "$T/crun" --cgroup-manager=disabled run --bundle "$B" "berth-test-$BERTH_TEST_ID" >"$T/peer.out" </dev/null ||
                skip "crun does not run on this host"
        diff <(grep -v "^Sig" "$T/peer.out") <(grep -v "^Sig" "$T/berth.out")
}

# ---- the process ----

@test "user, groups, umask, working directory, environment and limits are the bundle's" {
        bundle "$(sh_args 'id -u; id -g; id -G; umask; pwd; echo $A; echo $HOME; ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj')" \
                '.process.user = {"uid": 1000, "gid": 50, "umask": 63, "additionalGids": [7, 8]}' '.process.cwd = "/work/here"' \
                '.process.env += ["A=b c"]' '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]' \
                '.process.oomScoreAdj = 500'
        run run_bundle
        [ "$output" = "1000
50
50 7 8
0077
/work/here
b c
/home/lina
100
200
500" ]
}

@test "each of the five capability sets is the bundle's" {
        bundle "$(sh_args 'grep ^Cap /proc/self/status')" '.process.capabilities = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SYS_TIME"],
                "permitted": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}' \
                '.process.user.uid = 1000' '.process.noNewPrivileges = false'
        run run_bundle
        [ "${lines[0]##*	}" = 0000000000000020 ]
        [ "${lines[1]##*	}" = 0000000000000020 ]
        [ "${lines[3]##*	}" = 0000000002000021 ]
        [ "${lines[4]##*	}" = 0000000000000020 ]
}

@test "a capability that there is not is warned of and left out, annotations and unknown keys are passed over" {
        bundle '.process.args = ["true"]' '.process.capabilities.bounding += ["CAP_TELEPATHY"]' '.annotations = {"a.b": "c"}' '.nonsense = {"x": 1}'
        run run_bundle
        [ "$status" = 0 ]
        [[ $output == *"CAP_TELEPATHY"* ]]
}

@test "scheduling, I/O priority, memory policy, personality and no_new_privs are set" {
        bundle "$(sh_args 'cut -d" " -f19,41 /proc/self/stat; ionice -p $$; uname -m; grep NoNew /proc/self/status')" \
                '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}' '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}' \
                '.linux.personality = {"domain": "LINUX32"}' '.process.execCPUAffinity = {"initial": "0"}' \
                '.linux.memoryPolicy = {"mode": "MPOL_DEFAULT"}'
        run run_bundle
        echo "$output"
        [ "${lines[0]}" = "5 3" ]
        [[ $output == *"best-effort: prio 6"* ]]
        [[ $output == *i686* ]]
        [[ $output == *"NoNewPrivs:	1"* ]]
}

@test "a terminal of the size that the bundle says, and none" {
        bundle "$(sh_args 'tty; stty size')" '.process.terminal = true' '.process.consoleSize = {"height": 33, "width": 99}'
        run run_bundle </dev/null
        [[ ${lines[0]} == /dev/pts/0* ]]
        [[ ${lines[1]} == "33 99"* ]]
        bundle "$(sh_args 'tty')"
        run run_bundle </dev/null
        [ "$output" = "not a tty" ]
}

@test "the exit status is the payload's" {
        bundle "$(sh_args 'exit 42')"
        run run_bundle
        [ "$status" = 42 ]
}

# ---- mounts ----

@test "mounts: file systems and bind mounts with their options, in the given order" {
        bundle "$(sh_args 'grep -E " /(data|files|one|t) " /proc/self/mountinfo | cut -d" " -f5,6 | sort; ls /data; cat /one; cat /t/etc-name; touch /t/new; ls -ld /t | cut -c1-10')"
        mkdir -p "$B/data/sub" "$B/rootfs/t"
        echo file >"$B/one"
        echo up >"$B/rootfs/t/etc-name"
        chmod 1750 "$B/rootfs/t"
        bundle "$(jq -r .process.args[2] "$B/config.json" | { read -r -d '' s || :; sh_args "$s"; })" '.mounts += [
                {"destination": "/data", "source": "data", "options": ["rbind", "ro", "nosuid", "noatime"]},
                {"destination": "/one", "type": "none", "source": "one", "options": ["bind", "ro", "rw", "nodev"]},
                {"destination": "/files", "type": "ramfs", "source": "ramfs", "options": ["nosuid", "nodev", "noexec", "mode=0700"]},
                {"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "size=1m"]}]'
        run run_bundle
        echo "$output"
        [ "${lines[0]}" = "/data ro,nosuid,noatime" ]
        [ "${lines[1]}" = "/files rw,nosuid,nodev,noexec,relatime" ]
        [ "${lines[2]}" = "/one rw,nodev,relatime" ]
        [ "${lines[3]}" = "/t rw,relatime" ]
        [ "${lines[4]}" = sub ]
        [ "${lines[5]}" = file ]
        [ "${lines[6]}" = up ]
        [ "${lines[7]}" = drwxr-x--T ]
        [ ! -e "$B/rootfs/t/new" ]
}

@test "mounts: attributes of all mounts below with an r in front, of the topmost alone without" {
        bundle "$(sh_args 'grep -E " /(a|b)(/s)? " /proc/self/mountinfo | cut -d" " -f5,6 | sort')"
        mkdir -p "$B/tree/s"
        run unshare -m sh -c "mount --make-rprivate / && mount -t tmpfs none $B/tree/s && jq '.mounts += [
                {\"destination\": \"/a\", \"source\": \"tree\", \"options\": [\"rbind\", \"ro\", \"rnosuid\"]},
                {\"destination\": \"/b\", \"source\": \"tree\", \"options\": [\"rbind\", \"rro\"]}]' $B/config.json >$B/c && mv $B/c $B/config.json &&
                '$BERTH' run --oci-bundle='$B'"
        echo "$output"
        [[ ${lines[0]} == "/a ro,nosuid"* ]]
        [[ ${lines[1]} == "/a/s rw,nosuid"* ]]
        [[ ${lines[2]} == "/b ro"* ]]
        [[ ${lines[3]} == "/b/s ro"* ]]
}

@test "mounts: an ID map of the mount's own, and of the machine" {
        bundle "$(sh_args 'stat -c %u:%g /data/f; touch /data/g')" '.process.capabilities.effective += ["CAP_DAC_OVERRIDE"] | .process.capabilities.permitted += ["CAP_DAC_OVERRIDE"] | .process.capabilities.bounding += ["CAP_DAC_OVERRIDE"]' \
                '.mounts += [{"destination": "/data", "source": "data", "options": ["bind", "idmap"],
                "uidMappings": [{"containerID": 0, "hostID": 5000, "size": 100}], "gidMappings": [{"containerID": 0, "hostID": 6000, "size": 100}]}]'
        mkdir -p "$B/data"
        chmod 777 "$B/data"
        touch "$B/data/f"
        chown 3:4 "$B/data/f"
        run run_bundle
        [ "${lines[0]}" = 5003:6004 ]
}

@test "mounts: copy-symlink makes the link, src-nofollow mounts it, a missing source is named" {
        bundle "$(sh_args 'readlink /l1; cat /l2')" '.mounts += [{"destination": "/l1", "source": "link", "options": ["bind", "copy-symlink"]},
                {"destination": "/l2", "source": "link", "options": ["bind"]}]'
        echo there >"$B/target"
        ln -s target "$B/link"
        run run_bundle
        [ "$output" = "target
there" ]
        bundle '.mounts += [{"destination": "/x", "source": "nowhere", "options": ["bind"]}]'
        refused "$B/nowhere" -- run_bundle
}

@test "mounts and paths: masked, read-only, root read-only, propagation" {
        bundle "$(sh_args 'ls -A /etc; cat /bin/secret; echo x >/root/f; echo y >/var/log/f; grep " / / " /proc/self/mountinfo')" '.root.readonly = false' \
                '.linux.maskedPaths += ["/etc", "/bin/secret", "/not/there"]' '.linux.readonlyPaths += ["/root", "/nor/there"]' '.linux.rootfsPropagation = "shared"'
        echo hush >"$B/rootfs/bin/secret"
        run run_bundle
        echo "$output"
        [[ ${lines[0]} == *"/root/f: Read-only file system"* ]]
        [ -s "$B/rootfs/var/log/f" ]
        [ ! -e "$B/rootfs/root/f" ]
        [[ $output != *hush* ]]
}

# ---- namespaces ----

@test "without a namespace in the list it is the host's, with one it is the machine's own" {
        bundle "$(sh_args 'for n in pid net ipc uts mnt cgroup user time; do readlink /proc/self/ns/$n; done')"
        run run_bundle
        for own in 0 1 2 3 4; do [ "${lines[own]}" != "$(readlink /proc/self/ns/$(echo pid net ipc uts mnt | cut -d' ' -f$((own + 1))))" ]; done
        [ "${lines[5]}" = "$(readlink /proc/self/ns/cgroup)" ]
        [ "${lines[6]}" = "$(readlink /proc/self/ns/user)" ]
        [ "${lines[7]}" = "$(readlink /proc/self/ns/time)" ]
        bundle "$(sh_args 'for n in pid net ipc uts mnt cgroup user time; do readlink /proc/self/ns/$n; done')" 'del(.hostname)' \
                '.linux.namespaces = [{"type": "mount"}, {"type": "cgroup"}, {"type": "time"}]'
        run run_bundle
        [ "${lines[0]}" = "$(readlink /proc/self/ns/pid)" ]
        [ "${lines[1]}" = "$(readlink /proc/self/ns/net)" ]
        [ "${lines[2]}" = "$(readlink /proc/self/ns/ipc)" ]
        [ "${lines[3]}" = "$(readlink /proc/self/ns/uts)" ]
        [ "${lines[5]}" != "$(readlink /proc/self/ns/cgroup)" ]
        [ "${lines[7]}" != "$(readlink /proc/self/ns/time)" ]
}

@test "namespaces by path are joined, and the supervisor is where it was" {
        bundle
        unshare --net --ipc --uts --pid --fork --kill-child sleep 1000 3>&- &
        HOLDER=$!
        local inner
        for _ in $(seq 50); do inner=$(pgrep -P $HOLDER) && break; sleep 0.1; done
        bundle "$(sh_args 'for n in net ipc uts pid; do readlink /proc/self/ns/$n; done; hostname')" "del(.hostname) | .linux.namespaces = [{\"type\": \"mount\"},
                {\"type\": \"network\", \"path\": \"/proc/$inner/ns/net\"}, {\"type\": \"ipc\", \"path\": \"/proc/$inner/ns/ipc\"},
                {\"type\": \"uts\", \"path\": \"/proc/$inner/ns/uts\"}, {\"type\": \"pid\", \"path\": \"/proc/$inner/ns/pid\"}]"
        run run_bundle
        echo "$output"
        [ "${lines[0]}" = "$(readlink /proc/$inner/ns/net)" ]
        [ "${lines[1]}" = "$(readlink /proc/$inner/ns/ipc)" ]
        [ "${lines[2]}" = "$(readlink /proc/$inner/ns/uts)" ]
        [ "${lines[3]}" = "$(readlink /proc/$inner/ns/pid)" ]
        kill -9 $HOLDER # unshare does not hear SIGTERM while it waits
        HOLDER=
        bundle '.linux.namespaces = [{"type": "mount"}, {"type": "network", "path": "/etc/passwd"}] | del(.hostname)'
        refused "'/etc/passwd' is no namespace" -- run_bundle
}

@test "interfaces of the host are moved in, under another name, up and with their addresses, and come home" {
        bundle "$(sh_args 'ip -o addr show eth5; cat /sys/class/net/eth5/mtu; ip -o link show eth5; ls /sys/class/net')" \
                '.linux.netDevices = {"moved0": {"name": "eth5"}, "moved1": {}}'
        run unshare --net sh -ec 'ip link add moved0 type veth peer name moved1
                ip link set moved0 mtu 1400
                ip addr add 10.9.0.1/24 dev moved0
                ip addr add fd09::1/64 dev moved0
                "$@"
                ip -o link show moved0; ip -o link show moved1' sh "$BERTH" run --oci-bundle="$B"
        echo "$output"
        [ "$status" = 0 ]
        [[ $output == *"eth5    inet 10.9.0.1/24"*"eth5    inet6 fd09::1/64"*1400*eth5*",UP"*moved1*moved0*moved1* ]]
        bundle '.linux.netDevices = {"gone0": {}}'
        refused "linux.netDevices ($B/config.json): there is no network interface 'gone0'" -- run_bundle
        bundle '.linux.netDevices = {"lo": {}} | .linux.namespaces -= [{"type": "network"}]'
        refused "$B/config.json: linux: netDevices are moved into a network namespace" -- run_bundle
}

@test "the clocks of a time namespace are set off" {
        bundle "$(sh_args 'cat /proc/uptime; cat /proc/self/timens_offsets')" '.linux.namespaces += [{"type": "time"}]' \
                '.linux.timeOffsets = {"boottime": {"secs": 1000000, "nanosecs": 5}, "monotonic": {"secs": 17}}'
        run run_bundle
        echo "$output"
        [ "$(echo "${lines[1]}" | tr -s ' ')" = "monotonic 17 0" ]
        [ "$(echo "${lines[2]}" | tr -s ' ')" = "boottime 1000000 5" ]
        [ "${lines[0]%%.*}" -gt 1000000 ]
}

@test "a user namespace of several ranges, over a root that belongs to it" {
        bundle "$(sh_args 'cat /proc/self/uid_map /proc/self/gid_map; id -u; stat -c %u /bin /etc/passwd; echo x >/f; ls /dev/null; echo 1 >/dev/null')" '.root.readonly = false' \
                '.linux.namespaces += [{"type": "user"}]' '.linux.uidMappings = [{"containerID": 0, "hostID": 700000, "size": 1000}, {"containerID": 1000, "hostID": 800000, "size": 64536}]' \
                '.linux.gidMappings = [{"containerID": 0, "hostID": 710000, "size": 65536}]'
        chown -R 700000:710000 "$B/rootfs"
        chmod 755 "$T" "$B"
        run run_bundle
        echo "$output"
        [ "$(echo ${lines[0]})" = "0 700000 1000" ]
        [ "$(echo ${lines[1]})" = "1000 800000 64536" ]
        [ "$(echo ${lines[2]})" = "0 710000 65536" ]
        [ "${lines[3]}" = 0 ]
        [ "${lines[4]}" = 0 ]
        [ "$(stat -c %u:%g "$B/rootfs/f")" = 700000:710000 ]
}

@test "host name, domain name and kernel settings are set, in the machine alone" {
        local before
        before=$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/kernel/domainname)
        bundle "$(sh_args 'hostname; cat /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/msgmax /proc/sys/net/ipv4/conf/lo/rp_filter')" \
                '.domainname = "example.org"' '.linux.sysctl = {"net.ipv4.ip_forward": "1", "net.ipv4.ping_group_range": "0 7", "kernel.msgmax": "4242", "net/ipv4/conf/lo/rp_filter": "2"}'
        run run_bundle
        [ "$(echo $output)" = "runc example.org 1 0 7 4242 2" ]
        [ "$before" = "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/kernel/domainname)" ]
        bundle '.linux.sysctl = {"vm.swappiness": "1"}'
        refused "linux.sysctl.vm.swappiness" "set it on the host" -- run_bundle
        bundle '.linux.sysctl = {"kernel.msgmax": "1"}' '.linux.namespaces -= [{"type": "ipc"}]'
        refused "linux.sysctl.kernel.msgmax" "add one to linux.namespaces" -- run_bundle
}

# ---- devices and limits ----

@test "devices are made with their modes and owners, and no other ones may be used" {
        bundle "$(sh_args 'stat -c "%F %t:%T %a %u:%g" /dev/mine /dev/fifo; echo 1 >/dev/null && echo null; cat /dev/mine | head -c 1 | wc -c; mknod /dev/other c 1 4 && cat /dev/other')" \
                '.linux.devices = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 384, "uid": 3, "gid": 4}, {"path": "/dev/fifo", "type": "p", "fileMode": 420}]' \
                '.process.capabilities |= map_values(. + ["CAP_MKNOD", "CAP_DAC_OVERRIDE"])'
        run run_bundle
        echo "$output"
        [ "${lines[0]}" = "character special file 1:5 600 3:4" ]
        [ "${lines[1]}" = "fifo 0:0 644 0:0" ]
        [ "${lines[2]}" = null ]
        [ "${lines[3]}" = 1 ]
        [[ ${lines[4]} == *"Operation not permitted"* ]]
}

@test "limits are in force in whichever hierarchy has the controller, and gone afterwards" {
        grep -q " cgroup .*\bmemory\b" /proc/self/mounts || skip "no memory controller of cgroup v1"
        bundle "$(sh_args 'cat /proc/self/cgroup; read x </go')" '.linux.resources += {"memory": {"limit": 100000000, "reservation": 50000000, "swappiness": 10},
                "pids": {"limit": 20}, "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"}}'
        mkfifo "$B/rootfs/go"
        run_bundle >"$T/out" &
        for _ in $(seq 200); do [ -s "$T/out" ] && break; sleep 0.05; done
        local memory pids cpu cpuset
        memory=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' "$T/out")
        pids=/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' "$T/out")
        cpu=/sys/fs/cgroup/cpu$(sed -n 's/^[0-9]*:cpu://p' "$T/out")
        cpuset=/sys/fs/cgroup/cpuset$(sed -n 's/^[0-9]*:cpuset://p' "$T/out")
        [[ $memory == *berth-test-$BERTH_TEST_ID* ]]
        [ "$(cat "$memory/memory.limit_in_bytes")" = 99999744 ]
        [ "$(cat "$memory/memory.swappiness")" = 10 ]
        [ "$(cat "$pids/pids.max")" = 20 ]
        [ "$(cat "$cpu/cpu.shares")" = 512 ]
        [ "$(cat "$cpu/cpu.cfs_quota_us")" = 50000 ]
        [ "$(cat "$cpuset/cpuset.cpus")" = 0 ]
        echo >"$B/rootfs/go"
        wait
        [ ! -e "$memory" ]
        [ ! -e "$pids" ]
}

@test "a limit of processes holds" {
        grep -q " cgroup.*\bpids\b" /proc/self/mounts || grep -qw pids "$(cgroup2_mountpoint)/cgroup.controllers" || skip "no pids controller"
        bundle "$(sh_args 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; echo all')" '.linux.resources.pids = {"limit": 5}'
        run run_bundle
        [[ $output == *"can't fork"* ]]
}

@test "limits that this host cannot set are said before anything starts" {
        bundle '.process.args = ["sh", "-c", "echo started"]' '.linux.resources.rdma = {"mlx5_1": {"hcaHandles": 3}}'
        refused "linux.resources.rdma" "controller 'rdma'" -- run_bundle
        [[ $output != *started* ]]
        bundle '.linux.resources.unified = {"nosuch.max": "1"}'
        refused "linux.resources.unified.nosuch.max" -- run_bundle
}

@test "groups of cgroup v1 are cleared after the supervisor was killed" {
        grep -q " cgroup .*\bpids\b" /proc/self/mounts || skip "no pids controller of cgroup v1"
        bundle "$(sh_args 'cat /proc/self/cgroup; exec sleep 1000')" '.linux.resources.pids = {"limit": 20}'
        "$BERTH" run --oci-bundle="$B" --machine=killed >"$T/out" &
        local supervisor=$! pids
        for _ in $(seq 50); do grep -q :pids: "$T/out" && break; sleep 0.05; done
        pids=/sys/fs/cgroup/pids$(sed -n 's/^[0-9]*:pids://p' "$T/out")
        [ -d "$pids" ]
        kill -9 $supervisor
        wait $supervisor || :
        for _ in $(seq 50); do [ -z "$("$BERTH" list --no-legend)" ] && [ ! -e "$pids" ] && break; sleep 0.1; done
        [ ! -e "$pids" ]
}

# ---- seccomp ----

@test "the bundle's system call filter gives the verdicts of its rules" {
        bundle "$(sh_args 'mkdir /tmp/a 2>&1; chmod 700 /tmp; echo $?; chmod 711 /tmp; echo $?; sync; echo $?; grep Seccomp: /proc/self/status')" '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                "syscalls": [{"names": ["mkdir", "mkdirat", "nosuchcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
                             {"names": ["chmod", "fchmodat", "fchmod"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 1, "value": 448, "op": "SCMP_CMP_EQ"}]},
                             {"names": ["sync"], "action": "SCMP_ACT_KILL_PROCESS"}]}' '.root.readonly = false'
        run run_bundle
        echo "$output"
        [[ ${lines[0]} == *"No space left on device"* ]]
        [[ $output == *"Operation not permitted"* ]]
        [[ $output == *"Bad system call"* ]]
        [[ $output == *"Seccomp:	2"* ]]
        [[ $output == *159* ]]
}

@test "seccomp verdicts agree with runc's, call by call" {
        bundle '.process.args = ["/probe", "calls"]' '.linux.seccomp = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
                "architectures": ["SCMP_ARCH_X86_64"],
                "syscalls": [{"names": ["read", "write", "close", "exit", "exit_group", "execve", "brk", "mmap", "munmap", "mprotect", "fstat", "newfstatat", "openat", "arch_prctl",
                                        "set_tid_address", "set_robust_list", "rseq", "prlimit64", "getrandom", "readlinkat", "readlink", "futex", "rt_sigaction", "rt_sigprocmask", "uname", "access", "ioctl", "getpid", "lseek", "close_range", "fcntl", "prctl", "capset", "setgid", "setuid", "setgroups", "chdir", "sendmsg", "epoll_pwait", "nanosleep", "getdents64", "fstatfs", "statfs", "capget", "tgkill", "gettid", "sigaltstack", "sched_getaffinity", "pread64", "pipe2", "clone", "epoll_ctl", "epoll_create1", "mincore", "madvise", "getppid"], "action": "SCMP_ACT_ALLOW"},
                             {"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
                             {"names": ["dup3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7, "args": [{"index": 0, "value": 1000, "op": "SCMP_CMP_GT"}]},
                             {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 9, "args": [{"index": 0, "value": 4294967295, "valueTwo": 16, "op": "SCMP_CMP_MASKED_EQ"}, {"index": 2, "value": 9, "op": "SCMP_CMP_LE"}]},
                             {"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 11, "args": [{"index": 1, "value": 5, "op": "SCMP_CMP_NE"}]},
                             {"names": ["fchown"], "action": "SCMP_ACT_ERRNO", "errnoRet": 12, "args": [{"index": 1, "value": 77, "op": "SCMP_CMP_GE"}, {"index": 2, "value": 5, "op": "SCMP_CMP_LT"}]}]}'
        [ "$(uname -m)" = x86_64 ] || skip "the rules are for x86-64"
        cp "${BERTH_BUILD:-$(dirname "$BERTH")}/tests/unit/engine/probe" "$B/rootfs/probe"
        run_bundle >"$T/berth.out"
        runc --root "$T/runc" run --bundle "$B" "berth-test-$BERTH_TEST_ID" </dev/null | cat >"$T/peer.out"
        [ "$(wc -l <"$T/berth.out")" -gt 300 ]
        diff "$T/peer.out" "$T/berth.out"
}

# ---- hooks ----

hook_script() { # FILE: notes its name, its namespace and the state it is given
        printf '#!/bin/sh\n{ echo "$1 $HOOKVAR $(readlink /proc/self/ns/mnt) $(cat)"; } >>%s\n' "$1"
}

@test "calls that somebody outside decides: it gets the descriptor and the state, whenever the filter is loaded" {
        local filter='.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "@", "listenerMetadata": "for \"you\"", "syscalls": [{"names": ["mkdir", "mkdirat", "uname", "execve"], "action": "SCMP_ACT_NOTIFY"}]}'
        local how agent n=0
        asked() { # NAME COMMAND...: with an agent of its own
                local name=$1
                shift
                "$BATS_TEST_DIRNAME/lib/seccomp-agent" "$T/$name.sock" "$T/$name.json" 3>&- &
                agent=$!
                for _ in $(seq 300); do [ -S "$T/$name.sock" ] && break; sleep 0.1; done
                run "$@"
                echo "$output"
                wait $agent
        }
        # loaded at the last moment, and while rights are there; with a stub as PID 1
        for how in '.process.noNewPrivileges = true' '.process.noNewPrivileges = false'; do
                bundle "$(sh_args 'mkdir /tmp/x; uname; exit 3')" "${filter/@/$T/own$((++n)).sock}" "$how" '.annotations = {"a": "b"}'
                asked own$n run_bundle
                [ "$status" = 3 ]
                [[ $output == *"Numerical argument out of domain"* && ${lines[-1]} == Linux ]]
        done
        bundle "$(sh_args 'mkdir /tmp/x; exit 4')" "${filter/@/$T/stub.sock}"
        asked stub run_bundle --as-pid2
        [ "$status" = 4 ]
        [[ $output == *"Numerical argument out of domain"* ]]
        [ "$(jq -r '[.metadata, .fds[0], .state.status, .state.bundle, .state.annotations.a, (.pid == .state.pid and .pid > 1)] | join(";")' "$T/own1.json")" = \
                "for \"you\";seccompFd;creating;$B;b;true" ]
        bundle "${filter/@/$T/nobody.sock}"
        refused "nobody listens on '$T/nobody.sock'" -- run_bundle
}

@test "hooks run in their order and namespaces, with the state on standard input" {
        bundle "$(sh_args 'echo payload; sleep 0.3')" '.annotations = {"k": "v\"w"}'
        hook_script "$T/log" >"$T/hook"
        mkdir -p "$B/rootfs/hooks"
        hook_script /log >"$B/rootfs/hooks/inside"
        chmod +x "$T/hook" "$B/rootfs/hooks/inside"
        bundle "$(sh_args 'echo payload; sleep 0.3')" '.root.readonly = false' '.annotations = {"k": "v\"w"}' "$(jq -n -r --arg h "$T/hook" '
                def hook(name): [{"path": $h, "args": ["hook", name], "env": ["HOOKVAR=x", "PATH=/bin:/usr/bin"], "timeout": 20}];
                ".hooks = " + ({prestart: hook("prestart"), createRuntime: (hook("createRuntime") + hook("createRuntime2")), createContainer: hook("createContainer"),
                        startContainer: [{"path": "/hooks/inside", "args": ["x", "startContainer"], "env": ["PATH=/bin"]}], poststart: hook("poststart"), poststop: hook("poststop")} | tojson)')"
        run run_bundle --machine=hooked
        echo "$output"; cat "$T/log"
        [ "$status" = 0 ]
        [ "$(cut -d' ' -f1 "$T/log" | tr '\n' ' ')" = "prestart createRuntime createRuntime2 createContainer poststart poststop " ]
        local host
        host=$(readlink /proc/self/ns/mnt)
        [ "$(sed -n 1p "$T/log" | cut -d' ' -f3)" = "$host" ]
        [ "$(sed -n 4p "$T/log" | cut -d' ' -f3)" != "$host" ]
        [ "$(sed -n 1p "$T/log" | cut -d' ' -f4- | jq -c '[.ociVersion, .id, .status, .bundle, .annotations.k, (.pid > 1)]')" = "[\"1.0.2-dev\",\"hooked\",\"creating\",\"$B\",\"v\\\"w\",true]" ]
        [ "$(sed -n 4p "$T/log" | cut -d' ' -f4- | jq .pid)" = "$(sed -n 1p "$T/log" | cut -d' ' -f4- | jq .pid)" ]
        [ "$(sed -n 5p "$T/log" | cut -d' ' -f4- | jq -r .status)" = running ]
        [ "$(sed -n 6p "$T/log" | cut -d' ' -f4- | jq -r '.status, .pid')" = "stopped
null" ]
        [ "$(cut -d' ' -f4- "$B/rootfs/log" | jq -r .status)" = created ]
        [ "$(cut -d' ' -f1 "$B/rootfs/log")" = startContainer ]
}

@test "a createContainer hook can mount into the root where it is on the host" {
        bundle "$(sh_args 'cat /etc/extra')"
        printf '#!/bin/sh\nmount -t tmpfs none %s/rootfs/tmp && cp /etc/os-release %s/rootfs/tmp/ && echo by-the-hook >%s/rootfs/tmp/x\n' "$B" "$B" "$B" >"$T/hook"
        chmod +x "$T/hook"
        bundle "$(sh_args 'cat /tmp/x')" ".hooks.createContainer = [{\"path\": \"$T/hook\"}]" '.hooks.createContainer[0].env = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]'
        run run_bundle
        [ "$output" = by-the-hook ]
        [ ! -e "$B/rootfs/tmp/x" ]
}

@test "a hook that fails, hangs or does not exist ends the start; poststop hooks run all the same" {
        local kind
        bundle
        printf '#!/bin/sh\necho stopped >>%s/stopped\n' "$T" >"$T/stop"
        printf '#!/bin/sh\necho failing >&2; exit 3\n' >"$T/fail"
        printf '#!/bin/sh\nsleep 1000\n' >"$T/hang"
        chmod +x "$T/stop" "$T/fail" "$T/hang"
        for kind in prestart createRuntime createContainer; do
                bundle "$(sh_args 'echo started')" ".hooks = {\"$kind\": [{\"path\": \"$T/fail\"}], \"poststop\": [{\"path\": \"$T/stop\", \"env\": [\"PATH=/bin\"]}]}"
                refused "$kind hook '$T/fail' failed with exit status 3" failing -- run_bundle
                [[ $output != *started* ]]
        done
        [ "$(wc -l <"$T/stopped")" = 3 ]
        bundle "$(sh_args 'echo started')" ".hooks = {\"createRuntime\": [{\"path\": \"$T/hang\", \"timeout\": 1, \"env\": [\"PATH=/bin\"]}]}"
        refused "createRuntime hook '$T/hang' did not end within 1 s" -- run_bundle
        bundle "$(sh_args 'echo started')" '.hooks = {"startContainer": [{"path": "/not/there"}]}'
        refused "cannot execute the startContainer hook '/not/there'" -- run_bundle
}

@test "a failing poststart hook warns before version 1.3, and ends the machine since; a failing poststop hook warns" {
        bundle
        printf '#!/bin/sh\nexit 3\n' >"$T/fail"
        chmod +x "$T/fail"
        bundle "$(sh_args 'sleep 0.3; echo ran')" ".hooks = {\"poststart\": [{\"path\": \"$T/fail\"}], \"poststop\": [{\"path\": \"$T/fail\"}]}"
        run run_bundle
        [ "$status" = 0 ]
        [[ $output == *"poststart hook"* ]]
        [[ $output == *"poststop hook"* ]]
        [[ $output == *ran* ]]
        bundle "$(sh_args 'sleep 10; echo ran')" ".hooks = {\"poststart\": [{\"path\": \"$T/fail\"}]}" '.ociVersion = "1.3.0"'
        refused "poststart hook '$T/fail' failed" -- run_bundle
        [[ $output != *ran* ]]
}

# ---- the command line over the bundle ----

@test "the command line wins over the bundle, and adds mounts to it" {
        bundle "$(sh_args 'hostname; id -u; cat /extra; echo $A; grep CapBnd /proc/self/status; readlink /proc/self/ns/net')"
        echo more >"$T/extra"
        run run_bundle --hostname=other --user=lina --bind-ro="$T/extra:/extra" --setenv=A=b --drop-capability=CAP_KILL --network=host
        echo "$output"
        [ "${lines[0]}" = other ]
        [ "${lines[1]}" = 1000 ]
        [ "${lines[2]}" = more ]
        [ "${lines[3]}" = b ]
        [[ ${lines[4]} == *0000000020000400 ]]
        [ "${lines[5]}" = "$(readlink /proc/self/ns/net)" ]
        run run_bundle -- echo 'another command'
        [ "$output" = "another command" ]
        refused "--oci-bundle" "--directory" -- run_bundle -D "$B/rootfs"
        refused "--oci-bundle" "--boot" -- run_bundle --boot
}

@test "called systemd-nspawn the option is the same, and no .nspawn file is read" {
        bundle '.process.args = ["hostname"]'
        mkdir "$T/compat"
        ln -s "$(realpath "$BERTH")" "$T/compat/systemd-nspawn"
        printf '[Exec]\nHostname=wrong\n' >"$T/bundle.nspawn"
        printf '[Exec]\nHostname=wrong\n' >"$B/rootfs.nspawn"
        run "$T/compat/systemd-nspawn" --quiet --oci-bundle="$B"
        [ "$output" = runc ]
}

# ---- refused by name ----

@test "what is not offered is refused by its JSON path, before anything starts" {
        local case filter path
        while IFS='|' read -r filter path; do
                bundle "$filter"
                refused "$B/config.json: $path" -- run_bundle
        done <<-'END'
		.linux.intelRdt = {"closID": "x"}|linux.intelRdt:
		.linux.seccomp = {"defaultAction": "SCMP_ACT_NOTIFY"}|linux.seccomp:
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}|linux.seccomp:
		.vm = {"kernel": {"path": "/vmlinuz"}}|vm:
		.process.scheduler = {"policy": "SCHED_ISO"}|process.scheduler.policy:
		.process.scheduler = {"policy": "SCHED_FAST"}|process.scheduler.policy:
		.linux.namespaces -= [{"type": "mount"}]|linux.namespaces:
		.linux.namespaces += [{"type": "user", "path": "/proc/1/ns/user"}]|linux.namespaces:
		.mounts[1].options += ["remount"]|mounts[1].options[4]:
		.ociVersion = "2.0.0"|ociVersion:
		.process.rlimits[0].type = "RLIMIT_HOPE"|process.rlimits[0]:
		.linux.resources.memory.limit = "1G"|linux.resources.memory.limit:
		.process.cwd = "here"|process.cwd:
		.linux.devices = [{"path": "/dev/x", "type": "c"}]|linux.devices[0]:
		.linux.personality = {"domain": "LINUX", "flags": ["X"]}|linux.personality.flags:
	END
        [ -e /sys/module/apparmor ] || { bundle '.process.apparmorProfile = "p"'; refused process.apparmorProfile -- run_bundle; }
        [ -e /sys/fs/selinux/enforce ] || { bundle '.process.selinuxLabel = "l"'; refused process.selinuxLabel -- run_bundle; bundle '.linux.mountLabel = "l"'; refused linux.mountLabel -- run_bundle; }
}
