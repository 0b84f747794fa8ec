/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/child.h"

#include <errno.h>
#include <grp.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "engine/message.h"
#include "engine/staging.h"
#include "sys/mount.h"

#define PROPAGATION_SLAVE (1U << 19) /* MS_SLAVE */

typedef struct Step {
        const char *what; /* completes "cannot …" */
        int (*run)(Child *c, const PlanOp *op, Error *e);
} Step;

/* Every op that a child runs; the supervisor's own (OP_TREE_*) are in setup-trees.c. */
static const Step steps[_OP_TYPE_MAX] = {
                [OP_ATTACH_ROOT] = {"attach the root", step_attach_root},
                [OP_ATTACH] = {"attach a tree at", step_attach},
                [OP_ROOT_TMPFS] = {"mount a root in memory", step_root_tmpfs},
                [OP_SUB_ROOT] = {"make the root of the machine", step_sub_root},
                [OP_OVERLAY] = {"mount an overlay on", step_overlay},
                [OP_COPY] = {"copy a file of the host to", step_copy},
                [OP_AMBIENT] = {"set the ambient capabilities", step_ambient},
                [OP_ADDRESS_FAMILIES] = {"load the filter of address families", step_address_families},
                [OP_MOUNT] = {"mount", step_mount},
                [OP_MOUNT_PARTS] = {"mount", step_mount_parts},
                [OP_BIND] = {"bind", step_bind},
                [OP_SETATTR] = {"set mount attributes of", step_setattr},
                [OP_MKDIR] = {"make directory", step_mkdir},
                [OP_SYMLINK] = {"make symbolic link", step_symlink},
                [OP_FILE] = {"write file", step_file},
                [OP_MKNOD] = {"make node", step_mknod},
                [OP_MASK] = {"mask", step_mask},
                [OP_NOTIFY_SOCKET] = {"bind the notification socket", step_notify_socket},
                [OP_CONSOLE] = {"make the console", step_console},
                [OP_REMOVE] = {"remove", step_remove},
                [OP_KMSG_FIFO] = {"cover", step_kmsg_fifo},
                [OP_PIVOT] = {"make the new root the root", step_pivot},
                [OP_HOSTNAME] = {"set the host name", step_hostname},
                [OP_LINK_UP] = {"bring up network interface", step_link_up},
                [OP_WRITE] = {"write to", step_write},
                [OP_KEYRING] = {"make a session keyring", step_keyring},
                [OP_SESSION] = {"make a session", step_session},
                [OP_RLIMIT] = {"set a resource limit", step_rlimit},
                [OP_OOM_SCORE] = {"set the OOM score adjustment", step_oom_score},
                [OP_AFFINITY] = {"set the CPU affinity", step_affinity},
                [OP_PERSONALITY] = {"set the personality", step_personality},
                [OP_BOUNDING] = {"limit the capability bounding set", step_bounding},
                [OP_USER] = {"change the user", step_user},
                [OP_CAPABILITIES] = {"set the capabilities", step_capabilities},
                [OP_NO_NEW_PRIVS] = {"set no_new_privs", step_no_new_privs},
                [OP_SECCOMP] = {"load the system call filter", step_seccomp},
                [OP_CHDIR] = {"change to directory", step_chdir},
                [OP_STUB_INIT] = {"start the stub init", step_stub_init},
                [OP_EXEC] = {"execute", step_exec},
                [OP_DEVICE] = {"make device", step_device},
                [OP_COVER] = {"cover", step_cover},
                [OP_PROPAGATION] = {"set the propagation of", step_propagation},
                [OP_SYSCTL] = {"set", step_sysctl},
                [OP_HOOK] = {"run the hook", step_hook},
                [OP_RUNTIME_HOOKS] = {"have hooks run", step_runtime_hooks},
                [OP_DOMAINNAME] = {"set the domain name", step_domainname},
                [OP_SCHEDULER] = {"set the scheduling", step_scheduler},
                [OP_IO_PRIORITY] = {"set the I/O priority", step_io_priority},
                [OP_MEMORY_POLICY] = {"set the memory policy", step_memory_policy},
                [OP_UMASK] = {"set the file mode creation mask", step_umask},
                [OP_LABEL] = {"set the label by", step_label},
                [OP_CAPABILITY_SETS] = {"set the capabilities", step_capability_sets},
                [OP_FILTER] = {"load the system call filter", step_filter},
};

/* These need neither a tree nor a mapped user, so they run while the supervisor is busy with the trees. */
static bool op_is_early(const PlanOp *op)
{
        return op->type == OP_HOSTNAME || op->type == OP_DOMAINNAME || op->type == OP_LINK_UP;
}

/* Whatever may have put a file system on top of the directory that child_open_parent() keeps, by whatever path. */
static void forget_parent(Child *c, const PlanOp *op)
{
        static const bool keeps[_OP_TYPE_MAX] = {
                        [OP_MKDIR] = true, [OP_MKNOD] = true, [OP_FILE] = true, [OP_SYMLINK] = true, [OP_NOTIFY_SOCKET] = true,
        };

        if (!keeps[op->type] && !(op->type == OP_ATTACH && op->node == NODE_FILE))
                c->parent = fd_close(c->parent);
}

static int run_op(Child *c, const PlanOp *op, Error *e)
{
        Error error = {0};
        int r = steps[op->type].run ? steps[op->type].run(c, op, &error) : -EOPNOTSUPP;
        const char *object = op->path ?: op->text;

        forget_parent(c, op);
        if (r >= 0 || op->optional)
                return 0;
        if (error.code == 0 && object)
                return error_sys(e, r, "cannot %s '%s'", steps[op->type].what ?: "run a supervisor's operation on", object);
        if (error.code == 0)
                return error_sys(e, r, "cannot %s", steps[op->type].what ?: "run a supervisor's operation");
        *e = error;
        return r;
}

int child_hand_over(Child *c, MessageFd as, int *take_fd)
{
        if (c->n_handed >= ELEMENTSOF(c->handed))
                return -E2BIG;
        c->handed_as[c->n_handed] = as;
        c->handed[c->n_handed++] = TAKE_FD(*take_fd);
        return 0;
}

int child_run_phase(Child *c, PlanPhase phase, Error *e)
{
        for (size_t i = 0; i < c->plan->n; i++) {
                const PlanOp *op = &c->plan->items[i];

                if (op->phase != phase || (c->early_done && op_is_early(op)))
                        continue;
                int r = run_op(c, op, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int run_early(Child *c, Error *e)
{
        for (size_t i = 0; i < c->plan->n; i++) {
                int r = op_is_early(&c->plan->items[i]) ? run_op(c, &c->plan->items[i], e) : 0;
                if (r < 0)
                        return r;
        }
        c->early_done = true;
        return 0;
}

int child_become_root(void)
{
        /* The raw calls: the C library's wrappers would look for other threads to change as well, and there are none. */
        int r = child_drop_groups();
        if (r < 0)
                return r;
        return syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0 ? -errno : 0;
}

int child_drop_groups(void)
{
        /* An ordinary user with no IDs but its own gave this call up for its map (user_namespaces(7)): its groups stay, as nobody's. */
        return syscall(SYS_setgroups, 0, NULL) < 0 && errno != EPERM ? -errno : 0;
}

static int receive_trees(Child *c, Error *e)
{
        Message m;

        do {
                size_t n = 0;
                int fds[MESSAGE_FDS_MAX];
                int r = message_receive(c->sock, &m, fds, ELEMENTSOF(fds), &n);

                if (r <= 0)
                        return r == 0 ? -EPIPE : r;
                if (m.kind == MESSAGE_MOVED)
                        return staging_take(c, e);
                if (m.kind != MESSAGE_TREES)
                        return -EBADMSG;
                for (size_t i = 0; i < n; i++)
                        c->slots[m.slots[i]] = fds[i];
        } while (m.more);
        return 0;
}

/* The host's proc is in sight until the pivot. */
static pid_t own_pid_outside(void)
{
        char text[16];
        ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);
        int32_t pid;

        text[n < 0 ? 0 : n] = '\0';
        return str_parse_i32(text, &pid) < 0 ? 0 : pid;
}

static int wait_for_go(Child *c)
{
        Message m;
        size_t n = 0;
        int r = c->go ? 1 : message_receive(c->sock, &m, NULL, 0, &n);

        if (r <= 0)
                return r == 0 ? -EPIPE : r;
        return c->go || m.kind == MESSAGE_GO ? 0 : -EBADMSG;
}

static int set_up(Child *c, Error *e)
{
        int r;

        if (unshare((int)(c->plan->namespaces & CHILD_NAMESPACES)) < 0)
                return error_sys(e, -errno, "cannot make the machine's namespaces");
        r = message_send(c->sock, MESSAGE_NAMESPACES, NULL, 0);
        if (r >= 0)
                r = run_early(c, e);
        if (r < 0)
                return r;
        c->pid_outside = own_pid_outside();
        r = receive_trees(c, e);
        if (r < 0)
                return r;
        if (c->plan->user_namespace) {
                r = child_become_root();
                if (r < 0)
                        return error_sys(e, r, "cannot become root of the user namespace");
                /* The change of user hides /proc/self from ourselves; nobody else is in here yet. */
                (void)prctl(PR_SET_DUMPABLE, 1);
        } else {
                r = sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, PROPAGATION_SLAVE, -1);
                if (r < 0)
                        return error_sys(e, r, "cannot cut the mounts off from the host's");
        }
        umask(0);
        return 0;
}

_noreturn_ void child_main(Child *c)
{
        Error e = {0};
        int r = set_up(c, &e);

        if (r >= 0)
                r = child_run_phase(c, PHASE_ROOT, &e);
        if (r >= 0)
                r = child_run_phase(c, PHASE_INSIDE, &e);
        umask(0022);
        if (r >= 0)
                r = wait_for_go(c);
        if (r >= 0)
                r = child_run_phase(c, PHASE_PROCESS, &e); /* does not come back: the last op is OP_EXEC */
        if (r == -EPIPE && e.code == 0)
                _exit(EXIT_FAILURE); /* the supervisor is gone */
        if (r >= 0)
                r = error_set(&e, -EINVAL, "the plan has nothing to execute");
        if (e.code == 0)
                error_sys(&e, r, "the machine's first process cannot be set up");
        (void)message_send_error(c->sock, &e);
        _exit(EXIT_FAILURE);
}
