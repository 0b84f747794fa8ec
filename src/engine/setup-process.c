/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PHASE_PROCESS: PID 1 (or a process that entered the machine) on its way to execve(2). The root is the machine's; rights only go down. */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"
#include "engine/child.h"
#include "engine/message.h"
#include "engine/filter.h"
#include "sys/process.h"

int step_keyring(Child *c, const PlanOp *op, Error *e)
{
        long r = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0);

        /* No keyrings in this kernel, or an outer container's filter: then there is nothing to hide either. */
        return r < 0 && errno != ENOSYS && errno != EPERM && errno != EACCES ? -errno : 0;
}

/* Puts fds[3] at 0, 1 and 2, whatever numbers they have now; a missing one is the machine's /dev/null. */
static int take_stdio(const int fds[3])
{
        int high[3];

        for (int i = 0; i < 3; i++) {
                int fd = fds[i] >= 0 ? fds[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
                high[i] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
                if (high[i] < 0)
                        return -errno;
        }
        for (int i = 0; i < 3; i++)
                if (dup2(high[i], i) < 0)
                        return -errno;
        return 0;
}

int step_session(Child *c, const PlanOp *op, Error *e)
{
        if (setsid() < 0)
                return -errno;
        if (c->tty < 0)
                return take_stdio(c->io);
        if (fchown(c->tty, (uid_t)op->number, (gid_t)-1) < 0 || ioctl(c->tty, TIOCSCTTY, 0) < 0)
                return -errno;
        return take_stdio((int[]){c->tty, c->tty, c->tty});
}

int step_rlimit(Child *c, const PlanOp *op, Error *e)
{
        struct rlimit limit = {.rlim_cur = op->value, .rlim_max = op->value2};

        return setrlimit((int)op->number, &limit) < 0 ? -errno : 0;
}

int step_oom_score(Child *c, const PlanOp *op, Error *e)
{
        char text[16];

        snprintf(text, sizeof(text), "%d", (int)op->number);
        return file_write_at(AT_FDCWD, "/proc/self/oom_score_adj", text, 0);
}

int step_affinity(Child *c, const PlanOp *op, Error *e)
{
        return sched_setaffinity(0, SPEC_CPU_WORDS * sizeof(uint64_t), (const cpu_set_t *)op->bits) < 0 ? -errno : 0;
}

int step_personality(Child *c, const PlanOp *op, Error *e)
{
        return personality(op->value) < 0 ? -errno : 0;
}

int step_bounding(Child *c, const PlanOp *op, Error *e)
{
        for (int cap = 0; cap < 64; cap++) {
                if (op->value & (UINT64_C(1) << cap))
                        continue;
                if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
                        if (errno == EINVAL) /* past the last one this kernel has */
                                return 0;
                        return -errno;
                }
        }
        return 0;
}

int step_user(Child *c, const PlanOp *op, Error *e)
{
        uid_t uid = (uid_t)op->number;
        gid_t gid = (gid_t)op->number2;

        /* The rights go with OP_CAPABILITIES, not before: what stands between may need them. */
        if (uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                return -errno;
        int r = op->value == 0 ? child_drop_groups() : syscall(SYS_setgroups, op->value, op->groups) < 0 ? -errno : 0;
        if (r < 0)
                return r;
        if (syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
                return -errno;
        return 0;
}

int step_capabilities(Child *c, const PlanOp *op, Error *e)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        const uint32_t low = (uint32_t)op->value, high = (uint32_t)(op->value >> 32);
        struct __user_cap_data_struct data[2] = {
                        {.effective = low, .permitted = low},
                        {.effective = high, .permitted = high},
        };

        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int step_ambient(Child *c, const PlanOp *op, Error *e)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct data[2];

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        data[0].inheritable |= (uint32_t)op->value;
        data[1].inheritable |= (uint32_t)(op->value >> 32);
        if (syscall(SYS_capset, &header, data) < 0)
                return -errno;
        for (int cap = 0; cap < 64; cap++)
                if ((op->value & (UINT64_C(1) << cap)) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
                        return -errno;
        return 0;
}

int step_address_families(Child *c, const PlanOp *op, Error *e)
{
        return seccomp_load_families(op, e);
}

int step_no_new_privs(Child *c, const PlanOp *op, Error *e)
{
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int step_seccomp(Child *c, const PlanOp *op, Error *e)
{
        return seccomp_load_builtin(op, e);
}

int step_chdir(Child *c, const PlanOp *op, Error *e)
{
        return chdir(op->path) < 0 ? -errno : 0;
}

/* The supervisor may have died before the death signal was set: its end of the socket tells. */
static int die_with_supervisor(const Child *c)
{
        char byte;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        return recv(c->sock, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0 ? -EPIPE : 0;
}

/* Comes back only on failure. A login shell's argv[0] is "-" and the name of the shell that is taken. */
static int execute(const char *file, const PlanOp *op)
{
        char login[NAME_MAX + 2], *argv0 = op->argv[0];

        if (argv0[0] == '-') {
                const char *slash = strrchr(file, '/');
                snprintf(login, sizeof(login), "-%.*s", NAME_MAX, slash ? slash + 1 : file);
                op->argv[0] = login;
        }
        execve(file, op->argv, op->env);
        int r = -errno;
        op->argv[0] = argv0;
        return r;
}

/* As execvpe(3), and without its fallback to a shell for files that are none. */
static int execute_in_path(const PlanOp *op)
{
        const char *path = strv_env_get(op->env, "PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        char file[4096];
        int found = -ENOENT;

        for (const char *p = path;; p++) {
                size_t len = strcspn(p, ":");

                if (len > 0 && (size_t)snprintf(file, sizeof(file), "%.*s/%s", (int)len, p, op->argv[0]) < sizeof(file)) {
                        int r = execute(file, op);
                        if (r != -ENOENT && r != -ENOTDIR)
                                found = r;
                        if (found != -ENOENT && found != -EACCES)
                                return found;
                }
                p += len;
                if (!*p)
                        return found;
        }
}

static int execute_first(const PlanOp *op)
{
        int r = -ENOENT;

        if (!op->path && !strchr(op->argv[0], '/'))
                return execute_in_path(op);
        r = execute(op->path ?: op->argv[0], op);
        STRV_FOREACH (s, op->alternatives)
                if (r == -ENOENT)
                        r = execute(*s, op);
        return r;
}

/* What was ignored stays so in a clone and over execve(2): the machine is not to inherit that of nohup or of a shell's background. Nobody
 * ignores real-time signals. */
static void reset_signals(void)
{
        for (int sig = 1; sig < SIGSYS + 1; sig++)
                if (sig != SIGKILL && sig != SIGSTOP)
                        (void)signal(sig, SIG_DFL);
}

int step_exec(Child *c, const PlanOp *op, Error *e)
{
        const char *program = op->path ?: op->argv[0];
        sigset_t none;
        int r;

        /* Not earlier: a change of user or rights would have cleared it. It outlasts execve(2), but for set-user-ID programs. */
        if (c->die_with_supervisor && (getpid() == 1 || !(c->plan->namespaces & CLONE_NEWPID))) {
                r = die_with_supervisor(c);
                if (r < 0)
                        return r;
        }
        r = message_send_exec(c->sock, c->handed_as, c->handed, c->n_handed);
        if (r < 0)
                return r;
        while (c->n_handed > 0) /* so that it is not ours to free what nobody uses */
                fd_close(c->handed[--c->n_handed]);
        if (syscall(SYS_close_range, 3U + (unsigned)op->number, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) < 0) /* Linux 5.11 */
                return -errno;
        reset_signals();
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        if (c->filter.code) { /* nothing but execve(2) has to pass it */
                r = child_load_filter(c, &c->filter, e);
                if (r < 0)
                        return r;
        }
        r = execute_first(op);
        if (r == -ENOENT)
                return error_set(e, r, "cannot execute '%s': it does not exist in the machine, or its interpreter does not",
                                 program);
        return error_sys(e, r, "cannot execute '%s'", program);
}
