/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ops that only OCI bundles have: same process and rights as the files of the phase each belongs to. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/capability.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "engine/child.h"
#include "engine/hook.h"
#include "engine/profile.h"
#include "sys/mount.h"
#include "sys/open.h"

/* ---- PHASE_ROOT ---- */

/* What is there already stays, as with other runtimes: it may be what the image brings along. */
int step_device(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_free_ char *directory = path_dirname(op->path);
        const char *name = path_basename(op->path);
        _cleanup_close_ int parent = -1;
        int r = sys_mkdir_in_root(c->root, directory, 0755, &parent);

        if (r < 0)
                return r;
        if (mknodat(parent, name, op->mode, makedev((unsigned)op->value, (unsigned)op->value2)) < 0)
                return errno == EEXIST ? 0 : -errno;
        if ((op->number || op->number2) && fchownat(parent, name, (uid_t)op->number, (gid_t)op->number2, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return 0;
}

/* The machine's own null device, if that is what it is; else the host's, looked up before the pivot, where no guest could lay out
 * anything. */
static int clone_null(const Child *c)
{
        _cleanup_close_ int own = sys_open_in_root(c->root, "/dev/null", O_PATH, 0);
        struct stat st;

        if (own >= 0 && fstat(own, &st) >= 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
                return sys_mount_clone(own, "", false);
        return sys_mount_clone(AT_FDCWD, "/dev/null", false);
}

int step_cover(Child *c, const PlanOp *op, Error *e)
{
        static const SysMountOption options[] = {{.key = "ro", .fd = -1}, {.key = "mode", .value = "0755", .fd = -1}};
        _cleanup_close_ int target = sys_open_in_root(c->root, op->path, O_PATH, 0);
        struct stat st;

        if (target == -ENOENT || target == -ENOTDIR)
                return 0;
        if (target < 0 || fstat(target, &st) < 0)
                return target < 0 ? target : -errno;
        _cleanup_close_ int tree =
                        S_ISDIR(st.st_mode) ? sys_mount_new("tmpfs", "tmpfs", options, ELEMENTSOF(options), MOUNT_ATTR_RDONLY, e)
                                            : clone_null(c);
        return tree < 0 ? tree : sys_mount_attach(tree, target, "");
}

int step_propagation(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int fd = sys_open_in_root(c->root, op->path, O_PATH, 0);

        return fd < 0 ? fd : sys_mount_setattr(fd, "", op->recursive, 0, 0, op->value, -1);
}

/* By the host's /proc, so that the machine needs none: these files show the namespaces of whoever opens them. */
int step_sysctl(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_free_ char *path = xasprintf("/proc/sys/%s", op->path);
        int r = file_write_at(AT_FDCWD, path, op->text, 0);

        return r < 0 ? error_sys(e, r, "cannot set the kernel setting '%s' to '%s'", op->path, op->text) : 0;
}

/* ---- hooks ---- */

int step_hook(Child *c, const PlanOp *op, Error *e)
{
        const HookState state = {
                        .status = op->phase == PHASE_PROCESS ? "created" : "creating",
                        .pid = c->pid_outside,
                        .interrupt = -1,
        };

        return hook_run(op, &state, e);
}

int step_runtime_hooks(Child *c, const PlanOp *op, Error *e)
{
        Message m;
        size_t n = 0;
        int r = message_send(c->sock, MESSAGE_HOOKS, NULL, 0);

        while (r >= 0) {
                r = message_receive(c->sock, &m, NULL, 0, &n);
                if (r <= 0)
                        return r == 0 ? -EPIPE : r;
                if (m.kind == MESSAGE_HOOKED)
                        return 0;
                if (m.kind != MESSAGE_GO)
                        return -EBADMSG;
                c->go = true; /* the record was faster */
        }
        return r;
}

/* ---- PHASE_INSIDE ---- */

int step_domainname(Child *c, const PlanOp *op, Error *e)
{
        return setdomainname(op->text, strlen(op->text)) < 0 ? -errno : 0;
}

/* ---- PHASE_PROCESS ---- */

/* struct sched_attr of sched_setattr(2); not every C library has it. */
typedef struct SchedulerAttributes {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
        uint32_t util_min, util_max;
} SchedulerAttributes;

int step_scheduler(Child *c, const PlanOp *op, Error *e)
{
        const SpecScheduler *s = op->scheduler;
        const SchedulerAttributes a = {
                        .size = sizeof(a),
                        .policy = s->policy,
                        .flags = s->flags,
                        .nice = s->nice,
                        .priority = (uint32_t)s->priority,
                        .runtime = s->runtime,
                        .deadline = s->deadline,
                        .period = s->period,
        };

        return syscall(SYS_sched_setattr, 0, &a, 0) < 0
                               ? error_sys(e, -errno, "cannot set the scheduling that process.scheduler asks for")
                               : 0;
}

int step_io_priority(Child *c, const PlanOp *op, Error *e)
{
        return syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, (int)op->value) < 0 ? -errno : 0;
}

int step_memory_policy(Child *c, const PlanOp *op, Error *e)
{
        bool any = false;

        for (size_t i = 0; i < SPEC_CPU_WORDS; i++)
                any = any || op->bits[i];
        return syscall(SYS_set_mempolicy, (int)op->value, any ? op->bits : NULL, any ? SPEC_CPU_WORDS * 64 : 0) < 0 ? -errno : 0;
}

int step_umask(Child *c, const PlanOp *op, Error *e)
{
        (void)umask(op->mode);
        return 0;
}

int step_label(Child *c, const PlanOp *op, Error *e)
{
        const bool apparmor = strstr(op->path, "apparmor");
        _cleanup_free_ char *text = xasprintf("%s%s", apparmor ? "exec " : "", op->text);
        int r = file_write_at(AT_FDCWD, op->path, text, 0);

        if (r == -ENOENT && apparmor) /* before Linux 5.8 */
                r = file_write_at(AT_FDCWD, "/proc/self/attr/exec", text, 0);
        return r < 0 ? error_sys(e, r, "cannot set the label '%s' by '%s'", op->text, op->path) : 0;
}

int step_capability_sets(Child *c, const PlanOp *op, Error *e)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        for (int i = 0; i < 2; i++)
                data[i] = (struct __user_cap_data_struct){.permitted = (uint32_t)(op->value >> (32 * i)),
                                                          .effective = (uint32_t)(op->value2 >> (32 * i)),
                                                          .inheritable = (uint32_t)(op->value3 >> (32 * i))};
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int child_load_filter(Child *c, const ProfileProgram *program, Error *e)
{
        const bool listen = c->listener.taken;
        int number = listen ? listener_number() : 0;
        int r = number < 0 ? number : 0;

        if (listen && r >= 0)
                r = message_send_number(c->sock, MESSAGE_LISTENER, number);
        if (r >= 0)
                r = profile_load(program, listen);
        if (r < 0)
                return error_sys(e, r, "cannot load the system call filter");
        if (listen)
                listener_wait(&c->listener);
        return 0;
}

int step_filter(Child *c, const PlanOp *op, Error *e)
{
        ProfileProgram program;
        int r = profile_build(op->filter, &program);

        if (r < 0)
                return error_sys(e, r, "the system call filter of linux.seccomp is longer than the kernel takes");
        if (op->number) {
                c->filter = program;
                return 0;
        }
        r = child_load_filter(c, &program, e);
        profile_done(&program);
        return r;
}
