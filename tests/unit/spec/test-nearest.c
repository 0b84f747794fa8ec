/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "spec/spelling.h"

static void the_nearest_word_wins(void **state)
{
        SpecNearest n = {.word = "bnd-ro"};

        spec_nearest_offer(&n, "bind");
        spec_nearest_offer(&n, "bind-ro");
        spec_nearest_offer(&n, "boot");
        assert_string_equal(n.best, "bind-ro");
}

static void far_words_are_not_offered(void **state)
{
        SpecNearest n = {.word = "zebra"};

        spec_nearest_offer(&n, "hostname");
        assert_null(n.best);
}

static void very_long_words_are_far_from_everything(void **state)
{
        SpecNearest n = {.word = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

        spec_nearest_offer(&n, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
        assert_null(n.best);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_nearest_word_wins),
                        cmocka_unit_test(far_words_are_not_offered),
                        cmocka_unit_test(very_long_words_are_far_from_everything),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
