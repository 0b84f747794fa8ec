/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "base/macro.h"
#include "base/str.h"

/* From the specification (UAPI.10), oldest first. */
static void versions_are_ordered(void **state)
{
        static const char *const order[] = {"~1",      "",        "ab",     "abb",     "abc",        "0001",
                                            "002",     "12",      "122",    "122.9",   "123~rc1-1",  "123",
                                            "123-a",   "123-a.1", "123-3",  "123-3.1", "123^patch1", "123^1",
                                            "123.a-1", "123.1-1", "123a-1", "124-1"};

        for (size_t i = 0; i < ELEMENTSOF(order); i++)
                for (size_t k = 0; k < ELEMENTSOF(order); k++) {
                        int r = str_compare_versions(order[i], order[k]);
                        if ((r > 0) - (r < 0) != (i > k) - (i < k))
                                fail_msg("'%s' and '%s' give %d", order[i], order[k], r);
                }
}

static void what_does_not_count_is_passed_over(void **state)
{
        assert_int_equal(str_compare_versions("1_2", "1_2"), 0);
        assert_int_equal(str_compare_versions("007", "7"), 0);
        assert_true(str_compare_versions("os_1.9", "os_1.10") < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(versions_are_ordered),
                        cmocka_unit_test(what_does_not_count_is_passed_over),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
