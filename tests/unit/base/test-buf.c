/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void pieces_are_joined(void **state)
{
        _cleanup_buf_ Buf b = {};

        buf_adds(&b, "one");
        buf_addf(&b, " %d %s", 2, "three");
        buf_append(&b, "\0x", 2);
        assert_int_equal(b.len, 13);
        assert_memory_equal(b.data, "one 2 three\0x", 14);
}

static void an_empty_buffer_gives_an_empty_string(void **state)
{
        Buf b = {};
        char *s = buf_take(&b);

        assert_string_equal(s, "");
        free(s);
}

static void taking_empties_the_buffer(void **state)
{
        Buf b = {};

        buf_adds(&b, "gone");
        char *s = buf_take(&b);
        assert_string_equal(s, "gone");
        assert_null(b.data);
        assert_int_equal(b.len, 0);
        free(s);
}

static void it_grows_past_any_first_size(void **state)
{
        _cleanup_buf_ Buf b = {};

        for (int i = 0; i < 10000; i++)
                buf_addf(&b, "%04d", i);
        assert_int_equal(b.len, 40000);
        assert_string_equal(b.data + 39992, "99989999");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(pieces_are_joined),
                        cmocka_unit_test(an_empty_buffer_gives_an_empty_string),
                        cmocka_unit_test(taking_empties_the_buffer),
                        cmocka_unit_test(it_grows_past_any_first_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
