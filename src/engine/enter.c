/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One command in a running machine. The caller stays in its own namespaces; only the PID namespace for its children is the machine's for
 * the moment of the clone, so that the command is its own child, with an exact end and a pidfd. */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "base/str.h"
#include "engine/child.h"
#include "engine/console.h"
#include "engine/engine.h"
#include "engine/message.h"
#include "sys/cgroup.h"
#include "sys/cgroup1.h"
#include "sys/process.h"
#include "sys/pty.h"

int setns(int fd, int nstype); /* <sched.h> and <linux/sched.h> do not go together everywhere */

typedef struct Enter {
        const EngineEnter *what;
        int namespaces;  /* CLONE_NEW* to join: those that are not the caller's own */
        int home_pid_ns; /* the caller's PID namespace for children */
        int cgroup;
        int sock, child_sock, pidfd, epoll, signals;
        bool executing, started;
        Console console;
        sigset_t old_mask;
} Enter;

enum { TAG_PROCESS, TAG_SETUP, TAG_SIGNALS, TAG_CONSOLE };

static int pid_of(int pidfd, pid_t *ret)
{
        _cleanup_free_ char *text = NULL;
        char path[sizeof("/proc/self/fdinfo/") + 12];

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
        int r = file_read_at(AT_FDCWD, path, 4096, &text, NULL);
        if (r < 0)
                return r;
        const char *line = strstr(text, "\nPid:");
        if (!line || sscanf(line, "\nPid: %d", ret) != 1)
                return -EIO;
        return *ret > 0 ? 0 : -ESRCH;
}

/* Which namespaces of the process are not our own: one that is cannot be joined again. */
static int find_namespaces(int pidfd, int *ret)
{
        static const struct {
                int flag;
                const char *name;
        } kinds[] = {
                        {CLONE_NEWUSER, "user"}, {CLONE_NEWNS, "mnt"},  {CLONE_NEWPID, "pid"},       {CLONE_NEWNET, "net"},
                        {CLONE_NEWIPC, "ipc"},   {CLONE_NEWUTS, "uts"}, {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"},
        };
        int flags = 0;
        pid_t pid;
        int r = pid_of(pidfd, &pid);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                char own[64], other[64];
                struct stat a, b;

                snprintf(own, sizeof(own), "/proc/self/ns/%s", kinds[i].name);
                snprintf(other, sizeof(other), "/proc/%d/ns/%s", pid, kinds[i].name);
                if (stat(own, &a) < 0)
                        continue; /* this kernel has no such kind */
                if (stat(other, &b) < 0)
                        return errno == ENOENT ? -ESRCH : -errno;
                if (a.st_ino != b.st_ino)
                        flags |= kinds[i].flag;
        }
        *ret = flags;
        return sys_pidfd_alive(pidfd) ? 0 : -ESRCH; /* the number was its own all the time */
}

static int open_cgroup(const char *path)
{
        _cleanup_free_ char *dir = path_join(sys_cgroup_mountpoint() ?: "", path);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int prepare(Enter *x, Error *e)
{
        const EngineEnter *what = x->what;
        int r = find_namespaces(what->leader_pidfd, &x->namespaces);

        if (r == -ESRCH)
                return error_set(e, r, "the machine is not running any more");
        if (r < 0)
                return error_sys(e, r, "cannot find the machine's namespaces");
        x->home_pid_ns = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
        if (x->home_pid_ns < 0)
                return error_sys(e, -errno, "cannot open the own PID namespace");
        if (what->cgroup) {
                x->cgroup = open_cgroup(what->cgroup);
                if (x->cgroup < 0)
                        return error_sys(e, x->cgroup, "cannot open control group '%s'", what->cgroup);
        }
        int socks[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
                return error_sys(e, -errno, "cannot make a socket");
        x->sock = socks[0];
        x->child_sock = socks[1];
        return 0;
}

static int block_signals(Enter *x, Error *e)
{
        static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD};
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                sigaddset(&set, wanted[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return error_sys(e, -errno, "cannot block signals");
        sigdelset(&set, SIGCHLD);
        x->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return x->signals < 0 ? error_sys(e, -errno, "cannot receive signals") : 0;
}

/* A pty of the machine's own devpts. What is at that path is up to the machine, so it is looked at before anybody relies on it. */
static int open_pty(Child *c, Error *e)
{
        _cleanup_close_ int devpts = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC), master = -1;
        _cleanup_free_ char *number = NULL;
        struct statfs fs;

        if (devpts < 0)
                return error_sys(e, -errno, "cannot open the machine's /dev/pts");
        if (fstatfs(devpts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
                return error_set(e, -ENOTTY,
                                 "the machine has no devpts at /dev/pts; use a pipe for standard input to do without a terminal");
        int r = sys_pty_new(devpts, &master, &number);
        if (r < 0)
                return error_sys(e, r, "cannot make a terminal in the machine");
        c->tty = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (c->tty < 0)
                return error_sys(e, -errno, "cannot open a terminal in the machine");
        return message_send(c->sock, MESSAGE_CONSOLE, &master, 1);
}

static int join(const Enter *x, Child *c, Error *e)
{
        /* Not to be looked into by the machine's root before it is the machine's own program that runs here. */
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return -errno;
        int flags = x->namespaces & ~CLONE_NEWPID;
        if (flags != 0 && setns(x->what->leader_pidfd, flags) < 0)
                return error_sys(e, -errno, "cannot join the machine's namespaces");
        if (flags & CLONE_NEWUSER) {
                int r = child_become_root();
                if (r < 0)
                        return error_sys(e, r, "cannot become root of the machine's user namespace");
        }
        if (chdir("/") < 0)
                return error_sys(e, -errno, "cannot enter the machine's root directory");
        return x->what->pty ? open_pty(c, e) : 0;
}

/* Those of cgroup v1 cannot be born into. */
static int join_cgroups(char *const *directories, Error *e)
{
        STRV_FOREACH (directory, directories) {
                int r = sys_cgroup1_attach(*directory, 0); /* whoever writes it */
                if (r < 0)
                        return error_sys(e, r, "cannot join control group '%s'", *directory);
        }
        return 0;
}

static _noreturn_ void run_child(Enter *x)
{
        const EngineEnter *what = x->what;
        Child c = {.plan = what->plan,
                   .sock = x->child_sock,
                   .root = -1,
                   .io = {what->in, what->out, what->err},
                   .tty = -1,
                   .parent = -1};
        Error e = {0};
        int r = join_cgroups(x->what->cgroups_v1, &e); /* while the host's mounts are in sight */

        if (r >= 0)
                r = join(x, &c, &e);
        umask(0022);
        if (r >= 0)
                r = child_run_phase(&c, PHASE_PROCESS, &e); /* ends in OP_EXEC */
        if (e.code == 0)
                error_sys(&e, r < 0 ? r : -EINVAL, "cannot run a command in the machine");
        (void)message_send_error(c.sock, &e);
        _exit(EXIT_FAILURE);
}

/* With controllers, a group whose machine made child groups takes no processes (EBUSY): then a leaf beside it does. */
static int use_leaf_cgroup(Enter *x)
{
        _cleanup_free_ char *parent = path_dirname(x->what->cgroup), *leaf = path_join(parent, "shell");

        x->cgroup = fd_close(x->cgroup);
        return sys_cgroup_make(leaf, &x->cgroup);
}

static pid_t clone_process(Enter *x)
{
        pid_t pid = sys_clone(CLONE_CLEAR_SIGHAND, x->cgroup, &x->pidfd);

        if (pid == -EBUSY && x->what->cgroup && use_leaf_cgroup(x) >= 0)
                pid = sys_clone(CLONE_CLEAR_SIGHAND, x->cgroup, &x->pidfd);
        if (pid == -EACCES && x->what->cgroup) /* an ordinary user may not move from a session's group to another's */
                pid = sys_clone(CLONE_CLEAR_SIGHAND, -1, &x->pidfd);
        return pid;
}

static int spawn(Enter *x, Error *e)
{
        const bool other_pids = x->namespaces & CLONE_NEWPID;

        if (other_pids && setns(x->what->leader_pidfd, CLONE_NEWPID) < 0)
                return error_sys(e, -errno, "cannot join the machine's PID namespace");
        pid_t pid = clone_process(x);
        if (pid == 0) {
                fd_close(x->sock);
                run_child(x);
        }
        /* An ordinary user came from where it has no rights any more, and its process makes no others. */
        if (other_pids && setns(x->home_pid_ns, CLONE_NEWPID) < 0 && errno != EPERM && pid >= 0)
                return error_sys(e, -errno, "cannot return to the own PID namespace");
        x->child_sock = fd_close(x->child_sock);
        return pid < 0 ? error_sys(e, (int)pid, "cannot start a process in the machine") : 0;
}

static int watch(Enter *x, int fd, uint32_t tag)
{
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = tag};

        return epoll_ctl(x->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* It came from inside the machine: only a terminal is taken for one. */
static int open_console(Enter *x, int *take_master, Error *e)
{
        struct statfs fs;
        unsigned number;

        if (fstatfs(*take_master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC || ioctl(*take_master, TIOCGPTN, &number) < 0)
                return error_set(e, -ENOTTY, "the machine's /dev/pts/ptmx is no terminal multiplexer");
        int r = console_open(&x->console, take_master, x->what->in, x->what->out, -1, x->epoll, TAG_CONSOLE);
        return r < 0 ? error_sys(e, r, "cannot join the terminal") : 0;
}

static int on_setup(Enter *x, Error *e)
{
        Message m;
        size_t n = 0;
        int fd = -1;
        int r = message_receive(x->sock, &m, &fd, 1, &n);
        _cleanup_close_ int received = n > 0 ? fd : -1;

        if (r < 0)
                return error_sys(e, r, "cannot hear from the process in the machine");
        if (r == 0) {
                x->sock = fd_close(x->sock);
                x->started = x->executing;
                return x->started ? 0 : error_set(e, -ECHILD, "the machine stopped before the command could run");
        }
        if (m.kind == MESSAGE_CONSOLE && received >= 0)
                return open_console(x, &received, e);
        if (m.kind == MESSAGE_EXEC)
                x->executing = true;
        else if (m.kind == MESSAGE_ERROR) {
                if (e)
                        *e = m.error;
                return m.error.code;
        }
        return 0;
}

static void on_signals(Enter *x)
{
        struct signalfd_siginfo info;

        while (read(x->signals, &info, sizeof(info)) == sizeof(info))
                if (info.ssi_signo == SIGWINCH)
                        console_resize(&x->console);
                else
                        (void)sys_pidfd_send_signal(x->pidfd, (int)info.ssi_signo);
}

static void on_console(Enter *x, ConsoleEnd end, uint32_t events)
{
        bool ended = x->console.in_ended;

        if (console_event(&x->console, end, events) == ESCAPE_KILL)
                (void)sys_pidfd_send_signal(x->pidfd, SIGKILL);
        if (!ended && x->console.in_ended)
                (void)sys_pidfd_send_signal(x->pidfd, SIGHUP);
}

static int loop(Enter *x, Error *e)
{
        for (;;) {
                struct epoll_event event;
                int n = epoll_wait(x->epoll, &event, 1, -1), r = 0;

                if (n < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot watch the process in the machine");
                if (n <= 0)
                        continue;
                if (event.data.u32 == TAG_PROCESS)
                        break;
                if (event.data.u32 == TAG_SETUP)
                        r = on_setup(x, e);
                else if (event.data.u32 == TAG_SIGNALS)
                        on_signals(x);
                else
                        on_console(x, (ConsoleEnd)(event.data.u32 - TAG_CONSOLE), event.events);
                if (r < 0)
                        return r;
        }
        while (x->sock >= 0) { /* what it said before its end */
                int r = on_setup(x, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int supervise(Enter *x, Error *e)
{
        x->epoll = epoll_create1(EPOLL_CLOEXEC);
        int r = x->epoll < 0 ? -errno : watch(x, x->pidfd, TAG_PROCESS);

        if (r >= 0)
                r = watch(x, x->sock, TAG_SETUP);
        if (r >= 0)
                r = watch(x, x->signals, TAG_SIGNALS);
        return r < 0 ? error_sys(e, r, "cannot watch the process in the machine") : loop(x, e);
}

static int run(Enter *x, int *ret_status, Error *e)
{
        siginfo_t info = {0};
        int r = prepare(x, e);

        if (r >= 0)
                r = block_signals(x, e);
        if (r >= 0)
                r = spawn(x, e);
        if (r >= 0)
                r = supervise(x, e);
        console_close(&x->console);
        if (x->pidfd >= 0) {
                if (r < 0)
                        (void)sys_pidfd_send_signal(x->pidfd, SIGKILL);
                (void)sys_pidfd_wait(x->pidfd, &info);
        }
        if (r >= 0)
                *ret_status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        return r;
}

int engine_enter(const EngineEnter *enter, int *ret_status, Error *e)
{
        Enter x = {
                        .what = enter,
                        .home_pid_ns = -1,
                        .cgroup = -1,
                        .sock = -1,
                        .child_sock = -1,
                        .pidfd = -1,
                        .epoll = -1,
                        .signals = -1,
        };

        console_init(&x.console);
        (void)sigprocmask(SIG_BLOCK, NULL, &x.old_mask);
        int r = run(&x, ret_status, e);
        (void)sigprocmask(SIG_SETMASK, &x.old_mask, NULL);
        for (size_t i = 0; i < 7; i++)
                fd_close((int[]){x.home_pid_ns, x.cgroup, x.sock, x.child_sock, x.pidfd, x.epoll, x.signals}[i]);
        return r;
}
