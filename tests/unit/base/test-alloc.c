/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "base/alloc.h"

static void a_vector_grows_and_new_slots_are_zero(void **state)
{
        struct {
                int *items;
                size_t n;
        } v = {};

        for (int i = 0; i < 1000; i++) {
                int *slot = vec_push(&v);
                assert_int_equal(*slot, 0);
                *slot = i + 1;
        }
        assert_int_equal(v.n, 1000);
        for (int i = 0; i < 1000; i++)
                assert_int_equal(v.items[i], i + 1);
        free(v.items);
}

static void an_array_that_fitted_exactly_can_be_pushed_to(void **state)
{
        struct {
                char *items;
                size_t n;
        } v = {.items = xcalloc(5, 1), .n = 5};

        *vec_push(&v) = 'x';
        assert_int_equal(v.items[5], 'x');
        free(v.items);
}

static void copies_of_nothing_are_nothing(void **state)
{
        assert_null(xstrdup(NULL));
        assert_null(xstrndup(NULL, 3));
}

static void strings_are_cut_and_formatted(void **state)
{
        _cleanup_free_ char *cut = xstrndup("harbour", 4), *text = xasprintf("%s-%d", "berth", 7);

        assert_string_equal(cut, "harb");
        assert_string_equal(text, "berth-7");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(a_vector_grows_and_new_slots_are_zero),
                        cmocka_unit_test(an_array_that_fitted_exactly_can_be_pushed_to),
                        cmocka_unit_test(copies_of_nothing_are_nothing),
                        cmocka_unit_test(strings_are_cut_and_formatted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
