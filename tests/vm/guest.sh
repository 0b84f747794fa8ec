#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The claims of tests/vm, in the order of one story: a host with systemd and all controllers of cgroup2 runs a busybox machine and a Debian
# machine. Runs in the VM as `start` (tests/vm/run puts berth and this into its payload) and reports to tests/vm/boot.
#   start            all claims
#   start CLAIM      one of them, stopping at the first command that fails
set -u
cd "$(dirname "$0")" || exit 1
here=$PWD
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TERM=dumb
machines=/var/lib/machines
cgroups=/sys/fs/cgroup
tree=/srv/tree

# What berth may leave nothing of, a thing a line.
traces() {
        awk '{ print "mount", $5 }' /proc/self/mountinfo | sort -u
        find "$cgroups" -type d \( -path '*berth*' -o -path '*/machine.slice/*' -o -path '*/payload*' -o -path '*/supervisor*' \) | sed 's/^/cgroup /'
        readlink /proc/[0-9]*/exe | grep -x /usr/local/bin/berth | sed 's/^/process /'
        ls /sys/class/net | sed 's/^/interface /'
        [ ! -d /run/berth/machines ] || ls /run/berth/machines | sed 's/^/record /'
        ls -A "$machines" | grep -v '^\.berth\.v$' | grep -v '\.lck$' | sed 's/^/machine /'
        find "$machines/.berth.v/layers" -mindepth 1 -maxdepth 1 2>/dev/null | sed 's/^/layer /'
}
nothing_left() { diff before <(traces); } # of before: <, left behind: >
refused() { if "$@"; then echo "'$*' succeeded"; return 1; fi; }
is() { [ "$1" = "$2" ] || { printf 'is:        %s\nshould be: %s\n' "$1" "$2"; return 1; }; }
says() { [[ $1 == *"$2"* ]] || { printf 'says:          %s\nshould contain: %s\n' "$1" "$2"; return 1; }; }
field() { berth show "$1" | sed -n "s/^$2=//p"; }
running() { berth list --no-legend | awk '{ print $1 }' | sort | tr '\n' ' '; }
# Where a machine's processes are, by the kernel's word.
leader_cgroup() { sed -n 's/^0:://p' "/proc/$(field "$1" Leader)/cgroup"; }
exit_status() {
        local status=0
        "$@" || status=$?
        echo "$status"
}

# ---- the host ----
host_is_systemd() {
        is "$(cat /proc/1/comm)" systemd
        is "$(stat -f -c %T "$cgroups")" cgroup2fs
        local controller
        for controller in cpuset cpu io memory pids; do
                says " $(cat "$cgroups/cgroup.controllers") " " $controller "
        done
        says "$(systemctl is-system-running --wait || true)" running
}
check_finds_all() { berth check; }

# ---- run ----
run_command() {
        is "$(berth run -q -D "$tree" /bin/sh -c 'echo "$$ $(id -u) $(hostname)"')" "1 0 tree"
        is "$(exit_status berth run -q -D "$tree" /bin/sh -c 'exit 41')" 41
        is "$(echo through | berth run -q -D "$tree" /bin/cat)" through
}
run_on_tmpfs() { # whose files this kernel cannot show with mapped IDs (Linux 6.3 can): said by name, and the way out is one
        local said
        if said=$(berth run -q -D "$here/tree" /bin/echo in 2>&1); then
                is "$said" in
        else
                says "$said" "$here/tree"
                says "$said" "--private-users=no"
        fi
        is "$(berth run -q --private-users=no -D "$here/tree" /bin/echo in)" in
}
run_cgroup_namespace() {
        # its own subtree is all there is of the hierarchy, with the kernel's files for it
        is "$(berth run -q -D "$tree" /bin/cat /proc/self/cgroup)" "0::/"
        says "$(berth run -q -D "$tree" /bin/sh -c 'cat /sys/fs/cgroup/cgroup.type')" domain
}

# ---- disk images ----
no_devices_left() { # of the device mapper, and no loop device in use
        local i
        for i in 1 2 3 4 5 6 7 8 9 10; do
                [ -z "$(ls -d /sys/block/dm-* 2>/dev/null)$(cat /sys/block/loop*/loop/backing_file 2>/dev/null)" ] && return
                sleep 0.3
        done
        ls -d /sys/block/dm-*
        cat /sys/block/loop*/loop/backing_file
        return 1
}
verity_without_partitions() { # the hash and the hashes are found beside the image
        is "$(berth run -q -i "$here/sealed.raw" /bin/sh -c 'grep -c "^/dev/dm-.* / ext4 ro" /proc/mounts; echo in')" $'1\nin'
        no_devices_left
}
verity_with_partitions() {
        is "$(berth run -q --root-hash="$(cat sealed.roothash)" -i "$here/parts.raw" /bin/sh -c 'grep -c "^/dev/dm-.* / ext4 ro" /proc/mounts')" 1
        is "$(berth run -q --image-policy=root=verity --root-hash="$(cat sealed.roothash)" -i "$here/parts.raw" /bin/echo in)" in
        refused berth run -q --root-hash=00112233445566778899aabbccddeeff -i "$here/parts.raw" /bin/true
        no_devices_left
}
verity_notices_changes() { # one byte of a program that would be run, and a hash that is not the image's
        local at
        cp --sparse=always sealed.raw changed.raw
        at=$(grep -abo -m 1 'BusyBox v' changed.raw | head -n 1 | cut -d: -f1)
        printf X | dd of=changed.raw bs=1 seek="$at" conv=notrunc status=none
        is "$(berth run -q -i "$here/changed.raw" /bin/busybox cat /bin/busybox | grep -ac 'XusyBox v')" 1
        refused berth run -q --root-hash="$(cat sealed.roothash)" --verity-data="$here/sealed.verity" -i "$here/changed.raw" /bin/busybox cat /bin/busybox
        refused berth run -q --root-hash="$(printf '%064d' 0)" --verity-data="$here/sealed.verity" -i "$here/sealed.raw" /bin/true
        rm changed.raw
        no_devices_left
}
luks() {
        local credentials=/run/credentials-of-test
        mkdir -p "$credentials"
        printf secret >"$credentials/dissect.passphrase"
        truncate -s 48M luks.raw
        cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$credentials/dissect.passphrase" luks.raw
        cryptsetup open --key-file "$credentials/dissect.passphrase" luks.raw made
        mkfs.ext4 -q -d tree /dev/mapper/made
        cryptsetup close made
        CREDENTIALS_DIRECTORY=$credentials berth run -q -i "$here/luks.raw" /bin/sh -c 'echo kept >/file'
        is "$(CREDENTIALS_DIRECTORY=$credentials berth run -q --read-only -i "$here/luks.raw" /bin/cat /file)" kept
        says "$(berth run -q -i "$here/luks.raw" /bin/true 2>&1 </dev/null)" "no passphrase"
        printf wrong >"$credentials/dissect.passphrase"
        says "$(CREDENTIALS_DIRECTORY=$credentials berth run -q -i "$here/luks.raw" /bin/true 2>&1)" "does not open"
        says "$(CREDENTIALS_DIRECTORY=$credentials berth run -q --image-policy=root=unprotected -i "$here/luks.raw" /bin/true 2>&1)" "image policy"
        rm -r "$credentials" luks.raw
        no_devices_left
}

# ---- a machine whose init is busybox ----
start_busybox() {
        berth start box
        is "$(running)" "box "
        says "$(berth status box)" box
        is "$(berth show box --json=short | tr -d ' ' | grep -o '"Name":"[^"]*"' | head -n 1)" '"Name":"box"'
        is "$(cat "/proc/$(field box Leader)/comm")" init
}
shell_busybox() {
        is "$(exit_status berth shell box -- /bin/sh -c 'exit 7')" 7
        is "$(exit_status berth shell box -- /bin/sh -c 'kill -TERM $$')" 143
        is "$(echo hello | berth shell box -- cat)" hello
        is "$(berth shell lina@box -- id -un)" lina
        is "$(berth shell --setenv=COLOUR=blue box -- sh -c 'echo $COLOUR')" blue
        says "$(script -qec 'berth shell box -- tty' /dev/null </dev/null)" /dev/pts/
}
users_are_shifted() {
        local uid
        uid=$(awk '/^Uid:/ { print $2 }' "/proc/$(field box Leader)/status")
        [ "$uid" -ge 65536 ]
        is "$(stat -c %u "$machines/box/sbin/..")" 0 # and the files are as they were
}
poweroff_busybox() {
        berth poweroff box
        is "$(running)" ""
        [ -e "$machines/box/var/log/clean-shutdown" ]
}
supervisor_killed() {
        berth start box
        kill -KILL "$(field box Supervisor)"
        is "$(running)" "box "
        is "$(berth shell box -- echo in)" in
        berth poweroff box
        is "$(running)" ""
        is "$(traces | grep '^process ')" ""
}
outlives_its_starter() { # a service, or a login session, that starts a machine and ends
        systemd-run -q --wait --collect --pipe -p Environment="PATH=$PATH" berth start box
        is "$(running)" "box "
        is "$(berth shell box -- echo in)" in
        berth terminate box
}
systemd_knows_its_cgroup() { # nothing of a machine lies in a group of the session or service that started it
        berth start box
        local cgroup
        cgroup=$(leader_cgroup box)
        berth terminate box
        says "$cgroup" /machine.slice/
}
starts_again_at_once() { # the group of the last time may still be on its way out
        local round
        for round in 1 2 3; do
                berth start box
                berth terminate box
        done
        is "$(running)" ""
}
systemd_keeps_properties() { # as its own word for each, and as the kernel's files say
        local unit=berth-box.scope shown pair
        berth start box --property=MemoryMax=96M --property=MemoryHigh=50% --property=TasksMax=123 --property=CPUQuota=50% \
                --property=CPUWeight=50 --property=AllowedCPUs=0 --property=IOWeight=20 --property=IPAddressDeny=any \
                --property='IPAddressAllow=localhost 10.0.0.0/8' --property='DeviceAllow=/dev/null rw' --property='IOReadBandwidthMax=/dev/vda 5M' \
                --property='Description=A box' --property=RuntimeMaxSec=1h --property=KillSignal=SIGINT --property=Slice=boxes.slice
        shown=$(systemctl show $unit)
        for pair in MemoryMax=100663296 TasksMax=123 CPUQuotaPerSecUSec=500ms CPUWeight=50 AllowedCPUs=0 IOWeight=20 'Description=A box' \
                RuntimeMaxUSec=1h KillSignal=2 Slice=boxes.slice 'IOReadBandwidthMax=/dev/vda 5000000' 'DeviceAllow=/dev/null rw'; do
                grep -qxF -- "$pair" <<<"$shown" || { echo "no '$pair' in: $(grep "^${pair%%=*}=" <<<"$shown")"; return 1; }
        done
        says "$(grep ^IPAddressAllow= <<<"$shown")" 10.0.0.0/8
        berth shell box -- sh -c 'exec 3<>/dev/fuse; [ "$(head -c 4 /dev/zero | wc -c)" = 4 ]' # a limit leaves what each machine has
        refused grep -qx MemoryHigh=infinity <<<"$shown"
        is "$(cat $cgroups/boxes.slice/$unit/memory.max $cgroups/boxes.slice/$unit/pids.max | tr '\n' ' ')" "100663296 123 "
        berth terminate box
        says "$(berth run -q --property=MemoryMaxx=1 -D "$tree" /bin/true 2>&1)" MemoryMax
        berth run -q --property=MemoryMax=80M -D "$tree" /bin/sh -c 'sleep 100 & wait' &
        until [ "$(cat $cgroups/machine.slice/berth-tree.scope/memory.max 2>/dev/null)" = 83886080 ]; do sleep 0.2; done
        berth terminate tree
        wait
}
machined_knows_it() {
        berth start box
        is "$(machinectl list --no-legend | awk '{ print $1, $2, $3 }')" "box container berth"
        is "$(machinectl show box -p Unit -p Leader | sort)" "Leader=$(field box Leader)"$'\n'"Unit=berth-box.scope"
        local leader tries=0
        leader=$(field box Leader)
        berth shell box -- reboot
        until [ "$(machinectl show box -p Leader --value 2>/dev/null)" = "$(field box Leader)" ] && [ "$(field box Leader)" != "$leader" ]; do
                [ $((tries += 1)) -lt 100 ]
                sleep 0.2
        done
        kill -KILL "$(field box Supervisor)"
        berth terminate box
        tries=0
        until [ -z "$(machinectl list --no-legend)" ]; do # it notices by itself that the unit has gone
                [ $((tries += 1)) -lt 50 ]
                sleep 0.2
        done
        berth start box --register=no
        is "$(machinectl list --no-legend)" ""
        berth terminate box
        ln -s /usr/local/bin/berth "$here/systemd-nspawn"
        is "$("$here/systemd-nspawn" -q --pipe -D "$tree" /bin/echo in)" in
        "$here/systemd-nspawn" -q -b -M box </dev/null >/dev/null 2>&1 &
        tries=0
        until machinectl show box -p State 2>/dev/null; do
                [ $((tries += 1)) -lt 100 ]
                sleep 0.2
        done
        machinectl terminate box
        wait
        is "$(machinectl list --no-legend)" ""
}
clean_passes_by() {
        berth snapshot box kept
        machinectl clean || true # one before systemd 256 stops at what it cannot lock
        says "$(berth snapshots box --no-legend)" kept
        berth remove box@kept
}
reboots_where_it_was() {
        berth start box
        local leader cgroup tries=0
        leader=$(field box Leader) cgroup=$(leader_cgroup box)
        berth shell box -- reboot
        until [ "$(field box Leader)" != "$leader" ] && [ "$(field box State)" = running ]; do
                [ $((tries += 1)) -lt 100 ]
                sleep 0.2
        done
        is "$(leader_cgroup box)" "$cgroup"
        is "$(berth shell box -- echo in)" in
        berth terminate box
}
remove_busybox() {
        berth remove box
        refused ls -d "$machines/box" 2>/dev/null
        nothing_left
}

# ---- a Debian machine, its layer shared by clones ----
start_debian() {
        berth start web
        says "$(berth shell web -- systemctl is-system-running --wait || true)" running
        is "$(berth shell web -- cat /proc/1/comm)" systemd
        says "$(berth list --no-legend)" debian
}
controllers_reach_the_machine() {
        local controller
        for controller in cpu memory pids; do
                says " $(berth shell web -- cat /sys/fs/cgroup/cgroup.controllers) " " $controller "
        done
        # and its systemd sets limits with them, which the kernel keeps
        is "$(berth shell web -- systemd-run -q --wait --pipe -p MemoryMax=64M -p TasksMax=20 \
                sh -c 'd=/sys/fs/cgroup$(sed s/0:://p\;d /proc/self/cgroup); cat $d/memory.max $d/pids.max' | tr '\n' ' ')" "67108864 20 "
}
host_sees_the_machine_apart() {
        local cgroup
        cgroup=$(leader_cgroup web)
        says "$(cat "$cgroups${cgroup%%/init.scope}/cgroup.controllers")" memory
        says "$(systemctl is-system-running)" running # nothing of the host's failed by it
        refused grep -q web /proc/self/mountinfo
}
snapshot_and_rollback() {
        berth shell web -- sh -c 'echo one >/root/state; sync'
        berth snapshot web before
        says "$(berth snapshots web --no-legend)" before
        berth shell web -- sh -c 'echo two >/root/state; touch /root/new; rm /etc/issue'
        refused berth rollback web before
        berth rollback web before --restart
        is "$(running)" "web "
        is "$(berth shell web -- cat /root/state)" one
        berth shell web -- sh -c '[ ! -e /root/new ] && [ -e /etc/issue ]'
}
clone_runs_beside() {
        berth clone web web2
        berth start web2
        is "$(running)" "web web2 "
        is "$(berth shell web2 -- cat /root/state)" one
        berth shell web2 -- sh -c 'echo three >/root/state'
        is "$(berth shell web -- cat /root/state)" one
        refused test "$(leader_cgroup web)" = "$(leader_cgroup web2)"
}
poweroff_debian() {
        berth poweroff web web2
        is "$(running)" ""
        is "$(field web State)$(field web2 State)" stoppedstopped
}
remove_debian() {
        berth remove web web2
        nothing_left # the layer went with its last user
}
host_is_well() {
        says "$(systemctl is-system-running)" running
        refused grep -E 'BUG|WARNING:|Oops' <(dmesg)
}

if [ $# -gt 0 ]; then
        set -Eeu
        trap 'echo "failed at line $LINENO: $BASH_COMMAND" >&2' ERR
        "$1"
        exit
fi

exec 3>/dev/virtio-ports/tap
n=0 failed=0
claim() { # FUNCTION TITLE
        local out begin=$SECONDS
        n=$((n + 1))
        if out=$(timeout -k 5 "${LIMIT:-120}" ./start "$1" 2>&1 </dev/null 3>&-); then
                echo "ok $n $2 ($((SECONDS - begin))s)" >&3
        else
                echo "not ok $n $2" >&3
                printf '%s\n' "$out" | tail -n 50 | sed 's/^/# /' >&3
                failed=1
        fi
}

cp berth /usr/local/bin/berth
if [ -n "$(ls lib)" ]; then
        cp lib/* /usr/local/lib
        ldconfig
fi
mkdir -p -m 700 "$machines"
cp -a tree "$tree"
traces >before
LIMIT=200 claim host_is_systemd "the host: systemd is PID 1, and every controller is cgroup2's"
claim check_finds_all "check finds what machines need"
claim run_command "run: a command's output, input and status"
claim run_on_tmpfs "run on a tmpfs, with or without mapped IDs"
claim run_cgroup_namespace "run: a cgroup namespace and the machine's own part of the hierarchy"
claim nothing_left "run leaves no mount, cgroup or process"

if [ -e sealed.roothash ]; then
        claim verity_without_partitions "dm-verity: an image without partitions, its hashes beside it"
        claim verity_with_partitions "dm-verity: partitions of a root hash"
        claim verity_notices_changes "dm-verity: a changed block, and a wrong hash"
fi
claim luks "LUKS: opened with a passphrase, written to, refused without"
claim nothing_left "disk images leave no device, mount or process"

cp -a box "$machines/box"
claim start_busybox "start, list, status and show a busybox machine"
claim shell_busybox "shell: status, signal, input, user, environment, terminal"
claim users_are_shifted "the machine's root is nobody on the host, and its files are not"
claim poweroff_busybox "poweroff lets the init end by itself"
claim supervisor_killed "a machine without its supervisor is entered and stopped"
claim outlives_its_starter "a machine outlives the service that started it"
claim systemd_knows_its_cgroup "a machine's processes are in machine.slice"
claim starts_again_at_once "start and terminate in quick succession"
claim systemd_keeps_properties "systemd holds the properties of a machine's scope"
claim machined_knows_it "systemd-machined knows machines from start to end"
claim clean_passes_by "machinectl clean leaves snapshots and layers alone"
claim reboots_where_it_was "a reboot from inside is the same machine in the same group"
claim remove_busybox "remove: nothing is left"

layer=.berth.v/layers/0123456789abcdef0123456789abcdef
mkdir -p "$machines/.berth.v/layers" "$machines"/web.mstack/rw/{data,work}
mv /srv/debian "$machines/$layer"
ln -s "../$layer" "$machines/web.mstack/layer@0"
claim start_debian "a Debian machine boots its systemd"
claim controllers_reach_the_machine "its systemd has controllers and limits with them"
claim host_sees_the_machine_apart "the host's systemd and mount table are untouched by it"
claim snapshot_and_rollback "snapshot and rollback of a running machine"
claim clone_runs_beside "a clone runs beside the first machine"
claim poweroff_debian "poweroff of both"
claim remove_debian "remove: nothing is left, layers included"
claim host_is_well "the host is as well as before"

echo "1..$n" >&3
echo "# status $failed" >&3
