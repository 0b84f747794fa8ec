/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void set_stores_code_and_text(void **state)
{
        Error e = {};

        assert_int_equal(error_set(&e, -ENOENT, "image '%s' does not exist", "lina"), -ENOENT);
        assert_int_equal(e.code, -ENOENT);
        assert_string_equal(e.message, "image 'lina' does not exist");
}

static void a_positive_code_becomes_negative(void **state)
{
        assert_int_equal(error_set(NULL, EPERM, "x"), -EPERM);
}

static void sys_appends_the_text_of_the_code(void **state)
{
        Error e = {};

        error_sys(&e, -EACCES, "cannot open '%s'", "/x");
        assert_string_equal(e.message, "cannot open '/x': Permission denied");
}

static void a_prefix_stands_before_the_message(void **state)
{
        Error e = {};

        error_set(&e, -EIO, "disk");
        assert_int_equal(error_prefix(&e, -EPERM, "machine '%s'", "m"), -EIO);
        assert_string_equal(e.message, "machine 'm': disk");
}

static void a_prefix_of_nothing_is_the_message(void **state)
{
        Error e = {};

        assert_int_equal(error_prefix(&e, -EPERM, "alone"), -EPERM);
        assert_string_equal(e.message, "alone");
}

static void the_old_message_may_be_an_argument(void **state)
{
        Error e = {};

        error_set(&e, -EIO, "inner");
        error_set(&e, -EIO, "outer (%s)", e.message);
        assert_string_equal(e.message, "outer (inner)");
}

static void a_message_is_one_line(void **state)
{
        Error e = {};

        error_set(&e, -EINVAL, "name '%s'", "a\nb\033[m");
        assert_string_equal(e.message, "name 'a?b?[m'");
}

static void a_cut_message_ends_with_a_whole_character(void **state)
{
        char text[2 * ERROR_MESSAGE_MAX];
        Error e = {};

        for (size_t i = 0; i < sizeof(text) - 1; i += 2)
                memcpy(text + i, "\xc3\xa4", 2); /* a umlaut; the limit is at an odd place */
        text[sizeof(text) - 2] = '\0';
        error_set(&e, -EINVAL, "%s", text);
        assert_int_equal(strlen(e.message), ERROR_MESSAGE_MAX - 2);
        assert_int_equal((unsigned char)e.message[ERROR_MESSAGE_MAX - 3], 0xa4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(set_stores_code_and_text),
                        cmocka_unit_test(a_positive_code_becomes_negative),
                        cmocka_unit_test(sys_appends_the_text_of_the_code),
                        cmocka_unit_test(a_prefix_stands_before_the_message),
                        cmocka_unit_test(a_prefix_of_nothing_is_the_message),
                        cmocka_unit_test(the_old_message_may_be_an_argument),
                        cmocka_unit_test(a_message_is_one_line),
                        cmocka_unit_test(a_cut_message_ends_with_a_whole_character),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
