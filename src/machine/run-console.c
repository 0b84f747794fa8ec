/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A terminal at the console of a machine in the background. Its supervisor reads the console and writes all of it to the log, which is
 * followed here; what is typed goes straight to the console's other end, a copy of the supervisor's descriptor. So any number may be
 * attached, and none of them can hold the machine up. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/console.h"
#include "machine/run-log.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "sys/process.h"
#include "sys/pty.h"

#define SHOWN_LINES  20                  /* of what came before */
#define RESTART_USEC (10 * USEC_PER_SEC) /* for a machine that restarts to be there again */
#define LOOK_MS      500

typedef struct Attached {
        const MachineHost *host;
        const char *name;
        int leader, master;
        char *log_path;
        LogFollow log;
        Escape escape;
} Attached;

/* The supervisor's descriptor of the console: the one terminal it has the other end of. It is its supervisor if it writes the log. */
static int open_master(const Machine *m, const char *log_path)
{
        _cleanup_free_ char *path = xasprintf("/proc/%d/fd", m->supervisor);
        _cleanup_close_ int supervisor = sys_pidfd_open(m->supervisor), master = -1;
        _cleanup_closedir_ DIR *dir = opendir(path);
        bool writes_log = false;

        if (supervisor < 0 || !dir)
                return -ESRCH;
        for (struct dirent *d; (d = readdir(dir));) {
                char target[4096];
                ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);
                unsigned number;
                if (n <= 0)
                        continue;
                target[n] = '\0';
                writes_log = writes_log || str_eq(target, log_path);
                if (master >= 0 || !str_endswith(target, "ptmx"))
                        continue;
                master = (int)syscall(SYS_pidfd_getfd, supervisor, atoi(d->d_name), 0);
                if (master >= 0 && ioctl(master, TIOCGPTN, &number) < 0)
                        master = fd_close(master);
        }
        if (!writes_log || master < 0)
                return -ENOTTY;
        return TAKE_FD(master);
}

static int attach(Attached *a, const Machine *m, Error *e)
{
        int r = a->log.fd >= 0 ? 0 : log_follow_open(&a->log, a->log_path, SHOWN_LINES);

        if (r == -ENOENT)
                return error_set(e, r, "machine '%s' runs in the foreground, and its console is there", a->name);
        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", a->log_path);
        a->leader = machine_open_leader(m);
        a->master = open_master(m, a->log_path);
        if (a->leader < 0 || a->master < 0)
                return error_set(e, a->leader < 0 ? a->leader : a->master,
                                 "the console of machine '%s' cannot be reached: its supervisor is gone, or it has no terminal",
                                 a->name);
        (void)sys_pty_copy_winsize(STDOUT_FILENO, a->master);
        return 0;
}

static void detach(Attached *a)
{
        a->leader = fd_close(MAX(a->leader, -1));
        a->master = fd_close(MAX(a->master, -1));
}

static void show(Attached *a)
{
        char buf[8192];
        ssize_t n;

        while ((n = log_follow_read(&a->log, buf, sizeof(buf))) > 0)
                (void)fd_write_all(STDOUT_FILENO, buf, (size_t)n);
}

/* 1: detached */
static int type(Attached *a)
{
        char buf[512];
        ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
                return 1;
        if (n > 0 && escape_feed(&a->escape, buf, (size_t)n, clock_monotonic()) == ESCAPE_KILL)
                return 1;
        for (ssize_t done = 0; done < n;) {
                ssize_t w = write(a->master, buf + done, (size_t)(n - done));
                struct pollfd p = {.fd = a->master, .events = POLLOUT};
                if (w > 0)
                        done += w;
                else if (errno != EINTR && (errno != EAGAIN || poll(&p, 1, 1000) <= 0))
                        break; /* nobody takes it */
        }
        return 0;
}

/* A restart gives the machine a new first process and a new console. 0: it is attached again. */
static int attach_again(Attached *a)
{
        uint64_t deadline = clock_monotonic() + RESTART_USEC;

        detach(a);
        do {
                Machine m = {0};
                int r = machine_find(a->host, a->name, &m, NULL);
                if (r >= 0)
                        r = attach(a, &m, NULL);
                machine_done(&m);
                if (r >= 0)
                        return 0;
                detach(a);
                show(a);
                int lock = machine_record_lock(a->host, a->name);
                if (lock != -EAGAIN) { /* nobody is at it any more */
                        machine_record_unlock(a->host, a->name, &lock);
                        return -ESRCH;
                }
                usleep(20000);
        } while (clock_monotonic() < deadline);
        return -ETIMEDOUT;
}

static int loop(Attached *a, int signals)
{
        for (;;) {
                struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                     {.fd = a->log.watch, .events = POLLIN},
                                     {.fd = a->leader, .events = POLLIN},
                                     {.fd = signals, .events = POLLIN}};
                struct signalfd_siginfo info;

                show(a);
                if (poll(p, ELEMENTSOF(p), LOOK_MS) < 0 && errno != EINTR)
                        return -errno;
                show(a);
                if (p[0].revents && type(a))
                        return 0;
                if (p[2].revents && attach_again(a) < 0)
                        return 1;
                while (read(signals, &info, sizeof(info)) == sizeof(info)) {
                        if (info.ssi_signo != SIGWINCH)
                                return 0;
                        (void)sys_pty_copy_winsize(STDOUT_FILENO, a->master);
                }
        }
}

static int stay(Attached *a, Error *e)
{
        struct termios saved;
        sigset_t mask, before;

        sigemptyset(&mask);
        sigaddset(&mask, SIGWINCH);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGHUP);
        (void)sigprocmask(SIG_BLOCK, &mask, &before);
        _cleanup_close_ int signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        int r = signals < 0 ? -errno : sys_terminal_raw(STDIN_FILENO, &saved);
        if (r < 0)
                error_sys(e, r, "cannot use the terminal");
        else {
                r = loop(a, signals);
                show(a);
                (void)sys_terminal_restore(STDIN_FILENO, &saved);
                if (r < 0)
                        error_sys(e, r, "cannot wait for the console");
        }
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        return r;
}

int machine_console(const MachineHost *h, const char *name, Error *e)
{
        _cleanup_free_ char *dir = machine_record_dir(h, name), *log = path_join(dir, "console.log");
        Attached a = {.host = h, .name = name, .leader = -1, .master = -1, .log_path = log, .log = {-1, -1, 0}};
        Machine m = {0};

        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return error_set(e, -ENOTTY, "a console needs a terminal; 'berth log -f %s' follows what it shows", name);
        int r = machine_find(h, name, &m, e);
        if (r >= 0)
                r = attach(&a, &m, e);
        machine_done(&m);
        if (r >= 0) {
                events_note(&h->events, "Attached to the console of machine '%s'; ^] three times within a second detaches", name);
                r = stay(&a, e);
        }
        if (r >= 0)
                events_note(&h->events, r > 0 ? "Machine '%s' has ended" : "Detached from the console of machine '%s'", name);
        detach(&a);
        log_follow_close(&a.log);
        return MIN(r, 0);
}
