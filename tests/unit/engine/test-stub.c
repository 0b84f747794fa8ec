/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <signal.h>

#include "engine/stub.h"

static void poweroff_signals(void **state)
{
        const int offsets[] = {3, 4, 13, 14};

        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
                assert_int_equal(stub_request(SIGRTMIN + offsets[i]), STUB_POWEROFF);
}

static void reboot_signals(void **state)
{
        const int offsets[] = {5, 6, 15, 16};

        assert_int_equal(stub_request(SIGINT), STUB_REBOOT);
        for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
                assert_int_equal(stub_request(SIGRTMIN + offsets[i]), STUB_REBOOT);
}

static void all_others_mean_nothing(void **state)
{
        const int signals[] = {SIGTERM, SIGHUP, SIGCHLD, SIGRTMIN, SIGRTMIN + 2, SIGRTMIN + 7, SIGRTMIN + 12, SIGRTMIN + 17};

        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
                assert_int_equal(stub_request(signals[i]), STUB_NOTHING);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(poweroff_signals),
                        cmocka_unit_test(reboot_signals),
                        cmocka_unit_test(all_others_mean_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
