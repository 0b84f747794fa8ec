/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "sys/link.h"

static void names_that_cannot_be_are_refused(void **state)
{
        Error e = {};

        assert_int_equal(sys_link_up("", &e), -EINVAL);
        assert_int_equal(sys_link_up("a-name-of-sixteen", &e), -EINVAL);
        assert_string_equal(e.message, "'a-name-of-sixteen' is no name for a network interface");
}

static void the_kernels_answer_names_the_interface(void **state)
{
        Error e = {};
        int r = sys_link_up("no-such-link", &e);

        assert_true(r == -ENODEV || r == -EPERM); /* as root, as anybody else */
        assert_non_null(strstr(e.message, "cannot bring network interface 'no-such-link' up: "));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(names_that_cannot_be_are_refused),
                        cmocka_unit_test(the_kernels_answer_names_the_interface),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
