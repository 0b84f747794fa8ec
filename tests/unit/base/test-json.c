/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "base/json.h"
#include "base/strv.h"

static void assert_json(Json *j, const char *expected)
{
        assert_string_equal(j->out.data, expected);
        buf_done(&j->out);
}

static void an_object_on_one_line(void **state)
{
        Json j = {};
        char *const list[] = {"a", "b", NULL};

        json_open(&j, '{');
        json_field_str(&j, "name", "lina");
        json_field_uint(&j, "big", UINT64_MAX);
        json_field_int(&j, "small", INT64_MIN);
        json_field_bool(&j, "on", true);
        json_field_str(&j, "none", NULL);
        json_field_strv(&j, "list", list);
        json_field_strv(&j, "empty", NULL);
        json_close(&j, '}');
        assert_json(&j, "{\"name\":\"lina\",\"big\":18446744073709551615,\"small\":-9223372036854775808,\"on\":true,"
                        "\"none\":null,\"list\":[\"a\",\"b\"],\"empty\":[]}");
}

static void pretty_output_is_indented(void **state)
{
        Json j = {.pretty = true};

        json_open(&j, '[');
        json_open(&j, '{');
        json_field_uint(&j, "a", 1);
        json_field_bool(&j, "b", false);
        json_close(&j, '}');
        json_open(&j, '{');
        json_close(&j, '}');
        json_int(&j, -2);
        json_close(&j, ']');
        assert_json(&j, "[\n  {\n    \"a\": 1,\n    \"b\": false\n  },\n  {},\n  -2\n]");
}

static void strings_are_escaped(void **state)
{
        Json j = {};

        json_str(&j, "q\" b\\ n\n t\t c\001 \xc3\xa4");
        assert_json(&j, "\"q\\\" b\\\\ n\\n t\\t c\\u0001 \xc3\xa4\"");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
        Json j = {};

        json_str(&j, "a\xff"
                     "b\xc3");
        assert_json(&j, "\"a\xef\xbf\xbd"
                        "b\xef\xbf\xbd\"");
}

static void keys_are_escaped_too(void **state)
{
        Json j = {};

        json_open(&j, '{');
        json_field_uint(&j, "a\"b", 1);
        json_close(&j, '}');
        assert_json(&j, "{\"a\\\"b\":1}");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(an_object_on_one_line), cmocka_unit_test(pretty_output_is_indented),
                        cmocka_unit_test(strings_are_escaped),   cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
                        cmocka_unit_test(keys_are_escaped_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
