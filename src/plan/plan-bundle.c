/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An OCI bundle: the machine is what config.json says, in its order, and nothing else; but for the devices and links in /dev that the
 * runtime specification has in every container (config-linux.md, "Default Devices" and "Dev symbolic links"). */

#include "plan/build.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* ---- what cannot be had ---- */

static const char *const namespace_names[_SPEC_NAMESPACE_MAX] = {
                [SPEC_NAMESPACE_PID] = "pid",       [SPEC_NAMESPACE_NETWORK] = "network", [SPEC_NAMESPACE_MOUNT] = "mount",
                [SPEC_NAMESPACE_IPC] = "ipc",       [SPEC_NAMESPACE_UTS] = "uts",         [SPEC_NAMESPACE_USER] = "user",
                [SPEC_NAMESPACE_CGROUP] = "cgroup", [SPEC_NAMESPACE_TIME] = "time"};

static bool has_namespace(const PlanBuild *b, SpecNamespaceType type)
{
        if (type == SPEC_NAMESPACE_NETWORK)
                return b->network == SPEC_NETWORK_PRIVATE;
        return type == SPEC_NAMESPACE_USER ? b->users != SPEC_USERS_NO : b->spec->bundle->namespaces[type].set;
}

static int refuse(const PlanBuild *b, const char *path, const char *why, Error *e)
{
        return error_set(e, -EOPNOTSUPP, "%s: %s: %s", b->spec->origin[SPEC_FIELD_BUNDLE], path, why);
}

static int check_namespaces(const PlanBuild *b, Error *e)
{
        const SpecBundle *u = b->spec->bundle;

        if (!u->namespaces[SPEC_NAMESPACE_MOUNT].set)
                return refuse(b, "linux.namespaces", "without a mount namespace the host's own mounts would change; add one", e);
        if (u->namespaces[SPEC_NAMESPACE_MOUNT].path)
                return refuse(b, "linux.namespaces", "a mount namespace that exists already is not offered", e);
        if (u->namespaces[SPEC_NAMESPACE_USER].path)
                return refuse(b, "linux.namespaces", "a user namespace that exists already is not offered", e);
        if (u->namespaces[SPEC_NAMESPACE_CGROUP].set && !b->facts->has_cgroup_namespace)
                return refuse(b, "linux.namespaces", "this kernel has no cgroup namespaces", e);
        if (b->spec->hostname && !has_namespace(b, SPEC_NAMESPACE_UTS))
                return refuse(b, "hostname", "without a uts namespace it would be the host's; add one to linux.namespaces", e);
        if (u->domainname && !has_namespace(b, SPEC_NAMESPACE_UTS))
                return refuse(b, "domainname", "without a uts namespace it would be the host's; add one to linux.namespaces", e);
        return 0;
}

typedef struct SysctlRow { /* settings that a namespace has its own of */
        const char *prefix;
        bool whole; /* the name itself, not what is below */
        SpecNamespaceType type;
} SysctlRow;

static const SysctlRow sysctls[] = {
                {"net/", false, SPEC_NAMESPACE_NETWORK},
                {"fs/mqueue/", false, SPEC_NAMESPACE_IPC},
                {"kernel/msgmax", true, SPEC_NAMESPACE_IPC},
                {"kernel/msgmnb", true, SPEC_NAMESPACE_IPC},
                {"kernel/msgmni", true, SPEC_NAMESPACE_IPC},
                {"kernel/msg_next_id", true, SPEC_NAMESPACE_IPC},
                {"kernel/sem", true, SPEC_NAMESPACE_IPC},
                {"kernel/sem_next_id", true, SPEC_NAMESPACE_IPC},
                {"kernel/shmall", true, SPEC_NAMESPACE_IPC},
                {"kernel/shmmax", true, SPEC_NAMESPACE_IPC},
                {"kernel/shmmni", true, SPEC_NAMESPACE_IPC},
                {"kernel/shm_next_id", true, SPEC_NAMESPACE_IPC},
                {"kernel/shm_rmid_forced", true, SPEC_NAMESPACE_IPC},
                {"kernel/hostname", true, SPEC_NAMESPACE_UTS},
                {"kernel/domainname", true, SPEC_NAMESPACE_UTS},
                {"user/", false, SPEC_NAMESPACE_USER},
};

/* As sysctl(8) has names: what separates first is the separator, and then the other one stands for itself ("net/ipv4/conf/eth0.1/x"). */
static char *sysctl_path(const char *assignment)
{
        char *path = xstrndup(assignment, strcspn(assignment, "="));
        const char *first = strpbrk(path, "./");

        bool dots = first && *first == '.';

        for (char *c = path; dots && *c; c++)
                *c = *c == '.' ? '/' : *c == '/' ? '.' : *c;
        return path;
}

static int check_sysctl(const PlanBuild *b, const char *assignment, Error *e)
{
        _cleanup_free_ char *path = sysctl_path(assignment),
                            *where = xasprintf("linux.sysctl.%.*s", (int)strcspn(assignment, "="), assignment);

        if (!path_is_normalized(path) || path_is_absolute(path))
                return refuse(b, where, "this is no name of a kernel setting", e);
        for (size_t i = 0; i < ELEMENTSOF(sysctls); i++) {
                const SysctlRow *row = &sysctls[i];
                if (row->whole ? !str_eq(path, row->prefix) : !str_startswith(path, row->prefix))
                        continue;
                if (has_namespace(b, row->type))
                        return 0;
                _cleanup_free_ char *why = xasprintf("without a %s namespace it would be the host's; add one to linux.namespaces",
                                                     namespace_names[row->type]);
                return refuse(b, where, why, e);
        }
        return refuse(b, where, "this setting is the whole host's, no namespace has its own; set it on the host", e);
}

static int check_security(const PlanBuild *b, Error *e)
{
        const SpecBundle *u = b->spec->bundle;

        if (u->apparmor && *u->apparmor && !b->facts->has_apparmor)
                return refuse(b, "process.apparmorProfile", "AppArmor is not running on this host; leave it out", e);
        if (u->selinux && *u->selinux && !b->facts->has_selinux)
                return refuse(b, "process.selinuxLabel", "SELinux is not running on this host; leave it out", e);
        if (u->mount_label && *u->mount_label && !b->facts->has_selinux)
                return refuse(b, "linux.mountLabel", "SELinux is not running on this host; leave it out", e);
        if (u->seccomp.set && !b->facts->has_seccomp)
                return refuse(b, "linux.seccomp", "this kernel has no system call filters; leave it out", e);
        return 0;
}

int plan_bundle_check(PlanBuild *b, Error *e)
{
        if (!spec_is_set(b->spec, SPEC_FIELD_BUNDLE))
                return 0;
        int r = check_namespaces(b, e);

        STRV_FOREACH (s, b->spec->bundle->sysctl)
                if (r >= 0)
                        r = check_sysctl(b, *s, e);
        return r < 0 ? r : check_security(b, e);
}

/* ---- namespaces and control group ---- */

static const uint64_t clone_flags[_SPEC_NAMESPACE_MAX] = {
                [SPEC_NAMESPACE_PID] = CLONE_NEWPID,       [SPEC_NAMESPACE_NETWORK] = CLONE_NEWNET,
                [SPEC_NAMESPACE_MOUNT] = CLONE_NEWNS,      [SPEC_NAMESPACE_IPC] = CLONE_NEWIPC,
                [SPEC_NAMESPACE_UTS] = CLONE_NEWUTS,       [SPEC_NAMESPACE_USER] = CLONE_NEWUSER,
                [SPEC_NAMESPACE_CGROUP] = CLONE_NEWCGROUP, [SPEC_NAMESPACE_TIME] = CLONE_NEWTIME};

static void add_offset(MachinePlan *p, const char *clock, const SpecTimeOffset *o)
{
        if (o->secs || o->nanosecs)
                strv_pushf(&p->time_offsets, "%s %lld %u", clock, (long long)o->secs, o->nanosecs);
}

void plan_bundle_namespaces(PlanBuild *b)
{
        const SpecBundle *u = b->spec->bundle;
        MachinePlan *p = b->plan;
        bool own_network = !str_eq(b->spec->origin[SPEC_FIELD_NETWORK], b->spec->origin[SPEC_FIELD_BUNDLE]);

        for (SpecNamespaceType t = 0; t < _SPEC_NAMESPACE_MAX; t++) {
                const char *path = t == SPEC_NAMESPACE_NETWORK && own_network ? NULL : u->namespaces[t].path;
                if (!has_namespace(b, t))
                        continue;
                if (path)
                        *vec_push(&p->joins) = (PlanJoin){clone_flags[t], xstrdup(path)};
                else
                        p->namespaces |= clone_flags[t];
        }
        add_offset(p, "monotonic", &u->monotonic);
        add_offset(p, "boottime", &u->boottime);
        p->rows = (uint16_t)u->rows;
        p->columns = (uint16_t)u->columns;
}

/* An absolute path counts from the hierarchy's root, a relative one from where machines are. "SLICE:PREFIX:NAME" is systemd's way. */
char *plan_bundle_cgroup(const char *path, const char *parent)
{
        _cleanup_strv_ char **parts = strv_split(path, ":");
        bool systemd = strv_len(parts) >= 2 && !strchr(path, '/') && strchr(path, ':');

        if (systemd) {
                _cleanup_free_ char *slice = plan_slice_path(strv_len(parts) == 3 ? parts[0] : "system.slice");
                size_t first = strv_len(parts) - 2;
                return xasprintf("%s/%s-%s.scope", slice, parts[first], parts[first + 1]);
        }
        return path_simplify(path_is_absolute(path) ? xstrdup(path) : path_join(parent, path));
}

/* ---- mounts ---- */

static void add_propagation(PlanBuild *b, const SpecBundleMount *m)
{
        for (int all = 0; all < 2; all++) {
                if (!m->propagation[all])
                        continue;
                PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_PROPAGATION, m->target);
                op->value = m->propagation[all];
                op->recursive = all;
        }
}

static void set_attributes(PlanOp *op, const SpecBundleMount *m)
{
        op->attrs = m->set;
        op->attrs_clear = m->clear;
        op->all_attrs = m->all_set;
        op->all_attrs_clear = m->all_clear;
}

static void copy_ranges(const SpecIdRanges *from, SpecIdRanges *to)
{
        for (size_t i = 0; i < from->n; i++)
                *vec_push(to) = from->items[i];
}

static int set_idmap(PlanBuild *b, const SpecBundleMount *m, PlanOp *tree, Error *e)
{
        if (!b->facts->has_idmapped_mounts)
                return error_set(e, -EOPNOTSUPP,
                                 "mount on '%s': 'idmap' needs ID-mapped mounts, which this kernel does not offer", m->target);
        if (m->uids.n == 0 && !b->plan->user_namespace)
                return error_set(e, -EINVAL,
                                 "mount on '%s': 'idmap' needs uidMappings and gidMappings, as there is no user namespace",
                                 m->target);
        tree->idmap = SPEC_IDMAP_FULL;
        tree->idmap_recursive = m->idmap_recursive;
        copy_ranges(&m->uids, &tree->uids);
        copy_ranges(&m->gids, &tree->gids);
        return 0;
}

static int add_bind(PlanBuild *b, const SpecBundleMount *m, Error *e)
{
        PlanOp *attach = plan_add_host_bind(b->plan, m->source, 0, m->target, NODE_SAME), *tree = attach - 1;

        attach->no_follow = m->target_nofollow;
        tree->no_follow = m->source_nofollow || m->copy_symlink;
        attach->keep_symlink = m->copy_symlink;
        tree->recursive = m->recursive;
        tree->top_only = true;
        set_attributes(tree, m);
        return m->idmap ? set_idmap(b, m, tree, e) : 0;
}

/* The machine's own group in the host's cgroup2: mounted anew where its namespace shows it, else bound. */
static int add_cgroup(PlanBuild *b, const SpecBundleMount *m, Error *e)
{
        if (!b->plan->cgroup)
                return error_set(e, -EOPNOTSUPP, "mount on '%s': this host has no cgroup2 to show; leave it out", m->target);
        if (b->plan->namespaces & CLONE_NEWCGROUP) {
                PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_MOUNT, m->target);
                op->fstype = xstrdup("cgroup2");
                op->source = xstrdup("cgroup2");
                op->node = NODE_DIRECTORY;
                set_attributes(op, m);
                return 0;
        }
        PlanOp *attach = plan_add_host_bind(b->plan, NULL, 0, m->target, NODE_DIRECTORY), *tree = attach - 1;
        tree->source = xstrdup("payload");
        set_attributes(tree, m);
        return 0;
}

static int add_file_system(PlanBuild *b, const SpecBundleMount *m, Error *e)
{
        const char *label = b->spec->bundle->mount_label;

        if (m->idmap)
                return error_set(e, -EOPNOTSUPP, "mount on '%s': 'idmap' is for bind mounts", m->target);
        if (str_eq(m->type, "cgroup") || str_eq(m->type, "cgroup2"))
                return add_cgroup(b, m, e);
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_MOUNT, m->target);
        op->fstype = xstrdup(m->type);
        op->source = xstrdup(m->source ?: m->type);
        op->node = NODE_DIRECTORY;
        op->options = strv_copy(m->options);
        op->copy_up = m->copy_up;
        op->no_follow = m->target_nofollow;
        set_attributes(op, m);
        if (label && *label && (str_eq(m->type, "tmpfs") || str_eq(m->type, "overlay")))
                strv_pushf(&op->options, "context=%s", label);
        return 0;
}

/* ---- devices ---- */

static const SpecDevice default_devices[] = {
                {.type = 'c', .path = (char *)"/dev/null", .major = 1, .minor = 3, .mode = 0666},
                {.type = 'c', .path = (char *)"/dev/zero", .major = 1, .minor = 5, .mode = 0666},
                {.type = 'c', .path = (char *)"/dev/full", .major = 1, .minor = 7, .mode = 0666},
                {.type = 'c', .path = (char *)"/dev/random", .major = 1, .minor = 8, .mode = 0666},
                {.type = 'c', .path = (char *)"/dev/urandom", .major = 1, .minor = 9, .mode = 0666},
                {.type = 'c', .path = (char *)"/dev/tty", .major = 5, .minor = 0, .mode = 0666},
};

/* Where nodes cannot be made, those of the host are bound. */
static void add_device(PlanBuild *b, const SpecDevice *d)
{
        if (b->plan->user_namespace && d->type != 'p') {
                plan_add_host_bind(b->plan, d->path, 0, d->path, NODE_FILE);
                return;
        }
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_DEVICE, d->path);
        op->mode = (d->type == 'b' ? S_IFBLK : d->type == 'p' ? S_IFIFO : S_IFCHR) | d->mode;
        op->value = d->major;
        op->value2 = d->minor;
        op->number = d->uid;
        op->number2 = d->gid;
}

static bool is_configured(const SpecBundle *u, const char *path)
{
        for (size_t i = 0; i < u->devices.n; i++)
                if (str_eq(u->devices.items[i].path, path))
                        return true;
        return false;
}

static bool dev_is_bound(const SpecBundle *u)
{
        for (size_t i = 0; i < u->mounts.n; i++)
                if (u->mounts.items[i].bind && str_eq(u->mounts.items[i].target, "/dev"))
                        return true;
        return false;
}

static void add_links(PlanBuild *b)
{
        static const char *const links[][2] = {{"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
                                               {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
                                               {"/dev/core", "/proc/kcore"},       {"/dev/ptmx", "pts/ptmx"}};

        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                if (!str_eq(links[i][0], "/dev/core") || b->facts->has_kcore)
                        plan_add(b->plan, PHASE_ROOT, OP_SYMLINK, links[i][0])->source = xstrdup(links[i][1]);
}

/* With the host's /dev bound there is nothing to make, and nothing to be made on the host. */
static void add_devices(PlanBuild *b)
{
        const SpecBundle *u = b->spec->bundle;

        if (dev_is_bound(u))
                return;
        for (size_t i = 0; i < ELEMENTSOF(default_devices); i++)
                if (!is_configured(u, default_devices[i].path))
                        add_device(b, &default_devices[i]);
        for (size_t i = 0; i < u->devices.n; i++)
                add_device(b, &u->devices.items[i]);
        add_links(b);
        if (b->plan->console != SPEC_CONSOLE_PIPE)
                plan_add(b->plan, PHASE_ROOT, OP_CONSOLE, "/dev/console");
}

int plan_bundle_mounts(PlanBuild *b, Error *e)
{
        const SpecBundle *u = b->spec->bundle;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < u->mounts.n; i++) {
                const SpecBundleMount *m = &u->mounts.items[i];
                r = m->bind ? add_bind(b, m, e) : add_file_system(b, m, e);
                add_propagation(b, m);
        }
        if (r >= 0)
                add_devices(b);
        return r < 0 ? error_prefix(e, r, "%s", b->spec->origin[SPEC_FIELD_BUNDLE]) : 0;
}

/* ---- the end of the root ---- */

static void add_hidden(PlanBuild *b)
{
        STRV_FOREACH (path, b->spec->bundle->read_only) {
                PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_SETATTR, *path);
                op->attrs = MOUNT_ATTR_RDONLY;
                op->recursive = true;
                op->if_exists = true;
        }
        STRV_FOREACH (path, b->spec->bundle->masked)
                plan_add(b->plan, PHASE_ROOT, OP_COVER, *path);
}

static void add_sysctls(PlanBuild *b)
{
        STRV_FOREACH (s, b->spec->bundle->sysctl) {
                _cleanup_free_ char *path = sysctl_path(*s);
                plan_add(b->plan, PHASE_ROOT, OP_SYSCTL, path)->text = xstrdup(strchr(*s, '=') + 1);
        }
}

int plan_bundle_finish(PlanBuild *b, Error *e)
{
        const SpecBundle *u = b->spec->bundle;
        MachinePlan *p = b->plan;

        if (b->spec->chdir && !str_eq(b->spec->chdir, "/")) { /* runtimes make it */
                PlanOp *op = plan_add(p, PHASE_ROOT, OP_MKDIR, b->spec->chdir);
                op->mode = 0755;
                op->optional = true;
        }
        plan_bundle_hooks(b, SPEC_HOOK_PRESTART, PHASE_RUNTIME);
        plan_bundle_hooks(b, SPEC_HOOK_CREATE_RUNTIME, PHASE_RUNTIME);
        if (u->hooks[SPEC_HOOK_PRESTART].n + u->hooks[SPEC_HOOK_CREATE_RUNTIME].n > 0)
                plan_add(p, PHASE_ROOT, OP_RUNTIME_HOOKS, NULL);
        plan_bundle_hooks(b, SPEC_HOOK_CREATE_CONTAINER, PHASE_ROOT);
        add_sysctls(b);
        add_hidden(b);
        if (b->read_only)
                plan_add(p, PHASE_ROOT, OP_SETATTR, "/")->attrs = MOUNT_ATTR_RDONLY;
        PlanOp *pivot = plan_add(p, PHASE_ROOT, OP_PIVOT, NULL);
        pivot->recursive = u->root_propagation[1] != 0;
        pivot->value = u->root_propagation[1] ?: u->root_propagation[0] ?: PLAN_PROPAGATION_KEEP;
        if (b->spec->hostname)
                plan_add(p, PHASE_INSIDE, OP_HOSTNAME, NULL)->text = xstrdup(b->spec->hostname);
        if (u->domainname)
                plan_add(p, PHASE_INSIDE, OP_DOMAINNAME, NULL)->text = xstrdup(u->domainname);
        if (p->namespaces & CLONE_NEWNET)
                plan_add(p, PHASE_INSIDE, OP_LINK_UP, NULL)->text = xstrdup("lo");
        return 0;
}
