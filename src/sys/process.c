/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "sys/process-private.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

pid_t sys_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
        int pidfd = -1;
        struct clone_args args = {
                        .flags = flags | (ret_pidfd ? CLONE_PIDFD : 0) | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
                        .pidfd = (uint64_t)(uintptr_t)&pidfd,
                        .exit_signal = SIGCHLD,
                        .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
        };
        /* An older kernel refuses a longer struct: the member `cgroup` goes along only when it is used. */
        long pid = syscall(SYS_clone3, &args, cgroup_fd >= 0 ? sizeof(args) : CLONE_ARGS_SIZE_VER0);

        if (pid < 0)
                return errno == E2BIG ? -EOPNOTSUPP : -errno;
        if (pid > 0 && ret_pidfd)
                *ret_pidfd = pidfd;
        return (pid_t)pid;
}

int sys_act_as(uid_t uid)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct caps[2];

        /* The raw call: the C library's wrapper would look for other threads to change as well. */
        if (syscall(SYS_setresuid, -1, uid, -1) < 0)
                return -errno;
        (void)prctl(PR_SET_DUMPABLE, 1);
        if (uid == 0) /* brings them back by itself */
                return 0;
        if (syscall(SYS_capget, &header, caps) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(caps); i++)
                caps[i].effective = caps[i].permitted;
        return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

int sys_pidfd_open(pid_t pid)
{
        long fd = syscall(SYS_pidfd_open, pid, 0);

        return fd < 0 ? -errno : (int)fd;
}

int sys_pidfd_send_signal(int pidfd, int sig)
{
        return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int sys_pidfd_wait(int pidfd, siginfo_t *ret)
{
        siginfo_t si = {};

        while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &si, WEXITED) < 0)
                if (errno != EINTR)
                        return -errno;
        if (ret)
                *ret = si;
        return 0;
}

bool sys_pidfd_alive(int pidfd)
{
        struct pollfd p = {.fd = pidfd, .events = POLLIN};
        int r;

        do
                r = poll(&p, 1, 0);
        while (r < 0 && errno == EINTR);
        return r == 0;
}

int sys_process_starttime(pid_t pid, uint64_t *ret)
{
        _cleanup_free_ char *stat = NULL;
        char path[sizeof("/proc//stat") + 12];

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        int r = file_read_at(AT_FDCWD, path, 4096, &stat, NULL);
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;

        char *p = strrchr(stat, ')'); /* the name before it may hold anything; what follows is field 3 */
        for (int field = 2; p && field < 22; field++) {
                p = strchr(p, ' ');
                if (p)
                        p++;
        }
        if (!p)
                return -EIO;
        p[strcspn(p, " ")] = '\0';
        return str_parse_u64(p, ret);
}

static bool mask_has(const char *status, const char *field, int sig)
{
        const char *p = strstr(status, field);

        return p && sig > 0 && sig <= 64 && (strtoull(p + strlen(field), NULL, 16) & UINT64_C(1) << (sig - 1));
}

bool sys_process_listens(pid_t pid, int sig)
{
        _cleanup_free_ char *status = NULL, *where = NULL;
        char path[sizeof("/proc//status") + 12];

        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        if (file_read_at(AT_FDCWD, path, 65536, &status, NULL) < 0)
                return false;
        if (mask_has(status, "\nSigCgt:\t", sig) || mask_has(status, "\nSigBlk:\t", sig))
                return true;
        /* While it waits for blocked signals, the mask does not show them (do_sigtimedwait() in kernel/signal.c). */
        snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
        return file_read_at(AT_FDCWD, path, 256, &where, NULL) >= 0 && str_startswith(where, "do_sigtimedwait");
}

int sys_boot_id(char ret[static 33])
{
        _cleanup_free_ char *text = NULL;
        char id[33];
        size_t n = 0;
        int r = file_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, NULL);

        if (r < 0)
                return r;
        for (const char *p = text; *p && *p != '\n'; p++)
                if (*p != '-' && n < 32)
                        id[n++] = *p;
        id[n] = '\0';
        if (!str_is_hex(id, 32))
                return -EIO;
        memcpy(ret, id, sizeof(id));
        return 0;
}

static bool is_kept(unsigned fd, const int *keep, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (keep[i] >= 0 && (unsigned)keep[i] == fd)
                        return true;
        return false;
}

/* Linux before 5.9. */
int close_listed_fds(unsigned first, const int *keep, size_t n)
{
        _cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");

        if (!dir)
                return -errno;
        for (;;) {
                const struct dirent *d = readdir(dir);
                uint32_t fd;
                if (!d)
                        return 0;
                if (str_parse_u32(d->d_name, &fd) < 0 || fd < first || fd == (unsigned)dirfd(dir) || is_kept(fd, keep, n))
                        continue;
                fd_close((int)fd);
        }
}

static int close_range_of(unsigned first, unsigned last)
{
        return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

int sys_close_all_fds(unsigned first, const int *keep, size_t n)
{
        unsigned from = first;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                if (keep[i] < 0 || (unsigned)keep[i] < from)
                        continue;
                if ((unsigned)keep[i] > from)
                        r = close_range_of(from, (unsigned)keep[i] - 1);
                from = (unsigned)keep[i] + 1;
        }
        if (r == 0)
                r = close_range_of(from, UINT_MAX);
        return r == -ENOSYS || r == -EPERM ? close_listed_fds(first, keep, n) : r;
}

#define FDS_MAX 250

typedef union FdControl {
        struct cmsghdr header;
        char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
} FdControl;

int sys_send_fds(int sock, const void *data, size_t len, const int *fds, size_t n_fds)
{
        FdControl control = {};
        struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;

        if (len == 0 || n_fds > FDS_MAX)
                return -EINVAL;
        if (n_fds > 0) {
                msg.msg_control = &control;
                msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
        }
        do
                n = sendmsg(sock, &msg, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        /* The descriptors went with the first byte; a stream may have taken only a part of the rest. */
        return (size_t)n < len ? fd_write_all(sock, (const char *)data + n, len - (size_t)n) : 0;
}

/* Takes the descriptors out of a message; those that find no room are closed. Returns whether any was lost. */
static bool take_fds(struct msghdr *msg, int *fds, size_t max_fds, size_t *n_fds)
{
        bool lost = msg->msg_flags & MSG_CTRUNC;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                        int fd;
                        memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                        if (*n_fds < max_fds)
                                fds[(*n_fds)++] = fd;
                        else {
                                fd_close(fd);
                                lost = true;
                        }
                }
        }
        return lost;
}

ssize_t sys_recv_fds(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *ret_n_fds)
{
        FdControl control = {};
        struct iovec iov = {.iov_base = data, .iov_len = len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        size_t n_fds = 0;
        ssize_t n;

        do
                n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (take_fds(&msg, fds, max_fds, &n_fds)) {
                while (n_fds > 0)
                        fd_close(fds[--n_fds]);
                return -EMSGSIZE;
        }
        if (ret_n_fds)
                *ret_n_fds = n_fds;
        return n;
}
