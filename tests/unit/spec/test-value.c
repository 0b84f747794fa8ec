/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/spec/values.h"

#include <sys/resource.h>

static void booleans(void **state)
{
        CHECK(BOOT, PLAIN, {"yes", "yes"}, {"0", "no"}, {"t", "yes"}, {"off", "no"}, {"", NULL}, {"2", NULL});
}

static void paths_are_absolute_and_made_simple(void **state)
{
        CHECK(CHDIR, PLAIN, {"/a", "/a"}, {"//a/./b/", "/a/b"}, {"/", "/"}, {"a", NULL}, {"", NULL}, {"/a/../b", NULL});
}

static void machine_names(void **state)
{
        CHECK(MACHINE, PLAIN, {"web", "web"}, {"a-1.b", "a-1.b"}, {"", NULL}, {"a/b", NULL}, {"..", NULL}, {"-a b", NULL});
}

static void users(void **state)
{
        CHECK(USER, PLAIN, {"alice", "alice"}, {"1000", "1000"}, {"a.b@c", "a.b@c"}, {"", NULL}, {"-x", NULL}, {"a:b", NULL},
              {"a b", NULL}, {"a/b", NULL});
}

static void uuids_with_and_without_dashes(void **state)
{
        CHECK(MACHINE_ID, PLAIN, {"00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeeff"},
              {"00112233-4455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff"}, {"0011", NULL},
              {"00000000000000000000000000000000", NULL}, {"001122334455-66778899aabbccddeeff", NULL},
              {"00112233445566778899aabbccddeeff00", NULL}, {"g0112233445566778899aabbccddeeff", NULL});
}

static void time_spans(void **state)
{
        CHECK(STOP_TIMEOUT, PLAIN, {"90", "90000000us"}, {"1min 30s", "90000000us"}, {"infinity", "infinity"}, {"soon", NULL});
}

static void oom_scores(void **state)
{
        CHECK(OOM_SCORE_ADJUST, PLAIN, {"-1000", "-1000"}, {"1000", "1000"}, {"1001", NULL}, {"-1001", NULL}, {"x", NULL});
}

static void cpu_lists(void **state)
{
        CHECK(CPU_AFFINITY, PLAIN, {"0-2,5", "0,1,2,5"}, {"1 3", "1,3"}, {"1023", "1023"}, {"1024", NULL}, {"3-1", NULL},
              {"", NULL}, {"a", NULL}, {"1-", NULL});
}

static void limits_by_number_and_size(void **state)
{
        static const ValueCase count[] = {{"5", "5:5"},
                                          {"5:infinity", "5:infinity"},
                                          {"infinity", "infinity:infinity"},
                                          {"6:5", NULL},
                                          {"", NULL},
                                          {"1:2:3", NULL}};
        static const ValueCase bytes[] = {{"1M", "1048576:1048576"}, {"1K:2K", "1024:2048"}, {"1X", NULL}};

        check_values(SPEC_FIELD_RLIMIT + RLIMIT_NOFILE, VARIANT_PLAIN, count, ELEMENTSOF(count));
        check_values(SPEC_FIELD_RLIMIT + RLIMIT_AS, VARIANT_PLAIN, bytes, ELEMENTSOF(bytes));
}

static void limits_by_time_and_nice_level(void **state)
{
        static const ValueCase seconds[] = {{"90", "90:90"}, {"1min", "60:60"}, {"1500ms", "2:2"}, {"x", NULL}};
        static const ValueCase nice[] = {{"-5", "25:25"}, {"+19", "1:1"}, {"40", "40:40"},
                                         {"41", NULL},    {"+20", NULL},  {"-21", NULL}};

        check_values(SPEC_FIELD_RLIMIT + RLIMIT_CPU, VARIANT_PLAIN, seconds, ELEMENTSOF(seconds));
        check_values(SPEC_FIELD_RLIMIT + RLIMIT_NICE, VARIANT_PLAIN, nice, ELEMENTSOF(nice));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(booleans),
                        cmocka_unit_test(paths_are_absolute_and_made_simple),
                        cmocka_unit_test(machine_names),
                        cmocka_unit_test(users),
                        cmocka_unit_test(uuids_with_and_without_dashes),
                        cmocka_unit_test(time_spans),
                        cmocka_unit_test(oom_scores),
                        cmocka_unit_test(cpu_lists),
                        cmocka_unit_test(limits_by_number_and_size),
                        cmocka_unit_test(limits_by_time_and_nice_level),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
