/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "golden/presets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/str.h"
#include "base/strv.h"

static void replace(char **s, const char *with)
{
        free(*s);
        *s = xstrdup(with);
}

/* A Debian host of today, called by root, with pipes for standard descriptors. */
static void host(HostFacts *f)
{
        f->has_user_namespaces = f->has_idmapped_mounts = f->has_seccomp = f->has_cgroup_namespace = true;
        f->has_cgroup2 = f->has_fuse = f->has_sys_resource = f->can_mknod = true;
        f->cgroup_parent = xstrdup("/machine.slice");
        f->capability_bounding = (UINT64_C(1) << 41) - 1;
        for (size_t i = 0; i < ELEMENTSOF(f->rlimit_soft); i++)
                f->rlimit_soft[i] = f->rlimit_hard[i] = UINT64_MAX;
        f->host_os_release = xstrdup("/etc/os-release");
        strv_push(&f->host_os_fields, "ID=debian");
        strv_push(&f->host_os_fields, "VERSION_ID=12");
        f->machine_name = xstrdup("web");
        f->id_base = 0x90000;
        strcpy(f->boot_uuid, "0123456789abcdef0123456789abcdef");
        strcpy(f->spare_uuid, "fedcba9876543210fedcba9876543210");
        f->has_usr = true;
        f->user_found = true;
        f->user_name = xstrdup("root");
        f->user_home = xstrdup("/root");
        f->user_shell = xstrdup("/bin/bash");
}

static void directory(HostFacts *f)
{
        host(f);
        f->root_kind = ROOT_DIRECTORY;
        f->root_directory = xstrdup("/srv/tree");
}

static void overlay(HostFacts *f)
{
        host(f);
        f->root_kind = ROOT_OVERLAY;
        strv_push(&f->layers, "/var/lib/machines/web.mstack/layer@1");
        strv_push(&f->layers, "/var/lib/machines/web.mstack/layer@0");
        f->upper = xstrdup("/var/lib/machines/web.mstack/rw/data");
        f->work = xstrdup("/var/lib/machines/web.mstack/rw/work");
        f->init_kind = INIT_SYSTEMD;
        f->init_path = xstrdup("/usr/lib/systemd/systemd");
        f->machine_id = xstrdup("00112233445566778899aabbccddeeff");
}

/* A disk image with one file system in it. */
static void disk(HostFacts *f)
{
        host(f);
        f->root_kind = ROOT_DISK;
        f->disk = (FactDisk){
                        .path = xstrdup("/var/lib/machines/web.raw"),
                        .bare = true,
                        .has_device_mapper = true,
                        .n_partitions = 1,
                        .partitions = xnew(FactPartition, 8),
        };
        f->disk.partitions[0] = (FactPartition){.which = SPEC_PARTITION_ROOT, .size = 64 << 20, .fstype = xstrdup("ext4")};
        strv_push(&f->disk.programs, "fsck.ext4=/sbin/fsck.ext4");
        strv_push(&f->disk.programs, "cryptsetup=/sbin/cryptsetup");
}

static void add_partition(HostFacts *f, SpecPartition which, const char *fstype)
{
        size_t n = f->disk.n_partitions++;

        f->disk.bare = false;
        f->disk.partitions[n] = (FactPartition){
                        .which = which, .offset = (uint64_t)(64 + 8 * n) << 20, .size = 8 << 20, .fstype = xstrdup(fstype)};
}

static void partitions(HostFacts *f)
{
        f->disk.partitions[0].offset = 1 << 20;
        f->disk.partitions[0].grow = true;
        f->disk.esp_on_efi = true;
        add_partition(f, SPEC_PARTITION_TMP, "btrfs");
        add_partition(f, SPEC_PARTITION_USR, "erofs");
        add_partition(f, SPEC_PARTITION_HOME, "xfs");
        add_partition(f, SPEC_PARTITION_VAR, "ext4");
        add_partition(f, SPEC_PARTITION_ESP, "vfat");
        add_partition(f, SPEC_PARTITION_SWAP, "swap");
        f->disk.partitions[3].read_only = true;
}

static void verity(HostFacts *f)
{
        add_partition(f, SPEC_PARTITION_ROOT_VERITY, "DM_verity_hash");
        replace(&f->disk.root_hash, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
        replace(&f->disk.signature, "/var/lib/machines/web.roothash.p7s");
}

static void encrypted(HostFacts *f)
{
        replace(&f->disk.partitions[0].fstype, "crypto_LUKS");
        replace(&f->disk.passphrase, "hush");
}

static void no_device_mapper(HostFacts *f)
{
        f->disk.has_device_mapper = false;
}

static void host_root(HostFacts *f)
{
        replace(&f->root_directory, "/");
}
static void busybox(HostFacts *f)
{
        f->init_kind = INIT_BUSYBOX;
        replace(&f->init_path, "/sbin/init");
        replace(&f->user_shell, "/bin/ash");
}
static void terminal(HostFacts *f)
{
        f->stdin_is_terminal = f->stdout_is_terminal = true;
        replace(&f->term, "xterm");
}
static void old_kernel(HostFacts *f)
{
        f->has_idmapped_mounts = false;
}
static void no_user_namespaces(HostFacts *f)
{
        f->has_user_namespaces = false;
}
static void selinux(HostFacts *f)
{
        f->has_selinux = true;
}
static void session(HostFacts *f)
{
        f->cgroup_own = xstrdup("/user.slice/user-1000.slice/session-3.scope");
}
static void ranges(HostFacts *f)
{
        for (uint32_t i = 0; i < SPEC_DELEGATE_MAX; i++)
                f->delegated[i] = 0xa0000 + i * 0x20000;
}
static void journal_remote(HostFacts *f)
{
        f->journal_remote = xstrdup("/usr/lib/systemd/systemd-journal-remote");
        f->journal_socket = xstrdup("/run/berth/machines/web/journal");
        f->journal_limits = FACT_JOURNAL_OPTIONS;
}
static void journal_remote_257(HostFacts *f)
{
        journal_remote(f);
        f->journal_limits = FACT_JOURNAL_CONFIG;
}
static void journal_remote_252(HostFacts *f)
{
        journal_remote(f);
        f->journal_limits = FACT_JOURNAL_NO_LIMITS;
}
static void sockets(HostFacts *f)
{
        f->n_listen_fds = 2;
}
static void no_seccomp(HostFacts *f)
{
        f->has_seccomp = false;
}
static void no_cgroup2(HostFacts *f)
{
        f->has_cgroup2 = false;
        replace(&f->cgroup_parent, NULL);
}
static void shifted(HostFacts *f)
{
        f->root_owner = 0xa0000;
}
static void odd_owner(HostFacts *f)
{
        f->root_owner = 70001;
}
static void weak(HostFacts *f)
{
        f->has_sys_resource = false;
        f->capability_bounding = 0xa82425fb;
        f->rlimit_soft[7] = 1024; /* RLIMIT_NOFILE */
        f->rlimit_hard[7] = 4096;
}
static void alice(HostFacts *f)
{
        replace(&f->user_name, "alice");
        replace(&f->user_home, "/home/alice");
        replace(&f->user_shell, "/bin/zsh");
        f->user_uid = f->user_gid = 1000;
        f->n_user_groups = 2;
        f->user_groups = xnew(uint32_t, 2);
        f->user_groups[0] = 1000;
        f->user_groups[1] = 27;
}
static void no_user(HostFacts *f)
{
        f->user_found = false;
        replace(&f->user_name, NULL);
        replace(&f->user_home, NULL);
        replace(&f->user_shell, NULL);
}
static void leader(HostFacts *f)
{
        f->leader_known = f->leader_no_new_privs = true;
        f->leader_bounding = 0x1f; /* up to CAP_FSETID */
}
static void resolv(HostFacts *f)
{
        f->has_resolv_conf = true;
}
static void names(HostFacts *f)
{
        for (size_t i = 0; i < _FACT_RESOLV_MAX; i++)
                f->resolv_conf[i] = true;
        f->has_resolv_conf = f->resolved_listens = true;
}
static void zone(HostFacts *f)
{
        f->has_localtime = f->image_has_timezone = true;
        replace(&f->timezone, "Europe/Berlin");
}
static void journal(HostFacts *f)
{
        f->has_journal = f->has_machine_journal = true;
        replace(&f->host_machine_id, "ffeeddccbbaa99887766554433221100");
        replace(&f->machine_id, "00112233445566778899aabbccddeeff");
}
static void merged(HostFacts *f)
{
        strv_push(&f->usr_links, "bin=usr/bin");
        strv_push(&f->usr_links, "lib64=usr/lib64");
}
static void unmerged(HostFacts *f)
{
        f->usr_unmerged = true;
}
static void scratch(HostFacts *f)
{
        replace(&f->scratch, "/var/lib/machines/.berth.v/work/.#web.0");
}
static void lina(HostFacts *f)
{
        f->bind_users = xnew(FactUser, 1);
        f->n_bind_users = 1;
        f->bind_users[0] = (FactUser){.name = xstrdup("lina"),
                                      .real_name = xstrdup("Lina L"),
                                      .home = xstrdup("/home/lina"),
                                      .shell = xstrdup("/bin/zsh"),
                                      .password = xstrdup("$6$x$y"),
                                      .uid = 1000,
                                      .gid = 100};
        f->image_uids = xnew(uint32_t, 1);
        f->image_uids[f->n_image_uids++] = 60514;
}
static void secret(HostFacts *f)
{
        f->credentials = xnew(FactCredential, 1);
        f->n_credentials = 1;
        f->credentials[0] = (FactCredential){.id = xstrdup("token"), .data = (unsigned char *)xstrdup("hush"), .len = 4};
}
static void half_chowned(HostFacts *f)
{
        f->root_owner = 0xfffe0000;
}
static void controller(HostFacts *f, const char *name)
{
        FactController *all = xreallocarray(f->controllers, f->n_controllers + 1, sizeof(*all));

        f->controllers = all;
        all[f->n_controllers++] = (FactController){
                        .name = xstrdup(name), .mount = xasprintf("/sys/fs/cgroup/%s", name), .own = xstrdup("/user")};
}
static void cgroup1(HostFacts *f)
{
        static const char *const names[] = {"memory", "cpu", "cpuset", "blkio", "pids", "net_cls", "net_prio", "hugetlb"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                controller(f, names[i]);
}
static void unified(HostFacts *f)
{
        static const char *const names[] = {"memory", "cpu", "cpuset", "io", "pids", "hugetlb", "rdma"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                strv_push(&f->cgroup2_controllers, names[i]);
}
static void host_systemd(HostFacts *f)
{
        f->has_systemd = true;
}
static void tun(HostFacts *f)
{
        f->has_tun = true;
}

/* lina, UID 1000, without IDs but her own, no control group delegated to her */
static void rootless_alone(HostFacts *f)
{
        f->rootless = true;
        f->can_mknod = false;
        f->has_idmapped_mounts = f->has_sys_resource = false;
        replace(&f->cgroup_parent, NULL);
        f->rlimit_hard[7] = 4096; /* RLIMIT_NOFILE */
        *vec_push(&f->uids) = (SpecIdRange){0, 1000, 1};
        *vec_push(&f->gids) = (SpecIdRange){0, 100, 1};
}
static void rootless(HostFacts *f)
{
        rootless_alone(f);
        *vec_push(&f->uids) = (SpecIdRange){1, 100000, 65536};
        *vec_push(&f->gids) = (SpecIdRange){1, 200000, 65536};
}
static void stranger(HostFacts *f) /* the tree is somebody else's */
{
        f->root_owner = 65534;
}
static void delegated(HostFacts *f)
{
        replace(&f->cgroup_parent, "/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope");
}
static void add_link(HostFacts *f, const char *name)
{
        FactNetwork *n = &f->network;

        n->links = xreallocarray(n->links, n->n_links + 1, sizeof(*n->links));
        n->links[n->n_links++] = (FactLink){.wanted = xstrdup(name), .name = xstrdup(name)};
}
/* A host with all kinds of interfaces, br0 into its LAN among them. */
static void lan(HostFacts *f)
{
        FactNetwork *n = &f->network;

        n->has_ipv6 = n->has_nftables = n->has_veth = n->has_bridge = n->has_macvlan = n->has_ipvlan = n->has_tbf = true;
        replace(&f->host_machine_id, "ffeeddccbbaa99887766554433221100");
        add_link(f, "br0");
        n->links[0].bridge = true;
        add_link(f, "eth1");
        add_link(f, "a-wired-one-xy1"); /* mv-… is too long */
        add_link(f, "lo");
        n->links[3].loopback = true;
        add_link(f, "wlan0");
        n->links[4].wireless = true;
        add_link(f, "usb0");
        n->links[5].unsettled = true;
}
static void old_net(HostFacts *f)
{
        f->network.has_tbf = f->network.has_ipv6 = f->network.has_ipvlan = f->network.has_nftables = false;
}
static void networkd(HostFacts *f)
{
        f->network.has_networkd = true;
}
static void dnsmasq(HostFacts *f)
{
        f->network.has_dnsmasq = true;
}
static void zone_there(HostFacts *f)
{
        FactNetwork *n = &f->network;

        n->zone_address = (SpecAddress){.family = AF_INET, .prefix = 29, .bytes = {192, 168, 77, 1}};
        n->taken = xnew(FactTaken, 4); /* .2, .3 and .5 are left */
        for (uint32_t i = 0; i < 2; i++) {
                n->taken[n->n_taken++] = (FactTaken){.address = 0xc0a84d04 + 2 * i, .interface = "vz-lan"};
        }
}
/* Its own choices for "ve-web" and for "vz-lan" are routes of the host, and the next ones another machine's. */
static void crowded(HostFacts *f)
{
        FactNetwork *n = &f->network;

        n->routes = xnew(FactRoute, 2);
        n->n_routes = 2;
        n->routes[0] = (FactRoute){.network = {.family = AF_INET, .prefix = 10, .bytes = {10, 128}}, .interface = "eth0"};
        n->routes[1] = (FactRoute){.network = {.family = AF_INET, .prefix = 10, .bytes = {10, 192}}, .interface = "eth0"};
}
static void long_name(HostFacts *f)
{
        replace(&f->machine_name, "a-machine-with-a-long-name");
}

typedef struct Preset {
        const char *word;
        void (*apply)(HostFacts *f);
} Preset;
static const Preset presets[] = {
                {"directory", directory},
                {"cgroup1", cgroup1},
                {"unified", unified},
                {"overlay", overlay},
                {"disk", disk},
                {"partitions", partitions},
                {"verity", verity},
                {"encrypted", encrypted},
                {"no-device-mapper", no_device_mapper},
                {"host-root", host_root},
                {"busybox", busybox},
                {"terminal", terminal},
                {"old-kernel", old_kernel},
                {"no-user-namespaces", no_user_namespaces},
                {"no-seccomp", no_seccomp},
                {"no-cgroup2", no_cgroup2},
                {"shifted", shifted},
                {"odd-owner", odd_owner},
                {"weak", weak},
                {"alice", alice},
                {"no-user", no_user},
                {"leader", leader},
                {"resolv-conf", resolv},
                {"tun", tun},
                {"host-systemd", host_systemd},
                {"rootless", rootless},
                {"rootless-alone", rootless_alone},
                {"stranger", stranger},
                {"delegated", delegated},
                {"lan", lan},
                {"old-net", old_net},
                {"networkd", networkd},
                {"dnsmasq", dnsmasq},
                {"zone-there", zone_there},
                {"crowded", crowded},
                {"long-name", long_name},
                {"names", names},
                {"zone", zone},
                {"journal", journal},
                {"selinux", selinux},
                {"sockets", sockets},
                {"merged", merged},
                {"unmerged", unmerged},
                {"scratch", scratch},
                {"lina", lina},
                {"secret", secret},
                {"session", session},
                {"ranges", ranges},
                {"journal-remote", journal_remote},
                {"journal-remote-257", journal_remote_257},
                {"journal-remote-252", journal_remote_252},
                {"half-chowned", half_chowned},
};

bool preset_facts(HostFacts *ret, char *const *words)
{
        *ret = (HostFacts){};
        STRV_FOREACH (w, words) {
                const Preset *found = NULL;
                for (size_t i = 0; i < ELEMENTSOF(presets); i++)
                        if (str_eq(presets[i].word, *w))
                                found = &presets[i];
                if (!found)
                        return false;
                found->apply(ret);
        }
        return ret->machine_name != NULL;
}
