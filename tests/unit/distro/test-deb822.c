/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "distro/deb822.h"

static const char text[] = "\n"
                           "# comment\n"
                           "Package: one\n"
                           "Description: first line\n"
                           " second line\n"
                           "\t third line\n"
                           "Version: 1\n"
                           "\n"
                           "\n"
                           "package:two\n"
                           "no field here\n"
                           "Empty:\n"
                           "Essential: yes";

static Slice stanza(size_t n)
{
        Slice rest = {text, sizeof(text) - 1}, st = {NULL, 0};

        for (size_t i = 0; i <= n; i++)
                assert_true(deb822_next_stanza(&rest, &st));
        return st;
}

static void finds_each_paragraph_and_then_the_end(void **state)
{
        Slice rest = {text, sizeof(text) - 1}, st;

        assert_true(deb822_next_stanza(&rest, &st));
        assert_true(deb822_next_stanza(&rest, &st));
        assert_false(deb822_next_stanza(&rest, &st));
}

static void keeps_continuation_lines_in_the_value(void **state)
{
        assert_true(slice_eq_str(deb822_get(stanza(0), "Description"), "first line\n second line\n\t third line"));
}

static void a_field_after_a_continuation_is_found(void **state)
{
        assert_true(slice_eq_str(deb822_get(stanza(0), "Version"), "1"));
}

static void names_are_compared_without_case(void **state)
{
        assert_true(slice_eq_str(deb822_get(stanza(1), "PACKAGE"), "two"));
}

static void an_empty_value_is_not_a_missing_one(void **state)
{
        assert_non_null(deb822_get(stanza(1), "Empty").s);
        assert_int_equal(deb822_get(stanza(1), "Empty").n, 0);
        assert_null(deb822_get(stanza(1), "Missing").s);
}

static void only_yes_is_true(void **state)
{
        assert_true(deb822_get_bool(stanza(1), "Essential"));
        assert_false(deb822_get_bool(stanza(1), "Empty"));
        assert_false(deb822_get_bool(stanza(1), "Missing"));
}

static void a_comment_is_no_field(void **state)
{
        Slice st = SLICE("#Package: no\nPackage: yes\n");

        assert_true(slice_eq_str(deb822_get(st, "Package"), "yes"));
}

static void a_missing_value_has_no_words(void **state)
{
        Slice none = {NULL, 0}, w;

        assert_false(slice_word(&none, 0, &w));
        assert_false(slice_until(&none, ',', &w));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(finds_each_paragraph_and_then_the_end),
                        cmocka_unit_test(keeps_continuation_lines_in_the_value),
                        cmocka_unit_test(a_field_after_a_continuation_is_found),
                        cmocka_unit_test(names_are_compared_without_case),
                        cmocka_unit_test(an_empty_value_is_not_a_missing_one),
                        cmocka_unit_test(only_yes_is_true),
                        cmocka_unit_test(a_comment_is_no_field),
                        cmocka_unit_test(a_missing_value_has_no_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
