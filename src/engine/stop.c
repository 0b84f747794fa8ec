/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/macro.h"
#include "engine/engine.h"
#include "sys/cgroup.h"
#include "sys/process.h"

#define KILL_PATIENCE_USEC (10 * USEC_PER_SEC) /* for what SIGKILL takes: processes in uninterruptible sleep */

/* 1 when the process is gone, 0 when the time was up. */
static int wait_for_end(int pidfd, uint64_t timeout_usec)
{
        uint64_t start = clock_monotonic();

        for (;;) {
                struct pollfd p = {.fd = pidfd, .events = POLLIN};
                uint64_t passed = clock_monotonic() - start;
                uint64_t left = timeout_usec == USEC_INFINITY ? USEC_PER_SEC : passed >= timeout_usec ? 0 : timeout_usec - passed;
                int r = poll(&p, 1, (int)MIN((left + 999) / 1000, (uint64_t)3600000));

                if (r > 0)
                        return 1;
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r == 0 && left == 0)
                        return 0;
        }
}

int engine_stop(int leader_pidfd, const char *cgroup, int signal, uint64_t timeout_usec, Error *e)
{
        int r = 0;

        if (signal != 0) {
                r = sys_pidfd_send_signal(leader_pidfd, signal);
                if (r == -ESRCH)
                        return 0;
                if (r < 0)
                        return error_sys(e, r, "cannot signal the machine");
                r = wait_for_end(leader_pidfd, timeout_usec);
                if (r != 0)
                        return r < 0 ? error_sys(e, r, "cannot wait for the machine") : 0;
        }
        /* PID 1 takes its PID namespace along; the control group catches who came in from outside. */
        r = sys_pidfd_send_signal(leader_pidfd, SIGKILL);
        if (cgroup)
                (void)sys_cgroup_kill(cgroup); /* may be gone by now */
        if (r == -ESRCH)
                return signal == 0 ? 1 : 0;
        if (r >= 0)
                r = wait_for_end(leader_pidfd, KILL_PATIENCE_USEC);
        if (r == 0)
                r = -ETIMEDOUT;
        return r < 0 ? error_sys(e, r, "cannot kill the machine") : 1;
}
