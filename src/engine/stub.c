/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/stub.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strv.h"
#include "engine/child.h"
#include "sys/process.h"

#define STUB_PATIENCE_USEC (90 * USEC_PER_SEC)

StubRequest stub_request(int signal)
{
        int n = signal - GNU_SIGRTMIN;

        if (n == 3 || n == 4 || n == 13 || n == 14)
                return STUB_POWEROFF;
        if (signal == SIGINT || n == 5 || n == 6 || n == 15 || n == 16)
                return STUB_REBOOT;
        return STUB_NOTHING;
}

/* This process is a copy of a host's: its environment is not the machine's business. */
static void show_environment(const PlanOp *exec)
{
        extern char **environ;
        static const char *const shown[] = {"container", "container_uuid"};
        char *p = environ ? environ[0] : NULL, *end = p;

        for (char **v = environ; v && *v; v++)
                if (*v == end)
                        end += strlen(*v) + 1;
        if (!p)
                return;
        memset(p, 0, (size_t)(end - p));
        for (size_t i = 0; i < ELEMENTSOF(shown); i++) {
                const char *value = strv_env_get(exec->env, shown[i]);
                size_t len = value ? strlen(shown[i]) + strlen(value) + 2 : 0;

                if (!value || len > (size_t)(end - p))
                        continue;
                p = stpcpy(stpcpy(stpcpy(p, shown[i]), "="), value) + 1;
        }
}

static void quit(StubRequest request)
{
        /* In a PID namespace this ends PID 1 by SIGINT or SIGHUP, which the supervisor understands (reboot(2)). */
        (void)reboot(request == STUB_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
        _exit(EXIT_SUCCESS);
}

static void ask_all_to_end(void)
{
        (void)kill(-1, SIGTERM);
        (void)kill(-1, SIGCONT);
        (void)kill(-1, SIGHUP); /* what an interactive shell listens to */
}

/* Reaps everything that has ended; true when that was the last process. */
static bool reap(pid_t child, int *ret_status, bool *ret_child_ended)
{
        for (;;) {
                int status;
                pid_t pid = waitpid(-1, &status, WNOHANG);

                if (pid < 0)
                        return errno == ECHILD;
                if (pid == 0)
                        return false;
                if (pid == child) {
                        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
                        *ret_child_ended = true;
                }
        }
}

_noreturn_ void stub_main(pid_t child, const PlanOp *exec)
{
        StubRequest request = STUB_NOTHING;
        uint64_t deadline = 0;
        int status = 255;
        bool ended = false;
        sigset_t set;

        (void)sys_close_all_fds(0, NULL, 0);
        (void)prctl(PR_SET_DUMPABLE, 0);
        (void)sys_set_title("berth-init"); /* the host's command line names files of the host, and may hold secrets */
        show_environment(exec);
        sigfillset(&set);
        (void)sigprocmask(SIG_SETMASK, &set, NULL);
        for (;;) {
                bool none_left = reap(child, &status, &ended);

                if (request != STUB_NOTHING && (none_left || clock_monotonic() >= deadline))
                        quit(request);
                if (request == STUB_NOTHING && ended)
                        _exit(status);
                struct timespec second = {.tv_sec = 1};
                int signal = sigtimedwait(&set, NULL, request != STUB_NOTHING ? &second : NULL);
                if (signal == SIGTERM && !ended)
                        (void)kill(child, SIGTERM);
                if (signal > 0 && request == STUB_NOTHING && stub_request(signal) != STUB_NOTHING) {
                        request = stub_request(signal);
                        deadline = clock_monotonic() + STUB_PATIENCE_USEC;
                        ask_all_to_end();
                }
        }
}

static const PlanOp *find_exec(const MachinePlan *plan)
{
        for (size_t i = 0; i < plan->n; i++)
                if (plan->items[i].type == OP_EXEC)
                        return &plan->items[i];
        return NULL;
}

/* A session of its own, so that what is typed at the terminal (^C) does not reach the stub, for which SIGINT means something else. */
static int take_session(const Child *c)
{
        if (setsid() < 0)
                return -errno;
        return c->tty >= 0 && ioctl(c->tty, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

/* From here on the plan runs in PID 2; PID 1 is the stub and dies with the supervisor if the plan's payload shall. */
int step_stub_init(Child *c, const PlanOp *op, Error *e)
{
        const PlanOp *exec = find_exec(c->plan);
        if (!exec)
                return -EINVAL;
        if (c->tty >= 0 && ioctl(c->tty, TIOCNOTTY) < 0 && errno != ENOTTY) /* not there when no session was asked for */
                return -errno;
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                return take_session(c);
        if (c->die_with_supervisor)
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        stub_main(pid, exec);
}
