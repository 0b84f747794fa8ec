/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json-tree.h"

static int read_text(const char *text, JsonTree *t, Error *e)
{
        return json_tree_read(text, strlen(text), t, e);
}

static void values_of_all_types_are_read(void **state)
{
        _cleanup_json_tree_ JsonTree t = {};

        assert_int_equal(read_text(" {\"s\": \"x\", \"n\": -12, \"t\": true, \"f\": false, \"z\": null, \"a\": [1, [2], {}], "
                                   "\"o\": {\"k\": \"v\"}} ",
                                   &t, NULL),
                         0);
        assert_string_equal(json_tree_member(&t, t.nodes, "s")->text, "x");
        int64_t n;
        assert_int_equal(json_node_i64(json_tree_member(&t, t.nodes, "n"), &n), 0);
        assert_int_equal(n, -12);
        assert_true(json_tree_member(&t, t.nodes, "t")->boolean);
        assert_false(json_tree_member(&t, t.nodes, "f")->boolean);
        assert_int_equal(json_tree_member(&t, t.nodes, "z")->type, JSON_NULL);
        assert_int_equal(json_tree_member(&t, t.nodes, "a")->n, 3);
        assert_string_equal(json_tree_first(&t, json_tree_member(&t, t.nodes, "o"))->key, "k");
        assert_null(json_tree_member(&t, t.nodes, "q"));
}

static void escapes_and_surrogates_become_utf8(void **state)
{
        _cleanup_json_tree_ JsonTree t = {};

        assert_int_equal(read_text("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00\xc3\xa9\"]", &t, NULL), 0);
        assert_string_equal(json_tree_first(&t, t.nodes)->text, "\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc3\xa9");
}

static void what_is_no_json_is_refused_with_its_line(void **state)
{
        static const char *const texts[] = {
                        "",
                        "{",
                        "[1,]",
                        "{\"a\":1,}",
                        "{a:1}",
                        "{\"a\" 1}",
                        "[1 2]",
                        "[01]",
                        "[1.]",
                        "[.5]",
                        "[+1]",
                        "[1e]",
                        "[-]",
                        "[tru]",
                        "nul",
                        "[\"a]",
                        "[\"\\x\"]",
                        "[\"\\u12\"]",
                        "[\"\\ud800\"]",
                        "[\"\\ud800\\u0041\"]",
                        "[\"\\udc00\"]",
                        "[\"\\u0000\"]",
                        "[\"\n\"]",
                        "[\"\xff\"]",
                        "[\"\xed\xa0\x80\"]",
                        "[\"\xc0\xaf\"]",
                        "1 2",
                        "// x\n1",
                        "{\"a\":1,\"a\":2}",
                        "[NaN]",
                        "\xef\xbb\xbf{}",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                JsonTree t = {};
                Error e = {};
                if (read_text(texts[i], &t, &e) != -EINVAL)
                        fail_msg("'%s' was taken", texts[i]);
                assert_non_null(strstr(e.message, "line "));
        }
        Error e = {};
        JsonTree t = {};
        read_text("{\n\n\"a\":\n?}", &t, &e);
        assert_non_null(strstr(e.message, "line 4"));
}

static void a_null_byte_in_the_text_is_refused(void **state)
{
        JsonTree t = {};

        assert_int_equal(json_tree_read("[\"a\0b\"]", 7, &t, NULL), -EINVAL);
        assert_int_equal(json_tree_read("[1]\0", 4, &t, NULL), -EINVAL);
}

static void depth_and_number_of_values_have_limits(void **state)
{
        JsonTree t = {};
        char deep[2 * JSON_TREE_DEPTH + 3];

        memset(deep, '[', JSON_TREE_DEPTH);
        memset(deep + JSON_TREE_DEPTH, ']', JSON_TREE_DEPTH);
        assert_int_equal(json_tree_read(deep, 2 * JSON_TREE_DEPTH, &t, NULL), 0);
        json_tree_done(&t);
        memset(deep, '[', JSON_TREE_DEPTH + 1);
        assert_int_equal(json_tree_read(deep, JSON_TREE_DEPTH + 1, &t, NULL), -E2BIG);

        _cleanup_free_ char *wide = xmalloc(2 * JSON_TREE_NODES + 3);
        for (size_t i = 0; i < JSON_TREE_NODES; i++)
                memcpy(wide + 1 + 2 * i, "1,", 2);
        wide[0] = '[';
        wide[2 * JSON_TREE_NODES] = ']';
        assert_int_equal(json_tree_read(wide, 2 * JSON_TREE_NODES + 1, &t, NULL), -E2BIG);
}

static void numbers_are_whole_and_in_range(void **state)
{
        _cleanup_json_tree_ JsonTree t = {};
        uint64_t u;
        int64_t i;

        assert_int_equal(read_text("[18446744073709551615, 18446744073709551616, -1, 1.0, 1e3, -9223372036854775808, \"1\"]", &t,
                                   NULL),
                         0);
        const JsonNode *n = json_tree_first(&t, t.nodes);
        assert_int_equal(json_node_u64(n, &u), 0);
        assert_true(u == UINT64_MAX);
        assert_int_equal(json_node_i64(n, &i), -ERANGE);
        n = json_tree_next(&t, n);
        assert_int_equal(json_node_u64(n, &u), -ERANGE);
        n = json_tree_next(&t, n);
        assert_int_equal(json_node_u64(n, &u), -ERANGE);
        n = json_tree_next(&t, n);
        assert_int_equal(json_node_i64(n, &i), -EINVAL);
        n = json_tree_next(&t, n);
        assert_int_equal(json_node_i64(n, &i), -EINVAL);
        n = json_tree_next(&t, n);
        assert_int_equal(json_node_i64(n, &i), 0);
        assert_true(i == INT64_MIN);
        assert_int_equal(json_node_i64(json_tree_next(&t, n), &i), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(values_of_all_types_are_read),
                        cmocka_unit_test(escapes_and_surrogates_become_utf8),
                        cmocka_unit_test(what_is_no_json_is_refused_with_its_line),
                        cmocka_unit_test(a_null_byte_in_the_text_is_refused),
                        cmocka_unit_test(depth_and_number_of_values_have_limits),
                        cmocka_unit_test(numbers_are_whole_and_in_range),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
