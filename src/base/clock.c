/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

#include <time.h>

static uint64_t clock_usec(clockid_t id)
{
        struct timespec ts = {};

        (void)clock_gettime(id, &ts); /* fails only for a clock that does not exist */
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_realtime(void)
{
        return clock_usec(CLOCK_REALTIME);
}

uint64_t clock_monotonic(void)
{
        return clock_usec(CLOCK_MONOTONIC);
}
