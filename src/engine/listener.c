/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "engine/hook.h"
#include "sys/process.h"

#define PATIENCE_USEC (10 * USEC_PER_SEC) /* for what takes microseconds, and for who listens */
#define STEP_USEC     20

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

const PlanOp *listener_of(const MachinePlan *plan)
{
        for (size_t i = 0; i < plan->n; i++)
                if (plan->items[i].type == OP_FILTER && plan->items[i].path)
                        return &plan->items[i];
        return NULL;
}

int listener_open(Listener *l, const MachinePlan *plan, Error *e)
{
        *l = (Listener){};
        if (!listener_of(plan))
                return 0;
        void *page = mmap(NULL, sizeof(*l->taken), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
                return error_sys(e, -errno, "cannot share memory with the machine's first process");
        l->taken = page;
        return 0;
}

void listener_close(Listener *l)
{
        if (l->taken)
                (void)munmap((void *)l->taken, sizeof(*l->taken));
        *l = (Listener){};
}

int listener_number(void)
{
        int fd = open("/", O_PATH | O_CLOEXEC);

        return fd < 0 ? -errno : (close(fd), fd);
}

void listener_wait(const Listener *l)
{
        while (atomic_load(l->taken) == 0) /* a call of any kind might be one that is decided */
                ;
}

static bool is_listener(int fd)
{
        char text[64];
        ssize_t n = readlink(fd_path(fd).s, text, sizeof(text) - 1);

        text[n < 0 ? 0 : n] = '\0';
        return str_eq(text, "anon_inode:seccomp notify");
}

/* 1 with the descriptor; 0: the child is gone. */
static int take_listener(int pidfd, int number, int *ret_fd, Error *e)
{
        uint64_t deadline = clock_monotonic() + PATIENCE_USEC;

        while (clock_monotonic() < deadline) {
                int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0); /* Linux 5.6 */
                if (fd >= 0 && is_listener(fd)) {
                        *ret_fd = fd;
                        return 1;
                }
                if (fd < 0 && errno != EBADF && errno != ESRCH)
                        return error_sys(e, -errno, "cannot take the listener of linux.seccomp out of the machine");
                fd_close(fd);
                if (!sys_pidfd_alive(pidfd))
                        return 0;
                usleep(STEP_USEC);
        }
        return error_set(e, -ETIMEDOUT, "the machine's first process did not load the filter of linux.seccomp");
}

static int connect_to(const char *path, Error *e)
{
        const struct timeval patience = {.tv_sec = PATIENCE_USEC / USEC_PER_SEC};
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(e, -ENAMETOOLONG, "linux.seccomp.listenerPath: '%s' is too long for a socket", path);
        strcpy(address.sun_path, path);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return error_sys(e, -errno, "cannot make a socket");
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return error_sys(e, -errno, "linux.seccomp.listenerPath: nobody listens on '%s'", path);
        return TAKE_FD(fd);
}

int listener_hand_on(const Listener *l, const PlanOp *op, pid_t pid, int pidfd, int number, Error *e)
{
        const HookState state = {.status = "creating", .pid = pid, .interrupt = -1};
        _cleanup_close_ int fd = -1;
        int r = take_listener(pidfd, number, &fd, e);

        if (r <= 0)
                return r;
        _cleanup_close_ int sock = connect_to(op->path, e);
        if (sock < 0)
                return sock;
        _cleanup_free_ char *inner = hook_state_text(op, &state),
                            *text = xasprintf("%s,\"pid\":%d,\"state\":%s}", op->alias, pid, inner);
        r = sys_send_fds(sock, text, strlen(text), &fd, 1);
        if (r < 0)
                return error_sys(e, r, "linux.seccomp.listenerPath: cannot send to '%s'", op->path);
        atomic_store(l->taken, 1);
        return 0;
}
