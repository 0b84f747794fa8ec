/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /dev, /proc, /sys, /run and /tmp as systemd-nspawn(1) makes them (its mount_table, copy_devnodes() and setup_*()). Attributes are set as
 * mounts are made, never afterwards, where that is possible: each operation is two or three system calls of the start-up time. */

#include "plan/build.h"

#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

typedef struct ApiMount {
        const char *path, *fstype;
        const char *options; /* by commas */
        uint64_t attrs;
} ApiMount;

static void add_mount(MachinePlan *p, const ApiMount *m)
{
        PlanOp *op = plan_add(p, PHASE_ROOT, OP_MOUNT, m->path);

        op->fstype = xstrdup(m->fstype);
        op->source = xstrdup(m->fstype);
        op->options = m->options ? strv_split(m->options, ",") : NULL;
        op->attrs = m->attrs;
        op->node = NODE_DIRECTORY;
}

static void add_mkdir(MachinePlan *p, const char *path, mode_t mode)
{
        plan_add(p, PHASE_ROOT, OP_MKDIR, path)->mode = mode;
}

static void add_symlink(MachinePlan *p, const char *text, const char *path)
{
        plan_add(p, PHASE_ROOT, OP_SYMLINK, path)->source = xstrdup(text);
}

static void add_file(MachinePlan *p, const char *path, char *take_text)
{
        PlanOp *op = plan_add(p, PHASE_ROOT, OP_FILE, path);

        op->text = take_text;
        op->mode = 0444;
}

static PlanOp *add_setattr(MachinePlan *p, const char *path, uint64_t attrs, bool optional)
{
        PlanOp *op = plan_add(p, PHASE_ROOT, OP_SETATTR, path);

        op->attrs = attrs;
        op->optional = optional;
        return op;
}

/* ---- /run and /run/host ---- */

static const ApiMount run_mount = {"/run", "tmpfs", "mode=0755,size=20%,nr_inodes=800k",
                                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME};

/* What masked nodes are covered with. The block device cannot be made in a user namespace, the character device 0:0 can. */
typedef struct MaskNode {
        const char *path;
        mode_t type;
} MaskNode;
static const MaskNode mask_nodes[] = {
                {"/run/host/inaccessible/reg", S_IFREG},  {"/run/host/inaccessible/dir", S_IFDIR},
                {"/run/host/inaccessible/fifo", S_IFIFO}, {"/run/host/inaccessible/sock", S_IFSOCK},
                {"/run/host/inaccessible/chr", S_IFCHR},  {"/run/host/inaccessible/blk", S_IFBLK},
};

static void add_mask_nodes(const PlanBuild *b)
{
        add_mkdir(b->plan, "/run/host/inaccessible", 0755);
        for (size_t i = 0; i < ELEMENTSOF(mask_nodes); i++) {
                const MaskNode *m = &mask_nodes[i];
                PlanOp *op = plan_add(b->plan, PHASE_ROOT, m->type == S_IFDIR ? OP_MKDIR : OP_MKNOD, m->path);
                op->mode = m->type == S_IFDIR ? 0 : m->type;
                op->optional = m->type == S_IFBLK || m->type == S_IFCHR;
        }
}

char *plan_machine_uuid(const MachineSpec *s, const HostFacts *f)
{
        const char *id = f->machine_id ?: s->machine_id ?: *f->spare_uuid ? f->spare_uuid : NULL;

        return id ? xasprintf("%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16, id + 20) : NULL;
}

static void add_run(const PlanBuild *b)
{
        MachinePlan *p = b->plan;
        _cleanup_free_ char *uuid = plan_machine_uuid(b->spec, b->facts);

        add_mount(p, &run_mount);
        add_mkdir(p, "/run/host", 0755);
        add_setattr(p, "/run/host", QUIET,
                    false); /* a mount of its own from now on, so that what is mounted below stays in sight */
        add_mkdir(p, "/run/host/incoming", 0755);
        add_mask_nodes(b);
        add_file(p, "/run/host/container-manager", xasprintf("%s\n", b->spec->manager ?: PLAN_MANAGER));
        if (uuid)
                add_file(p, "/run/host/container-uuid", xasprintf("%s\n", uuid));
        if (b->facts->host_os_release)
                plan_add_host_bind(p, b->facts->host_os_release, MOUNT_ATTR_RDONLY | QUIET, "/run/host/os-release", NODE_FILE);
        plan_add(p, PHASE_ROOT, OP_NOTIFY_SOCKET, "/run/host/notify");
}

/* Read-only once everything is in it. The socket stays usable: a read-only mount refuses changes of the file system only. */
void plan_host_directory_close(PlanBuild *b)
{
        add_setattr(b->plan, "/run/host", MOUNT_ATTR_RDONLY, false);
}

/* ---- /proc ---- */

static const ApiMount proc_mount = {"/proc", "proc", NULL, QUIET};

static const char *const proc_masked[] = {"/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger",
                                          "/proc/timer_list"};
static const char *const proc_read_only[] = {"/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus",
                                             "/proc/fs",   "/proc/irq", "/proc/scsi"};

static void add_boot_id(const PlanBuild *b)
{
        const char *id = b->facts->boot_uuid, *staging = "/run/host/boot-id";

        if (!*id)
                return;
        add_file(b->plan, staging, xasprintf("%.8s-%.4s-%.4s-%.4s-%.12s\n", id, id + 8, id + 12, id + 16, id + 20));
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_BIND, "/proc/sys/kernel/random/boot_id");
        op->source = xstrdup(staging);
        op->attrs = MOUNT_ATTR_RDONLY | QUIET;
        plan_add(b->plan, PHASE_ROOT, OP_REMOVE, staging);
}

/* The kernel lets a user namespace mount proc and sysfs only while a fully visible one is in the same mount namespace
 * (mount_too_revealing()): the host's, so both are mounted before OP_PIVOT. */
/* Or SYSTEMD_NSPAWN_API_VFS_WRITABLE=network, which makes /proc and /sys as if it were. */
static bool own_network(const PlanBuild *b)
{
        return b->network == SPEC_NETWORK_PRIVATE || b->spec->api_network;
}

static void add_proc(const PlanBuild *b)
{
        MachinePlan *p = b->plan;

        add_mount(p, &proc_mount);
        if (b->spec->api_writable) {
                add_boot_id(b);
                return;
        }
        add_setattr(p, "/proc/sys", MOUNT_ATTR_RDONLY, false);
        if (own_network(b)) /* the machine's own network: its sysctls too */
                add_setattr(p, "/proc/sys/net", 0, false)->attrs_clear = MOUNT_ATTR_RDONLY;
        add_boot_id(b);
        for (size_t i = 0; i < ELEMENTSOF(proc_read_only); i++)
                add_setattr(p, proc_read_only[i], MOUNT_ATTR_RDONLY, true);
        for (size_t i = 0; i < ELEMENTSOF(proc_masked); i++)
                plan_add(p, PHASE_ROOT, OP_MASK, proc_masked[i])->optional = true;
        plan_add(p, PHASE_ROOT, OP_KMSG_FIFO, "/proc/kmsg");
}

/* ---- /sys ---- */

static const ApiMount sys_tmpfs = {"/sys", "tmpfs", "mode=0555,size=4m,nr_inodes=1k", QUIET};
static const ApiMount sys_mount = {"/sys", "sysfs", NULL, MOUNT_ATTR_RDONLY | QUIET};
static const ApiMount sys_writable = {"/sys", "sysfs", NULL, QUIET};
static const ApiMount cgroup_mount = {"/sys/fs/cgroup", "cgroup2", NULL, QUIET};

static const char *const sys_shown[] = {"block", "bus", "class", "dev", "devices", "kernel"};

/* With an own network only what says nothing of the host's firmware, power and modules, out of a sysfs of the own namespace. */
static void add_sys_private(const PlanBuild *b)
{
        MachinePlan *p = b->plan;

        add_mount(p, &sys_tmpfs);
        PlanOp *parts = plan_add(p, PHASE_ROOT, OP_MOUNT_PARTS, "/sys");
        parts->fstype = xstrdup("sysfs");
        parts->source = xstrdup("sysfs");
        parts->attrs = MOUNT_ATTR_RDONLY | QUIET;
        for (size_t i = 0; i < ELEMENTSOF(sys_shown); i++)
                strv_push(&parts->parts, sys_shown[i]);
        add_mkdir(p, "/sys/fs", 0755);
        add_mkdir(p, "/sys/fs/cgroup", 0755);
        if (b->facts->has_selinux)
                add_mkdir(p, "/sys/fs/selinux", 0755);
        add_setattr(p, "/sys", MOUNT_ATTR_RDONLY, false);
}

static void add_sys(const PlanBuild *b)
{
        MachinePlan *p = b->plan;

        if (own_network(b) && !b->spec->api_writable)
                add_sys_private(b);
        else if (p->user_namespace) { /* whoever does not own the network may not mount its sysfs; other file systems below stay behind */
                PlanOp *attach = plan_add_host_bind(p, "/sys", MOUNT_ATTR_RDONLY | QUIET, "/sys", NODE_DIRECTORY);
                (attach - 1)->recursive = p->rootless; /* to an ordinary user the kernel does not uncover what they cover */
        } else
                add_mount(p, b->spec->api_writable ? &sys_writable : &sys_mount);
        if (b->facts->has_selinux) /* a guest asks there whether there is SELinux, and finds that it is not its own to set up */
                plan_add_host_bind(p, "/sys/fs/selinux", MOUNT_ATTR_RDONLY | QUIET, "/sys/fs/selinux", NODE_NONE);
        /* The machine's own subtree, as its cgroup namespace shows it. */
        if ((p->namespaces & CLONE_NEWCGROUP) && p->cgroup)
                add_mount(p, &cgroup_mount);
}

/* ---- /dev ---- */

static const ApiMount dev_mount = {"/dev", "tmpfs", "mode=0755,size=4m,nr_inodes=64k",
                                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME};
static const ApiMount devpts_mount = {"/dev/pts", "devpts", "ptmxmode=0666,mode=0620,gid=5",
                                      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
static const ApiMount devpts_without_group = {"/dev/pts", "devpts", "ptmxmode=0666,mode=0600",
                                              MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC}; /* a user's single ID is 0 */
static const ApiMount dev_mounts[] = {
                {"/dev/shm", "tmpfs", "mode=1777,size=10%,nr_inodes=400k",
                 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME},
                {"/dev/mqueue", "mqueue", NULL, QUIET},
};
static const ApiMount tmp_mount = {"/tmp", "tmpfs", "mode=1777,size=10%,nr_inodes=400k",
                                   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME};

typedef struct DeviceNode {
        const char *name;
        const char *number; /* Documentation/admin-guide/devices.txt of the kernel */
        size_t fact;        /* offset of the bool in HostFacts that says it exists; 0: always */
} DeviceNode;
static const DeviceNode device_nodes[] = {
                {"null", "1:3", 0},
                {"zero", "1:5", 0},
                {"full", "1:7", 0},
                {"random", "1:8", 0},
                {"urandom", "1:9", 0},
                {"tty", "5:0", 0},
                {"fuse", "10:229", offsetof(HostFacts, has_fuse)},
                {"net/tun", "10:200", offsetof(HostFacts, has_tun)},
};

static bool has_device(const PlanBuild *b, const DeviceNode *d)
{
        return !d->fact || *(const bool *)((const char *)b->facts + d->fact);
}

/* A user namespace may not make nodes, and the kernel opens none on a file system that it mounted. So all of /dev comes from outside, where
 * they are the machine's root's to open whatever their mode, */
static void add_nodes(const PlanBuild *b)
{
        MachinePlan *p = b->plan;
        PlanOp *attach = plan_add_host_bind(p, NULL, dev_mount.attrs, dev_mount.path, NODE_DIRECTORY), *tree = attach - 1;

        tree->type = OP_TREE_DEVICES;
        tree->options = strv_split(dev_mount.options, ",");
        uint32_t uid, gid;
        if (p->user_namespace && plan_id_outside(p, false, 0, &uid) >= 0 && plan_id_outside(p, true, 0, &gid) >= 0) {
                strv_pushf(&tree->options, "uid=%u", uid);
                strv_pushf(&tree->options, "gid=%u", gid);
        }
        for (size_t i = 0; i < ELEMENTSOF(device_nodes); i++)
                if (has_device(b, &device_nodes[i]))
                        strv_push(&tree->parts, device_nodes[i].name);
}

/* or, where they cannot be made, each is bound. */
static void add_bound_nodes(const PlanBuild *b)
{
        MachinePlan *p = b->plan;

        add_mount(p, &dev_mount);
        if (b->facts->has_tun)
                add_mkdir(p, "/dev/net", 0755);
        for (size_t i = 0; i < ELEMENTSOF(device_nodes); i++) {
                _cleanup_free_ char *path = xasprintf("/dev/%s", device_nodes[i].name);
                if (has_device(b, &device_nodes[i]))
                        plan_add_host_bind(p, path, MOUNT_ATTR_NOSUID, path, NODE_FILE); /* programs map /dev/zero to execute */
        }
}

static void add_dev(const PlanBuild *b)
{
        MachinePlan *p = b->plan;

        if (b->facts->can_mknod)
                add_nodes(b);
        else
                add_bound_nodes(b);
        add_mkdir(p, "/dev/char", 0755);
        for (size_t i = 0; i < ELEMENTSOF(device_nodes); i++) {
                _cleanup_free_ char *text = xasprintf("../%s", device_nodes[i].name),
                                    *link = xasprintf("/dev/char/%s", device_nodes[i].number);
                if (has_device(b, &device_nodes[i]))
                        add_symlink(p, text, link);
        }
        uint32_t tty;
        add_mount(p, plan_id_outside(p, true, 5, &tty) < 0 ? &devpts_without_group : &devpts_mount);
        for (size_t i = 0; i < ELEMENTSOF(dev_mounts); i++) {
                add_mount(p, &dev_mounts[i]);
                /* message queues are the IPC namespace's: of one that is not the machine's own its root may not mount them */
                p->items[p->n - 1].optional = !(p->namespaces & CLONE_NEWIPC);
        }
        add_symlink(p, "pts/ptmx", "/dev/ptmx");
        add_symlink(p, "/proc/self/fd", "/dev/fd");
        add_symlink(p, "/proc/self/fd/0", "/dev/stdin");
        add_symlink(p, "/proc/self/fd/1", "/dev/stdout");
        add_symlink(p, "/proc/self/fd/2", "/dev/stderr");
        add_symlink(p, "/proc/kcore", "/dev/core");
        if (p->console != SPEC_CONSOLE_PIPE)
                plan_add(p, PHASE_ROOT, OP_CONSOLE, "/dev/console");
}

/* systemd-nspawn labels what it makes of tmpfs and devpts. */
static void add_labels(const PlanBuild *b, size_t first)
{
        for (size_t i = first; b->spec->selinux_apifs_context && i < b->plan->n; i++) {
                PlanOp *op = &b->plan->items[i];
                bool own = op->type == OP_MOUNT && (str_eq(op->fstype, "tmpfs") || str_eq(op->fstype, "devpts"));
                if (own || op->type == OP_TREE_DEVICES)
                        strv_pushf(&op->options, "context=%s", b->spec->selinux_apifs_context);
        }
}

/* A user namespace may mount a proc or sysfs only while it sees one of which nothing is covered, and those of the machine are not that. For
 * machines in it there are two that are, out of reach of all but its root, who may not do more there than any user of the host. */
static void add_nested(const PlanBuild *b)
{
        static const ApiMount proc = {"/run/host/nested/proc", "proc", NULL, QUIET},
                              sys = {"/run/host/nested/sys", "sysfs", NULL, QUIET};

        if (b->spec->users_delegate == 0)
                return;
        add_mkdir(b->plan, "/run/host/nested", 0700);
        add_mount(b->plan, &proc);
        if (b->network == SPEC_NETWORK_PRIVATE)
                add_mount(b->plan, &sys);
}

void plan_api_fs(PlanBuild *b)
{
        size_t first = b->plan->n;

        add_run(b);
        add_proc(b);
        add_sys(b);
        add_nested(b);
        add_dev(b);
        if (!spec_is_set(b->spec, SPEC_FIELD_TMPFS_TMP) || b->spec->tmpfs_tmp)
                add_mount(b->plan, &tmp_mount);
        add_labels(b, first);
}
