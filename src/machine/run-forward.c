/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-forward.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-record.h"
#include "sys/command.h"
#include "sys/mount.h"
#include "sys/process.h"

#define PROGRAM     "systemd-journal-remote"
#define READY_USEC  (UINT64_C(90) * 1000 * 1000)
#define DRAIN_USEC  (UINT64_C(10) * 1000 * 1000)
#define ERRORS_MAX  4096
#define CONFIG_DIR  "/etc/systemd"
#define CONFIG_NAME "journal-remote.conf.d/zz-berth.conf" /* the last one counts */

/* ---- facts ---- */

static char *find_program(void)
{
        _cleanup_strv_ char **places = strv_split(getenv("PATH") ?: "", ":");

        strv_push(&places, "/usr/lib/systemd");
        strv_push(&places, "/lib/systemd");
        STRV_FOREACH (place, places) {
                _cleanup_free_ char *path = path_join(*place, PROGRAM);
                if (path_is_absolute(path) && access(path, X_OK) == 0)
                        return TAKE_PTR(path);
        }
        return NULL;
}

/* What it answers to one option. */
static int ask(const char *program, const char *option, char **ret, Error *e)
{
        int status;
        int r = sys_command(&(SysCommand){.argv = (char *const[]){(char *)program, (char *)option, NULL}}, ret, NULL, &status);

        return r < 0 ? error_sys(e, r, "cannot run '%s'", program) : 0;
}

static int find_limits(const char *program, FactJournalLimits *ret, Error *e)
{
        _cleanup_free_ char *help = NULL, *version = NULL;
        unsigned number = 0;
        int r = ask(program, "--help", &help, e);

        if (r >= 0)
                r = ask(program, "--version", &version, e);
        if (r < 0)
                return r;
        (void)sscanf(version, "systemd %u", &number); /* what is no systemd has none of it */
        *ret = strstr(help, "--max-use") ? FACT_JOURNAL_OPTIONS : number >= 253 ? FACT_JOURNAL_CONFIG : FACT_JOURNAL_NO_LIMITS;
        return 0;
}

int machine_facts_forward(const Target *t, HostFacts *f, Error *e)
{
        _cleanup_free_ char *dir = machine_record_dir(t->host, t->name);
        bool limited = false;

        f->journal_socket = path_join(dir, "journal");
        f->journal_remote = find_program();
        for (SpecForward i = 0; i < _SPEC_FORWARD_MAX; i++)
                limited = limited || spec_is_set(&t->spec, SPEC_FIELD_FORWARD_LIMIT + (SpecField)i);
        return f->journal_remote && limited ? find_limits(f->journal_remote, &f->journal_limits, e) : 0;
}

/* ---- the child ---- */

/* Where only a file has them: in a mount namespace of its own it sees this one instead of the host's. */
static int show_config(char *const *lines)
{
        _cleanup_free_ char *text = strv_join(lines, "\n");

        if (unshare(CLONE_NEWNS) < 0)
                return -errno;
        int r = sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, MS_PRIVATE, -1);
        if (r < 0)
                return r;
        _cleanup_close_ int tree = sys_mount_new("tmpfs", "tmpfs", NULL, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, NULL);
        if (tree < 0)
                return tree;
        if (mkdirat(tree, "journal-remote.conf.d", 0755) < 0)
                return -errno;
        r = file_write_at(tree, CONFIG_NAME, text, 0644);
        return r < 0 ? r : sys_mount_attach(tree, AT_FDCWD, CONFIG_DIR);
}

static _noreturn_ void run(const PlanJournal *j, int listener, int errors, const char *notify, pid_t parent)
{
        sigset_t none;
        char own[24];
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC), r;

        sigemptyset(&none);
        snprintf(own, sizeof(own), "%d", getpid());
        (void)setsid(); /* a Ctrl-C at the terminal is for the machine */
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent ||
            null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(errors, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
                _exit(EXIT_FAILURE);
        r = j->config ? show_config(j->config) : 0;
        if (r < 0)
                dprintf(STDERR_FILENO, "cannot show it a configuration in " CONFIG_DIR ": %s\n", strerror(-r));
        if (r < 0 || setenv("LISTEN_FDS", "1", true) < 0 || setenv("LISTEN_PID", own, true) < 0 ||
            setenv("NOTIFY_SOCKET", notify, true) < 0 || setenv("SYSTEMD_LOG_TARGET", "console", true) < 0 ||
            setenv("SYSTEMD_LOG_LEVEL", "warning", true) < 0 || unsetenv("LISTEN_FDNAMES") < 0 || unsetenv("WATCHDOG_USEC") < 0 ||
            setenv("SYSTEMD_JOURNAL_REMOTE_CONFIG_FILE", "/dev/null", true) < 0 || /* 261: the options say it all */
            (listener == 3 ? fcntl(3, F_SETFD, 0) : dup2(listener, 3)) < 0 || sys_close_all_fds(4, NULL, 0) < 0)
                _exit(EXIT_FAILURE);
        execve(j->argv[0], j->argv, environ);
        dprintf(STDERR_FILENO, "%s\n", strerror(errno));
        _exit(EXIT_FAILURE);
}

/* ---- begin ---- */

/* By a descriptor of its directory: the path may be longer than an address of a socket. */
static int make_listener(const PlanJournal *j)
{
        const char *name = path_basename(j->socket);
        _cleanup_free_ char *dir = xstrndup(j->socket, (size_t)(name - j->socket));
        _cleanup_close_ int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
                            fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        if (dirfd < 0 || fd < 0 || (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT))
                return -errno;
        snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dirfd, name);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || fchmodat(dirfd, name, 0600, 0) < 0 ||
            fchownat(dirfd, name, j->uid, j->gid, AT_SYMLINK_NOFOLLOW) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* The kernel picks its name, which nobody can have taken; who writes to it is looked at. */
static int make_notify(char ret[static 16])
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t len = sizeof(sa_family_t);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) < 0 ||
            bind(fd, (struct sockaddr *)&address, len) < 0)
                return -errno;
        len = sizeof(address);
        if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
                return -errno;
        size_t n = len - offsetof(struct sockaddr_un, sun_path) - 1;
        snprintf(ret, 16, "@%.*s", (int)n, address.sun_path + 1);
        return TAKE_FD(fd);
}

static bool is_ready(int notify, pid_t sender)
{
        char text[512];
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(struct ucred))];
        } control;
        struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(notify, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

        if (!c || c->cmsg_type != SCM_CREDENTIALS)
                return false;
        struct ucred from;
        memcpy(&from, CMSG_DATA(c), sizeof(from));
        text[n] = '\0';
        return from.pid == sender && strstr(text, "READY=1");
}

/* The last thing that it said. */
static char *last_words(int errors)
{
        char text[ERRORS_MAX];
        ssize_t n = errors < 0 ? 0 : read(errors, text, sizeof(text) - 1); /* it never blocks */

        while (n > 0 && text[n - 1] == '\n')
                n--;
        if (n <= 0)
                return NULL;
        text[n] = '\0';
        const char *line = strrchr(text, '\n');
        return xstrdup(line ? line + 1 : text);
}

static int wait_ready(const Forward *f, int notify, Error *e)
{
        uint64_t end = clock_monotonic() + READY_USEC;
        struct pollfd p[] = {{.fd = notify, .events = POLLIN}, {.fd = f->pidfd, .events = POLLIN}};

        for (;;) {
                uint64_t now = clock_monotonic();
                if (now >= end)
                        return error_set(e, -ETIMEDOUT, PROGRAM " does not get ready; the machine was not started");
                if (poll(p, ELEMENTSOF(p), (int)((end - now) / 1000) + 1) < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for " PROGRAM);
                if (p[0].revents && is_ready(notify, f->pid))
                        return 0;
                if (p[1].revents) {
                        _cleanup_free_ char *words = last_words(f->errors);
                        return error_set(e, -EIO, PROGRAM " ended before it was ready: %s", words ?: "it did not say why");
                }
        }
}

static size_t count_sockets(pid_t pid)
{
        char path[40], target[32];
        size_t n = 0;

        snprintf(path, sizeof(path), "/proc/%d/fd", pid);
        _cleanup_closedir_ DIR *d = opendir(path);
        for (const struct dirent *entry; d && (entry = readdir(d));) {
                ssize_t len = readlinkat(dirfd(d), entry->d_name, target, sizeof(target) - 1);
                target[len < 0 ? 0 : len] = '\0';
                n += str_startswith(target, "socket:") != NULL;
        }
        return n;
}

/* The listener; for a moment also the one by which it said that it is ready, which must not pass for a connection that is none. */
static size_t idle_sockets(const Forward *f)
{
        struct pollfd p = {.fd = f->pidfd, .events = POLLIN};
        size_t n = count_sockets(f->pid);

        for (int tries = 0; n > 1 && tries < 100 && poll(&p, 1, 5) == 0; tries++)
                n = count_sockets(f->pid);
        return n;
}

/* Copying on write makes a mess of a file that is written all over; as systemd-journald has it for its own. */
static int make_output(const char *path)
{
        int flags, r = file_mkdir_p(path, 0755);
        _cleanup_close_ int fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return r < 0 ? r : -errno;
        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && !(flags & FS_NOCOW_FL)) {
                flags |= FS_NOCOW_FL;
                (void)ioctl(fd, FS_IOC_SETFLAGS, &flags); /* only btrfs has it */
        }
        return 0;
}

static int begin(const PlanJournal *j, Forward *f, Error *e)
{
        char name[16];
        int ends[2];
        const pid_t self = getpid();
        int r = make_output(*j->output ? j->output : "/");

        if (r < 0)
                return error_sys(e, r, "cannot make the directory '%s' for the journal", j->output);
        f->listener = make_listener(j);
        if (f->listener < 0)
                return error_sys(e, f->listener, "cannot listen on '%s'", j->socket);
        _cleanup_close_ int notify = make_notify(name);
        if (notify < 0)
                return error_sys(e, notify, "cannot make a socket for " PROGRAM);
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) /* what nobody reads is lost, instead of keeping it from its work */
                return error_sys(e, -errno, "cannot make a pipe");
        f->errors = ends[0];
        f->pid = sys_clone(0, -1, &f->pidfd);
        if (f->pid == 0)
                run(j, f->listener, ends[1], name, self);
        close(ends[1]);
        if (f->pid < 0) {
                f->pidfd = -1;
                return error_sys(e, f->pid, "cannot start " PROGRAM);
        }
        r = wait_ready(f, notify, e);
        if (r >= 0)
                f->sockets = idle_sockets(f);
        return r;
}

int forward_begin(const PlanJournal *j, Forward *ret, Error *e)
{
        *ret = (Forward)FORWARD_NONE;
        if (!j->argv)
                return 0;
        int r = begin(j, ret, e);
        if (r < 0)
                forward_end(ret, NULL);
        return r;
}

/* ---- end ---- */

/* Whoever was connected is gone, but what they wrote may still be on its way. */
static bool is_drained(const Forward *f)
{
        struct pollfd p = {.fd = f->listener, .events = POLLIN};

        return poll(&p, 1, 0) == 0 && count_sockets(f->pid) <= f->sockets;
}

static void stop(Forward *f, const Events *events)
{
        struct pollfd p = {.fd = f->pidfd, .events = POLLIN};
        siginfo_t info;

        for (uint64_t end = clock_monotonic() + DRAIN_USEC; events && !is_drained(f) && clock_monotonic() < end;)
                if (poll(&p, 1, 10) != 0)
                        break;
        bool early = !sys_pidfd_alive(f->pidfd);
        (void)sys_pidfd_send_signal(f->pidfd, SIGTERM);
        if (poll(&p, 1, (int)(DRAIN_USEC / 1000)) == 0)
                (void)sys_pidfd_send_signal(f->pidfd, SIGKILL);
        (void)sys_pidfd_wait(f->pidfd, &info);
        _cleanup_free_ char *words = last_words(f->errors);
        if (events && early)
                events_warning(events, PROGRAM " ended before the machine did: %s", words ?: "it did not say why");
        else if (events && words)
                events_warning(events, PROGRAM ": %s", words);
}

void forward_end(Forward *f, const Events *events)
{
        if (f->pidfd >= 0)
                stop(f, events);
        f->pidfd = fd_close(f->pidfd);
        f->errors = fd_close(f->errors);
        f->listener = fd_close(f->listener);
}
