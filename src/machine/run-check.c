/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "machine/run-facts.h"
#include "machine/run-rootless.h"
#include "net/nft.h"
#include "sys/cgroup.h"
#include "sys/command.h"
#include "sys/idmap.h"
#include "sys/userns.h"

/* One row each: what is probed, whether nothing goes without it, and what is lost when it is missing. A probe returns whether it is there
 * and may describe what it found. */
typedef struct CheckRow {
        const char *name;
        bool needed;
        bool (*probe)(const MachineHost *h, char **ret_found);
        const char *missing;
} CheckRow;

static bool check_root(const MachineHost *h, char **ret_found)
{
        if (!h->rootless) {
                *ret_found = xstrdup("root");
                return true;
        }
        if (!sys_userns_can_enter())
                return false;
        *ret_found = xasprintf("ordinary user: own machines, in %s and directories; create, clone and snapshot need root",
                               h->machines_dir);
        return true;
}

static bool check_subids(const MachineHost *h, char **ret_found)
{
        Rootless r;
        if (!h->rootless) {
                *ret_found = xstrdup("not needed by root");
                return true;
        }
        machine_rootless_find(h, &r);
        bool there = r.subordinate && r.newuidmap && r.newgidmap;
        if (r.subordinate)
                *ret_found = xasprintf("root is %u, 1 is %u, … (/etc/subuid)%s", h->uid, r.uids.items[1].outside,
                                       there ? "" : "; newuidmap or newgidmap is not installed, so that nothing starts");
        machine_rootless_done(&r);
        return there;
}

static bool check_kernel(const MachineHost *h, char **ret_found)
{
        struct utsname u;
        if (uname(&u) < 0)
                return false;
        *ret_found = xasprintf("Linux %s %s", u.release, u.machine);
        return machine_kernel_is_at_least(5, 12);
}

static bool namespace(const char *name)
{
        _cleanup_free_ char *path = xasprintf("/proc/self/ns/%s", name);
        return access(path, F_OK) == 0;
}

static bool check_namespaces(const MachineHost *h, char **ret_found)
{
        static const char *const names[] = {"mnt", "pid", "ipc", "uts", "net"};
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (!namespace(names[i]))
                        return false;
        *ret_found = xstrdup("mount, pid, ipc, uts, net");
        return true;
}

static bool check_user_namespace(const MachineHost *h, char **ret_found)
{
        _cleanup_free_ char *max = NULL;
        if (!namespace("user"))
                return false;
        if (file_read_at(AT_FDCWD, "/proc/sys/user/max_user_namespaces", 64, &max, NULL) < 0)
                return true;
        *ret_found = xasprintf("up to %s", str_strip(max));
        return !str_eq(str_strip(max), "0");
}

static bool check_cgroup_namespace(const MachineHost *h, char **ret_found)
{
        return namespace("cgroup");
}

/* The directory of the store, or the nearest one above that exists: that is where it would be made. */
static char *existing(const char *path)
{
        char *p = xstrdup(path);
        while (access(p, F_OK) < 0 && !str_eq(p, "/")) {
                char *up = path_dirname(p);
                free(p);
                p = up;
        }
        return p;
}

static bool check_idmap(const MachineHost *h, char **ret_found)
{
        _cleanup_free_ char *place = existing(h->machines_dir);
        _cleanup_close_ int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (h->rootless) {
                *ret_found = xstrdup("for root only: an ordinary user's files are mapped by its user namespace");
                return true;
        }
        *ret_found = xasprintf("in %s", place);
        return fd >= 0 && sys_idmap_supported(fd) > 0;
}

static bool file_system(const char *name)
{
        _cleanup_free_ char *text = NULL, *line = xasprintf("\t%s\n", name);
        return file_read_at(AT_FDCWD, "/proc/filesystems", 65536, &text, NULL) >= 0 && strstr(text, line);
}

static bool check_overlay(const MachineHost *h, char **ret_found)
{
        return file_system("overlay");
}

static bool check_seccomp(const MachineHost *h, char **ret_found)
{
        return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static bool check_cgroup(const MachineHost *h, char **ret_found)
{
        const char *mountpoint = sys_cgroup_mountpoint();
        if (!mountpoint)
                return false;
        if (h->rootless && !machine_cgroup_is_delegated(h)) {
                _cleanup_free_ char *manager = path_join(h->runtime_dir ?: "/", "systemd/private");
                bool asks = h->runtime_dir && access(manager, W_OK) == 0;
                *ret_found = xstrdup(asks ? "made by the user's own systemd"
                                          : "none delegated to this user, and no systemd of its own");
                return asks;
        }
        _cleanup_free_ char *path = path_join(mountpoint, "cgroup.controllers"), *text = NULL;
        bool any = file_read_at(AT_FDCWD, path, 4096, &text, NULL) >= 0 && *str_strip(text);
        *ret_found = any ? xasprintf("%s, controllers: %s", mountpoint, str_strip(text))
                         : xasprintf("%s, without controllers (the host uses cgroup v1 for them): machines run, limits come "
                                     "later",
                                     mountpoint);
        return true;
}

static bool check_cgroup_kill(const MachineHost *h, char **ret_found)
{
        return sys_cgroup_mountpoint() && machine_kernel_is_at_least(5, 14);
}

static bool check_store(const MachineHost *h, char **ret_found)
{
        _cleanup_free_ char *place = existing(h->machines_dir);
        struct statvfs s;
        char bytes[32];
        if (statvfs(place, &s) < 0)
                return false;
        str_format_bytes(bytes, sizeof(bytes), (uint64_t)s.f_bavail * s.f_frsize);
        *ret_found = xasprintf("%s, %s free", h->machines_dir, bytes);
        return (uint64_t)s.f_bavail * s.f_frsize >= 1024ULL * 1024 * 1024;
}

/* A booted systemd with its services takes some four, of those of its machine; machines without a user namespace share root's. */
static bool check_inotify(const MachineHost *h, char **ret_found)
{
        _cleanup_free_ char *text = NULL;
        uint64_t n;
        if (file_read_at(AT_FDCWD, "/proc/sys/fs/inotify/max_user_instances", 64, &text, NULL) < 0 ||
            str_parse_u64(str_strip(text), &n) < 0)
                return false;
        *ret_found = xasprintf("%" PRIu64 " instances for each machine, or for some %" PRIu64
                               " booted machines at once without user namespaces (sysctl fs.inotify.max_user_instances)",
                               n, n / 4);
        return n >= 128;
}

static bool check_fuse(const MachineHost *h, char **ret_found)
{
        return access("/dev/fuse", F_OK) == 0;
}
static bool check_tun(const MachineHost *h, char **ret_found)
{
        return access("/dev/net/tun", F_OK) == 0;
}

static bool check_gpgv(const MachineHost *h, char **ret_found)
{
        *ret_found = machine_find_program("gpgv");
        return *ret_found != NULL;
}

static bool keyring(const char *path, char **ret_found)
{
        if (access(path, R_OK) < 0)
                return false;
        *ret_found = xstrdup(path);
        return true;
}

static bool check_debian_keyring(const MachineHost *h, char **ret_found)
{
        return keyring("/usr/share/keyrings/debian-archive-keyring.gpg", ret_found);
}

static bool check_ubuntu_keyring(const MachineHost *h, char **ret_found)
{
        return keyring("/usr/share/keyrings/ubuntu-archive-keyring.gpg", ret_found);
}

static bool check_nftables(const MachineHost *h, char **ret_found)
{
        if (h->rootless || geteuid() != 0) { /* the kernel answers nobody else */
                *ret_found = xstrdup("not tried without root");
                return true;
        }
        return nft_exists();
}

static bool check_dnsmasq(const MachineHost *h, char **ret_found)
{
        *ret_found = h->rootless ? xstrdup("for root only: an ordinary user has no zones") : NULL;
        return h->rootless || sys_command_exists("dnsmasq");
}

static const CheckRow rows[] = {
                {"privilege", true, check_root,
                 "ordinary users can make no user namespace here: see sysctl user.max_user_namespaces, "
                 "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns, or run berth with sudo"},
                {"kernel", true, check_kernel, "Linux 5.12 or newer is needed"},
                {"namespaces", true, check_namespaces, "the kernel was built without mount, PID, IPC, UTS or network namespaces"},
                {"user namespaces", false, check_user_namespace,
                 "machines run only with --private-users=no, without their own ID range: set sysctl user.max_user_namespaces"},
                {"subordinate IDs", false, check_subids,
                 "an ordinary user's machines have one user, root: let root run usermod --add-subuids and --add-subgids, and "
                 "install "
                 "uidmap"},
                {"cgroup namespaces", false, check_cgroup_namespace, "machines see the host's cgroup paths (Linux 4.6)"},
                {"ID-mapped mounts", false, check_idmap,
                 "the file system of the store cannot map IDs: use --private-users=no, or a store on ext4, xfs, btrfs or tmpfs"},
                {"overlayfs", false, check_overlay, "clone and snapshot copy the whole tree: modprobe overlay"},
                {"seccomp", false, check_seccomp, "system calls are not filtered (CONFIG_SECCOMP_FILTER)"},
                {"cgroup2", false, check_cgroup,
                 "no limits, no freezing for snapshots; systemd inside does not boot without cgroups: mount cgroup2"},
                {"cgroup.kill", false, check_cgroup_kill, "left-over processes are killed one by one (Linux 5.14)"},
                {"inotify", false, check_inotify,
                 "few machines without user namespaces can be booted at once: raise sysctl fs.inotify.max_user_instances"},
                {"store", false, check_store, "less than 1G is free for machines"},
                {"/dev/fuse", false, check_fuse, "FUSE file systems do not work in machines: modprobe fuse"},
                {"/dev/net/tun", false, check_tun, "no tunnels (VPN) in machines: modprobe tun"},
                {"nftables", false, check_nftables, "no zones, no published ports: load nf_tables and nft_nat"},
                {"dnsmasq", false, check_dnsmasq,
                 "machines of a zone have no names among each other and no leases: install dnsmasq"},
                {"gpgv", false, check_gpgv, "create cannot verify signatures: install gpgv"},
                {"Debian keys", false, check_debian_keyring,
                 "create debian:… needs --keyring=FILE: install debian-archive-keyring"},
                {"Ubuntu keys", false, check_ubuntu_keyring, "create ubuntu:… needs --keyring=FILE: install ubuntu-keyring"},
};

int machine_check(const MachineHost *h, MachineCheck **ret, size_t *ret_n)
{
        MachineCheck *v = xnew(MachineCheck, ELEMENTSOF(rows));
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char *found = NULL;
                bool ok = rows[i].probe(h, &found);
                v[i] = (MachineCheck){.name = rows[i].name, .ok = ok, .needed = rows[i].needed};
                if (ok)
                        v[i].detail = found ?: xstrdup("");
                else {
                        v[i].detail = found ? xasprintf("%s: %s", found, rows[i].missing) : xstrdup(rows[i].missing);
                        free(found);
                }
        }
        *ret = v;
        *ret_n = ELEMENTSOF(rows);
        return 0;
}

void machine_check_free(MachineCheck *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(v[i].detail);
        free(v);
}
