/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <time.h>

#include "base/clock.h"

static void real_time_is_the_time_of_day(void **state)
{
        uint64_t seconds = clock_realtime() / USEC_PER_SEC, now = (uint64_t)time(NULL);

        assert_in_range(seconds, now - 1, now + 1);
}

static void monotonic_time_passes(void **state)
{
        uint64_t start = clock_monotonic();

        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        assert_in_range(clock_monotonic() - start, 2000, 60 * USEC_PER_SEC);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(real_time_is_the_time_of_day),
                        cmocka_unit_test(monotonic_time_passes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
