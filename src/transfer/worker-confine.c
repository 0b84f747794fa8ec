/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/worker-confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/process.h"
#include "transfer/unpack-seccomp.h"

#define FDS_MAX     4
#define THREADS_MAX 64
#define MEMORY_MAX  (2ULL * 1024 * 1024 * 1024)

static int lift(int *fd)
{
        *fd = fcntl(*fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return *fd < 0 ? -errno : 0;
}

static int keep_only(int *const *fds, size_t n)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), keep[FDS_MAX], r = null < 0 ? -errno : n > FDS_MAX ? -E2BIG : 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = lift(fds[i]);
        for (int fd = STDIN_FILENO; r == 0 && fd <= STDERR_FILENO; fd++)
                r = fd != null && dup2(null, fd) < 0 ? -errno : 0;
        /* In rising order: each was the lowest that was free, and what is below stays open. */
        for (size_t i = 0; i < n && r == 0; i++) {
                keep[i] = *fds[i];
                if (i > 0 && keep[i] <= keep[i - 1])
                        r = -EINVAL;
        }
        return r < 0 ? r : sys_close_all_fds(STDERR_FILENO + 1, keep, n);
}

static int give_up_rights(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {};
        struct rlimit core = {0, 0};

        if (setrlimit(RLIMIT_CORE, &core) < 0 || syscall(SYS_capset, &header, none) < 0 ||
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
#ifndef UNPACK_SANITIZED
        struct rlimit data = {MEMORY_MAX, MEMORY_MAX};
        if (sizeof(data.rlim_cur) >= sizeof(uint64_t) && setrlimit(RLIMIT_DATA, &data) < 0)
                return -errno;
#endif
        return 0;
}

int worker_confine(int *const *fds, size_t n, int (*filter)(void))
{
        for (int sig = 1; sig < SIGRTMIN; sig++)
                (void)signal(sig, SIG_DFL);
        (void)signal(SIGPIPE, SIG_IGN);
        int r = keep_only(fds, n);
        if (r == 0)
                r = give_up_rights();
        return r < 0 ? r : filter();
}

unsigned worker_cpus(void)
{
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}
