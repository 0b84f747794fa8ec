/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-facts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-registry.h"
#include "machine/run-rootless.h"
#include "machine/run-scope.h"
#include "sys/cgroup.h"
#include "sys/userns.h"

#define SMALL_FILE 65536

static bool exists(const char *path)
{
        return access(path, F_OK) == 0;
}

bool machine_kernel_is_at_least(unsigned major, unsigned minor)
{
        struct utsname u;
        unsigned a = 0, b = 0;
        return uname(&u) == 0 && sscanf(u.release, "%u.%u", &a, &b) == 2 && (a > major || (a == major && b >= minor));
}

static uint64_t bounding_set(void)
{
        uint64_t set = 0;
        for (unsigned cap = 0; cap < 64; cap++) {
                int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
                if (r < 0)
                        break; /* past the last one that the kernel knows */
                set |= (uint64_t)(r > 0) << cap;
        }
        return set;
}

static bool has_capability(unsigned cap)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];
        return syscall(SYS_capget, &header, data) == 0 && (data[cap / 32].effective & (1U << (cap % 32)));
}

/* The fields that systemd-nspawn passes on as container_host_*. */
static const char *const os_fields[] = {"ID", "VERSION_ID", "BUILD_ID", "VARIANT_ID"};

char *machine_os_value(const char *text, const char *key)
{
        for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
                const char *value = str_startswith(line, key);
                if (!value || *value++ != '=')
                        continue;
                char quote = *value == '"' || *value == '\'' ? *value++ : '\0';
                char *out = xmalloc(strcspn(value, "\n") + 1), *to = out;
                for (; *value && *value != '\n' && (!quote || *value != quote); value++) {
                        if (*value == '\\' && quote != '\'' && value[1] && value[1] != '\n')
                                value++;
                        *to++ = *value;
                }
                *to = '\0';
                return out;
        }
        return NULL;
}

static void host_os(HostFacts *f)
{
        static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_free_ char *text = NULL;
                if (file_read_at(AT_FDCWD, paths[i], SMALL_FILE, &text, NULL) < 0)
                        continue;
                f->host_os_release = xstrdup(paths[i]);
                for (size_t k = 0; k < ELEMENTSOF(os_fields); k++) {
                        _cleanup_free_ char *value = machine_os_value(text, os_fields[k]);
                        if (value)
                                strv_pushf(&f->host_os_fields, "%s=%s", os_fields[k], value);
                }
                return;
        }
}

/* Whether an ordinary user may make groups below its own, and move its processes into them (cgroups(7), "Delegation"). */
bool machine_cgroup_is_delegated(const MachineHost *h)
{
        static const char *const files[] = {"", "cgroup.procs", "cgroup.subtree_control"};
        _cleanup_free_ char *cgroup = xstrdup(h->cgroup_parent), *dir = NULL;

        if (!cgroup && sys_cgroup_self(&cgroup) < 0)
                return false;
        dir = path_join(sys_cgroup_mountpoint(), cgroup);
        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *path = path_join(dir, files[i]);
                if (access(path, W_OK) < 0)
                        return false;
        }
        return true;
}

static void host_cgroups(const MachineHost *h, HostFacts *f)
{
        f->has_cgroup2 = sys_cgroup_mountpoint() != NULL;
        if (!f->has_cgroup2)
                return;
        if (h->cgroup_parent)
                f->cgroup_parent = xstrdup(h->cgroup_parent);
        else if (sys_cgroup_base(&f->cgroup_parent) < 0)
                f->has_cgroup2 = false;
        if (h->rootless && f->has_cgroup2 && !machine_cgroup_is_delegated(h)) {
                free(f->cgroup_parent);
                f->cgroup_parent = NULL;
        }
}

static int own_oom_score_adj(void)
{
        _cleanup_free_ char *text = NULL;
        int32_t value;

        if (file_read_at(AT_FDCWD, "/proc/self/oom_score_adj", 64, &text, NULL) < 0 || str_parse_i32(str_strip(text), &value) < 0)
                return 0;
        return value;
}

static void host_user(const MachineHost *h, HostFacts *f)
{
        f->rootless = h->rootless;
        if (!h->rootless)
                return;
        (void)machine_rootless_maps(&f->uids, &f->gids); /* without any, the plan finds that no ID is the machine's */
        f->oom_score_adj = own_oom_score_adj();
        f->has_idmapped_mounts = f->has_sys_resource = false; /* for whoever owns the file system, and the host */
}

/* A version 4 UUID, as the kernel's own boot_id and systemd's machine IDs. */
static void random_uuid(char ret[static 33])
{
        uint8_t uuid[16];

        hash_random(uuid, sizeof(uuid));
        uuid[6] = (uuid[6] & 0x0f) | 0x40;
        uuid[8] = (uuid[8] & 0x3f) | 0x80;
        hash_hex(uuid, sizeof(uuid), ret);
}

void machine_facts_host(const MachineHost *h, HostFacts *f)
{
        f->has_user_namespaces = exists("/proc/self/ns/user");
        f->has_cgroup_namespace = exists("/proc/self/ns/cgroup");
        f->has_idmapped_mounts = machine_kernel_is_at_least(5, 12); /* the file system has its say when the mount is made */
        f->has_seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
        f->has_selinux = exists("/sys/fs/selinux/enforce");
        f->has_fuse = exists("/dev/fuse");
        f->has_tun = exists("/dev/net/tun");
        f->has_systemd = scope_is_possible(h);
        f->can_mknod = !h->rootless && has_capability(CAP_MKNOD) && sys_userns_is_initial();
        f->has_resolv_conf = access("/etc/resolv.conf", R_OK) == 0;
        f->capability_bounding = bounding_set();
        f->has_sys_resource = has_capability(CAP_SYS_RESOURCE);
        f->term = xstrdup(getenv("TERM"));
        f->stdin_is_terminal = isatty(STDIN_FILENO);
        f->stdout_is_terminal = isatty(STDOUT_FILENO);
        for (int i = 0; i < SPEC_RLIMITS; i++) {
                struct rlimit l;
                if (getrlimit((int)i, &l) < 0)
                        continue;
                f->rlimit_soft[i] = l.rlim_cur == RLIM_INFINITY ? UINT64_MAX : l.rlim_cur;
                f->rlimit_hard[i] = l.rlim_max == RLIM_INFINITY ? UINT64_MAX : l.rlim_max;
        }
        host_os(f);
        host_cgroups(h, f);
        host_user(h, f);
        random_uuid(f->boot_uuid);
        random_uuid(f->spare_uuid);
}
