/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <signal.h>

#include "plan/plan.h"

static void systemd_takes_realtime_signals(void **state)
{
        assert_int_equal(plan_init_stop_signal(INIT_SYSTEMD), 34 + 4);
        assert_int_equal(plan_init_reboot_signal(INIT_SYSTEMD), 34 + 5);
}

static void busybox_reboots_at_sigterm(void **state)
{
        assert_int_equal(plan_init_stop_signal(INIT_BUSYBOX), SIGUSR2);
        assert_int_equal(plan_init_reboot_signal(INIT_BUSYBOX), SIGTERM);
}

static void every_init_can_be_asked_to_stop(void **state)
{
        for (InitKind k = INIT_SYSTEMD; k < _INIT_KIND_MAX; k++) {
                assert_non_null(plan_init_name(k));
                assert_in_range(plan_init_stop_signal(k), 1, SIGRTMAX);
                assert_int_not_equal(plan_init_stop_signal(k), plan_init_reboot_signal(k));
        }
}

static void twenty_six_capabilities_are_kept(void **state)
{
        assert_int_equal(__builtin_popcountll(plan_default_capabilities()), 26);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(systemd_takes_realtime_signals),
                        cmocka_unit_test(busybox_reboots_at_sigterm),
                        cmocka_unit_test(every_init_can_be_asked_to_stop),
                        cmocka_unit_test(twenty_six_capabilities_are_kept),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
