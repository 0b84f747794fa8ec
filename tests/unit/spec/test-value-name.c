/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/spec/values.h"

#include <signal.h>

static void signals_by_name_and_number(void **state)
{
        CHECK(KILL_SIGNAL, PLAIN, {"SIGTERM", "SIGTERM"}, {"term", "SIGTERM"}, {"15", "SIGTERM"}, {"SIGRTMIN+3", "SIGRTMIN+3"},
              {"RTMIN", "SIGRTMIN"}, {"0", NULL}, {"65", NULL}, {"SIGRTMIN+99", NULL}, {"SIGRTMIN-1", NULL}, {"SIGNOPE", NULL},
              {"", NULL});
}

static void the_last_realtime_signal_counts_down(void **state)
{
        assert_int_equal(value_signal_from_name("SIGRTMAX-1"), SIGRTMAX - 1);
}

static void every_signal_of_the_first_31_has_a_name_that_reads_back(void **state)
{
        for (int i = 1; i < 32; i++) {
                _cleanup_free_ char *name = value_signal_to_name(i);
                assert_int_equal(value_signal_from_name(name), i);
        }
}

static void capabilities_by_name_and_number(void **state)
{
        CHECK(CAPABILITY, PLAIN, {"CAP_KILL", "CAP_KILL"}, {"kill,cap_chown", "CAP_CHOWN CAP_KILL"},
              {"5 0", "CAP_CHOWN CAP_KILL"}, {"all", "all"}, {"63", "63"}, {"64", NULL}, {"CAP_", NULL}, {"fly", NULL});
}

static void personalities(void **state)
{
        CHECK(PERSONALITY, PLAIN, {"vax", NULL}, {"", NULL});
        assert_int_equal(value_rlimit_from_name("RLIMIT_nofile"), 7);
}

static void user_namespaces(void **state)
{
        CHECK(USERS, PLAIN, {"no", "no"}, {"0", "no"}, {"1", "yes"}, {"on", "yes"}, {"pick", "pick"}, {"identity", "identity"},
              {"65536", "65536:65536"}, {"5:10", "5:10"}, {"0:65536", "0:65536"}, {"5:0", NULL}, {"4294967295:1", NULL},
              {"4294967294:1", "4294967294:1"}, {"5:", NULL}, {":5", NULL}, {"x", NULL}, {"-1", NULL});
}

static void networks(void **state)
{
        CHECK(NETWORK, PLAIN, {"private", "private"}, {"host", "host"}, {"yes", NULL});
        CHECK(NETWORK, PRIVATE, {"yes", "yes"}, {"no", "no"}, {"host", NULL});
}

static void consoles(void **state)
{
        CHECK(CONSOLE, PLAIN, {"interactive", "interactive"}, {"autopipe", "autopipe"}, {"read-only", "read-only"},
              {"tty", NULL});
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(signals_by_name_and_number),
                        cmocka_unit_test(the_last_realtime_signal_counts_down),
                        cmocka_unit_test(every_signal_of_the_first_31_has_a_name_that_reads_back),
                        cmocka_unit_test(capabilities_by_name_and_number),
                        cmocka_unit_test(personalities),
                        cmocka_unit_test(user_namespaces),
                        cmocka_unit_test(networks),
                        cmocka_unit_test(consoles),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
