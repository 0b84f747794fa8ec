/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sys/process.h"

char *hook_state_text(const PlanOp *op, const HookState *state)
{
        return state->pid > 0 ? xasprintf("%s,\"status\":\"%s\",\"pid\":%d}", op->source, state->status, state->pid)
                              : xasprintf("%s,\"status\":\"%s\"}", op->source, state->status);
}

/* In memory instead of a pipe: nobody has to wait for a hook that does not read. */
static int open_state(const PlanOp *op, const HookState *state)
{
        _cleanup_free_ char *text = hook_state_text(op, state);
        _cleanup_close_ int fd = memfd_create("state", MFD_CLOEXEC);

        if (fd < 0)
                return -errno;
        int r = fd_write_all(fd, text, strlen(text));
        if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return r < 0 ? r : -errno;
        return TAKE_FD(fd);
}

static _noreturn_ void exec_hook(const PlanOp *op, int in, int report)
{
        static char *none[] = {NULL};
        sigset_t all;
        int code;

        (void)setsid(); /* so that all of it can be ended */
        sigemptyset(&all);
        (void)sigprocmask(SIG_SETMASK, &all, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        if (dup2(in, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
                int last = fcntl(report, F_DUPFD_CLOEXEC, 3);
                if (last >= 0)
                        report = last;
                (void)syscall(SYS_close_range, 3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
                execve(op->path, op->argv, op->env ?: none);
        }
        code = -errno;
        (void)!write(report, &code, sizeof(code));
        _exit(127);
}

/* 1: it is gone; 0: it shall be ended; -errno. */
static int wait_for_end(int pidfd, const PlanOp *op, const HookState *state, bool *ret_late)
{
        uint64_t end = op->value > 0 ? clock_monotonic() + op->value * USEC_PER_SEC : USEC_INFINITY;

        for (;;) {
                struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = state->interrupt, .events = POLLIN}};
                uint64_t now = clock_monotonic();
                int timeout = end == USEC_INFINITY ? -1 : now >= end ? 0 : (int)MIN((end - now + 999) / 1000, (uint64_t)3600000);
                int n = poll(fds, ELEMENTSOF(fds), timeout);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0 && fds[0].revents)
                        return 1;
                *ret_late = end != USEC_INFINITY && clock_monotonic() >= end;
                if (*ret_late || (n > 0 && fds[1].revents))
                        return 0;
        }
}

static int judge(const PlanOp *op, const siginfo_t *info, Error *e)
{
        if (info->si_code == CLD_EXITED && info->si_status == 0)
                return 0;
        if (info->si_code == CLD_EXITED)
                return error_set(e, -ECANCELED, "the %s hook '%s' failed with exit status %d", op->text, op->path,
                                 info->si_status);
        return error_set(e, -ECANCELED, "the %s hook '%s' was ended by signal %d", op->text, op->path, info->si_status);
}

static int see_through(const PlanOp *op, const HookState *state, pid_t pid, int report, Error *e)
{
        _cleanup_close_ int pidfd = sys_pidfd_open(pid);
        siginfo_t info = {0};
        bool late = false;
        int code, r = pidfd < 0 ? pidfd : wait_for_end(pidfd, op, state, &late);

        if (r <= 0)
                (void)kill(-pid, SIGKILL);
        if (r <= 0)
                (void)kill(pid, SIGKILL); /* it may not have its session yet */
        while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 && errno == EINTR)
                ;
        if (r < 0)
                return error_sys(e, r, "cannot wait for the %s hook '%s'", op->text, op->path);
        if (r == 0 && late)
                return error_set(e, -ETIMEDOUT, "the %s hook '%s' did not end within %llu s", op->text, op->path,
                                 (unsigned long long)op->value);
        if (r == 0)
                return error_set(e, -EINTR, "the start was interrupted in the %s hook '%s'", op->text, op->path);
        if (read(report, &code, sizeof(code)) == sizeof(code))
                return error_sys(e, code, "cannot execute the %s hook '%s'", op->text, op->path);
        return judge(op, &info, e);
}

int hook_run(const PlanOp *op, const HookState *state, Error *e)
{
        _cleanup_close_ int in = open_state(op, state);
        int report[2];

        if (in < 0)
                return error_sys(e, in, "cannot make the state for the %s hook '%s'", op->text, op->path);
        if (pipe2(report, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        pid_t pid = fork();
        if (pid == 0)
                exec_hook(op, in, report[1]);
        int r = pid < 0 ? error_sys(e, -errno, "cannot fork for the %s hook '%s'", op->text, op->path) : 0;
        fd_close(report[1]);
        if (r >= 0)
                r = see_through(op, state, pid, report[0], e);
        fd_close(report[0]);
        return r;
}
