/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "machine/run-record.h"
#include "machine/run-scope.h"
#include "machine/run-session.h"
#include "sys/process.h"

#define CONSOLE_LINES     8                      /* of the console that a failed start shows */
#define HALF_STARTED_USEC (15ULL * USEC_PER_SEC) /* for the supervisor to clean up after an interrupted start */

typedef struct Report { /* from the supervisor to the command that started it, once */
        bool ready;
        Error error;
} Report;

/* ---- the supervisor ---- */

static int compare_ints(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

/* Only what is held for the machine stays open: a pipe of the caller that a daemon keeps open makes `$(berth start …)` hang. */
static void close_others(Target *t, int report_fd)
{
        int keep[] = {t->record_lock, t->range.lock_fd, t->image_lock.local_fd, t->image_lock.global_fd, t->scratch.fd,
                      t->clone.fd,    report_fd};
        t->store = store_close(t->store);
        qsort(keep, ELEMENTSOF(keep), sizeof(*keep), compare_ints);
        size_t first = 0;
        while (first < ELEMENTSOF(keep) && keep[first] < 0)
                first++;
        (void)sys_close_all_fds(3, keep + first, ELEMENTSOF(keep) - first);
}

static void detach(const char *name)
{
        (void)setsid();
        (void)chdir("/");
        umask(022);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 0; null >= 0 && fd < 3; fd++)
                (void)dup2(null, fd);
        if (null > 2)
                (void)fd_close(null);
        _cleanup_free_ char *title = xasprintf("berth: %s", name);
        (void)sys_set_title(title);
}

typedef struct Background {
        Session session;
        int report_fd;
} Background;

static void send_report(Background *b, const Report *report)
{
        if (b->report_fd >= 0)
                (void)fd_write_all(b->report_fd, report,
                                   sizeof(*report)); /* whoever waited may be gone: nothing to do about it */
        b->report_fd = fd_close(b->report_fd);
}

static void on_ready(void *ctx)
{
        send_report(ctx, &(Report){.ready = true});
}

/* What an init dies of without saying whose limit it is. */
static const char *way_out(const char *console)
{
        bool used_up = strstr(console, "inotify") && strstr(console, "Too many open files");

        return used_up ? " (this host's sysctl fs.inotify.max_user_instances is used up: raise it, or stop other machines)" : "";
}

static void describe_end(const Target *t, const EngineResult *end, Error *e)
{
        _cleanup_free_ char *tail = machine_console_tail(t->host, t->name, CONSOLE_LINES);
        char how[64] = "powered off";
        if (end->end == ENGINE_EXITED)
                snprintf(how, sizeof(how), "exited with status %d", end->status);
        else if (end->end == ENGINE_SIGNALED)
                snprintf(how, sizeof(how), "was ended by signal %d", end->status);
        else if (end->end == ENGINE_KILLED)
                snprintf(how, sizeof(how), "was killed");
        if (!tail) {
                (void)error_set(e, -EIO,
                                "machine '%s' did not come up: it %s before it was ready and wrote nothing on its console",
                                t->name, how);
                return;
        }
        _cleanup_strv_ char **lines = strv_split(tail, "\n"); /* a message is one line */
        _cleanup_free_ char *joined = strv_join(lines, " | ");
        size_t n = strlen(joined), max = ERROR_MESSAGE_MAX - 256;
        (void)error_set(e, -EIO, "machine '%s' did not come up: it %s before it was ready%s. The end of its console: %s", t->name,
                        how, way_out(tail), n > max ? joined + n - max : joined);
}

static _noreturn_ void supervise(Target *t, MachinePlan *plan, int report_fd)
{
        Background b = {.session = {.target = t, .plan = *plan, .on_ready = on_ready, .ctx = &b, .notify.fd = -1},
                        .report_fd = report_fd};
        Report report = {0};
        EngineResult end;

        close_others(t, report_fd);
        detach(t->name);
        _cleanup_free_ char *dir = machine_record_dir(t->host, t->name);
        _cleanup_free_ char *log = path_join(dir, "console.log");
        int log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        int r;
        if (log_fd < 0)
                r = error_sys(&report.error, -errno, "cannot write '%s'", log);
        else {
                const EngineIo io = {.in = -1, .out = -1, .err = -1, .console_log = log_fd, .control = -1};
                r = t->host->cgroup_parent || t->host->rootless ? 0
                                                                : scope_enter(t->host, t->name, t->spec.slice, t->spec.properties,
                                                                              &b.session.cgroup, &report.error);
                if (r >= 0)
                        r = session_run(&b.session, &io, &end, &report.error);
        }
        if (r >= 0 && !b.session.ready)
                describe_end(t, &end, &report.error);
        target_release(t);
        send_report(&b, &report); /* last: who waits finds everything cleaned up */
        _exit(r < 0);
}

/* ---- the command that waits ---- */

/* SIGTERM asks, SIGINT right behind it kills (engine.h): a half-booted init often cannot be asked. */
static int stop_half_started(int supervisor, int code, const char *why, const char *name, Error *e)
{
        (void)sys_pidfd_send_signal(supervisor, SIGTERM);
        (void)sys_pidfd_send_signal(supervisor, SIGINT);
        uint64_t deadline = clock_monotonic() + HALF_STARTED_USEC;
        struct pollfd p = {.fd = supervisor, .events = POLLIN};
        while (sys_pidfd_alive(supervisor) && clock_monotonic() < deadline)
                (void)poll(&p, 1, 100);
        return error_set(e, code, "%s: machine '%s' was stopped before it was up", why, name);
}

static int take_report(int fd, const char *name, Error *e)
{
        Report report;
        ssize_t n = fd_read_full(fd, &report, sizeof(report));
        if (n != sizeof(report))
                return error_set(e, -EIO, "the supervisor of machine '%s' was killed before the machine was up", name);
        if (report.ready)
                return 0;
        report.error.message[ERROR_MESSAGE_MAX - 1] = '\0';
        return error_set(e, report.error.code ?: -EIO, "%s", report.error.message);
}

static sigset_t interruptions(void)
{
        sigset_t mask;
        sigemptyset(&mask);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGTERM);
        return mask;
}

static int wait_report(int fd, int supervisor, const char *name, uint64_t timeout_usec, Error *e)
{
        const sigset_t mask = interruptions();
        _cleanup_close_ int signals = signalfd(-1, &mask, SFD_CLOEXEC);
        uint64_t begun = clock_monotonic();
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

        for (;;) {
                uint64_t passed = clock_monotonic() - begun;
                if (passed >= timeout_usec)
                        return stop_half_started(supervisor, -ETIMEDOUT, "timed out", name, e);
                uint64_t left_ms = timeout_usec == USEC_INFINITY ? 3600000 : (timeout_usec - passed) / 1000 + 1;
                int r = poll(p, ELEMENTSOF(p), (int)MIN(left_ms, (uint64_t)3600000));
                if (r < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for machine '%s'", name);
                if (r > 0 && p[0].revents)
                        return take_report(fd, name, e);
                struct signalfd_siginfo info;
                if (r > 0 && p[1].revents &&
                    read(signals, &info, sizeof(info)) > 0) /* taken, or it would end us when it is let in again */
                        return stop_half_started(supervisor, -EINTR, "interrupted", name, e);
        }
}

static int start(Target *t, uint64_t timeout_usec, Error *e)
{
        MachinePlan plan = {0};
        int p[2];
        int r = target_claim(t, e);
        if (r < 0)
                return r;
        r = target_plan(t, &plan, e); /* here, so that what cannot be started is refused before there is a supervisor */
        if (r < 0)
                return r;
        if (pipe2(p, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        _cleanup_close_ int from = p[0], to = p[1];

        const sigset_t mask = interruptions();
        sigset_t before;
        (void)sigprocmask(SIG_BLOCK, &mask, &before);
        (void)fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
                (void)sigprocmask(SIG_SETMASK, &before, NULL);
                from = fd_close(from);
                supervise(t, &plan, TAKE_FD(to));
        }
        if (pid < 0)
                r = error_sys(e, -errno, "cannot start a supervisor for machine '%s'", t->name);
        else {
                to = fd_close(to);
                _cleanup_close_ int supervisor = sys_pidfd_open(pid);
                _cleanup_free_ char *name = xstrdup(t->name);
                target_abandon(t);
                r = wait_report(from, supervisor, name, timeout_usec, e);
        }
        plan_done(&plan);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return r;
}

int machine_start(const MachineHost *h, MachineSpec *spec, uint64_t timeout_usec, Error *e)
{
        Target t;
        int r = target_open(h, MACHINE_START, spec, &t, e);
        if (r < 0)
                return r;
        r = start(&t, timeout_usec, e);
        target_release(&t);
        return r;
}

int machine_start_name(const MachineHost *h, const char *name, Error *e)
{
        MachineSpec spec;

        spec_init(&spec);
        spec.machine = xstrdup(name);
        spec_mark(&spec, SPEC_FIELD_MACHINE, "argument");
        int r = machine_start(h, &spec, USEC_INFINITY, e);
        spec_done(&spec);
        return r;
}
