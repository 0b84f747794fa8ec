/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "distro/distro.h"

static void splits_distribution_and_suite(void **state)
{
        char *d = NULL, *s = NULL;

        assert_int_equal(distro_parse_source("debian:bookworm", &d, &s, NULL), 0);
        assert_string_equal(d, "debian");
        assert_string_equal(s, "bookworm");
        free(d);
        free(s);
}

static void the_suite_may_be_left_out(void **state)
{
        char *d = NULL, *s = NULL;

        assert_int_equal(distro_parse_source("ubuntu", &d, &s, NULL), 0);
        assert_string_equal(d, "ubuntu");
        assert_null(s);
        free(d);
}

static void an_unknown_distribution_is_answered_with_the_known(void **state)
{
        char *d = NULL, *s = NULL;
        Error e = {0};

        assert_int_equal(distro_parse_source("plan9:fourth", &d, &s, &e), -EINVAL);
        assert_string_equal(e.message,
                            "unknown distribution 'plan9'; known are: debian, ubuntu, gentoo (as in 'debian:bookworm'), and "
                            "archives ('./root.tar.xz')");
        assert_int_equal(distro_parse_source("./x.tar", &d, &s, &e), 0);
        assert_string_equal(d, "archive");
        assert_string_equal(s, "./x.tar");
        free(d);
        free(s);
        assert_int_equal(distro_parse_source("https://host/x.tar", &d, &s, &e), 0);
        assert_string_equal(s, "https://host/x.tar");
        free(d);
        free(s);
}

static void a_suite_that_would_leave_its_directory_is_refused(void **state)
{
        static const char *const bad[] = {"debian:", "debian:../x", "debian:a/b", "debian:-x", "debian:a b"};
        char *d = NULL, *s = NULL;

        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_int_equal(distro_parse_source(bad[i], &d, &s, NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(splits_distribution_and_suite),
                        cmocka_unit_test(the_suite_may_be_left_out),
                        cmocka_unit_test(an_unknown_distribution_is_answered_with_the_known),
                        cmocka_unit_test(a_suite_that_would_leave_its_directory_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
