/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/spec/values.h"

static void words_are_quoted_as_in_a_shell(void **state)
{
        CHECK(PARAMETERS, WORDS, {"a b", "\"a\" \"b\""}, {"'a b' c", "\"a b\" \"c\""}, {"a'b'\"c\"", "\"abc\""}, {"''", "\"\""},
              {"'\"'", "\"\"'\"'\"\""}, {"'a", NULL}, {"a\"", NULL}, {"", ""});
}

static void plain_text_is_one_word(void **state)
{
        CHECK(PARAMETERS, PLAIN, {"a 'b", "a 'b"});
}

static void variables_are_assignments(void **state)
{
        CHECK(ENVIRONMENT, PLAIN, {"A=1", "A=1"}, {"_a9=", "_a9="}, {"A=x y", "A=x y"}, {"A", NULL}, {"=1", NULL}, {"1A=1", NULL},
              {"A-B=1", NULL});
}

static void a_later_assignment_replaces_an_earlier_one(void **state)
{
        CHECK(ENVIRONMENT, WORDS, {"A=1 B=2 A=3", "\"A=3\" \"B=2\""});
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(words_are_quoted_as_in_a_shell),
                        cmocka_unit_test(plain_text_is_one_word),
                        cmocka_unit_test(variables_are_assignments),
                        cmocka_unit_test(a_later_assignment_replaces_an_earlier_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
