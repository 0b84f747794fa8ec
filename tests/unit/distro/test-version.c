/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "distro/deb-version.h"

static int sign(const char *a, const char *b)
{
        int d = deb_version_compare((Slice){a, strlen(a)}, (Slice){b, strlen(b)});

        return (d > 0) - (d < 0);
}

/* Each is lower than the next. */
static void orders_as_dpkg_does(void **state)
{
        static const char *const rising[] = {
                        "0~",   "0",     "0.9",      "1.0~~",   "1.0~~a",   "1.0~",   "1.0~rc1-1",  "1.0-0~bpo1",
                        "1.0",  "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0-1.10", "1.0a-1", "1.0+dfsg-1", "1.2.3",
                        "1.10", "9",     "10",       "1:0.1",   "1:0.1-1",  "2:0",    "10:0",
        };

        for (size_t i = 0; i < sizeof(rising) / sizeof(*rising); i++)
                for (size_t j = 0; j < sizeof(rising) / sizeof(*rising); j++)
                        assert_int_equal(sign(rising[i], rising[j]), (i > j) - (i < j));
}

static void leading_zeros_and_a_zero_epoch_do_not_count(void **state)
{
        assert_int_equal(sign("0:1.0", "1.0"), 0);
        assert_int_equal(sign("1.01", "1.1"), 0);
        assert_int_equal(sign("1.0-0", "1.0"), 0);
}

static void numbers_of_any_length_compare(void **state)
{
        assert_int_equal(sign("99999999999999999999999999999998", "99999999999999999999999999999999"), -1);
        assert_int_equal(sign("20000000000000000000000", "3"), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(orders_as_dpkg_does),
                        cmocka_unit_test(leading_zeros_and_a_zero_epoch_do_not_count),
                        cmocka_unit_test(numbers_of_any_length_compare),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
