/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/strv.h"

static void null_is_the_empty_vector(void **state)
{
        assert_int_equal(strv_len(NULL), 0);
        assert_null(strv_copy(NULL));
        assert_false(strv_contains(NULL, "a"));
        _cleanup_free_ char *joined = strv_join(NULL, ",");
        assert_string_equal(joined, "");
        strv_sort(NULL);
        assert_null(strv_env_get(NULL, "A"));
}

static void pushing_keeps_the_order(void **state)
{
        _cleanup_strv_ char **v = NULL;

        for (int i = 0; i < 100; i++)
                strv_pushf(&v, "%d", i);
        assert_int_equal(strv_len(v), 100);
        assert_string_equal(v[0], "0");
        assert_string_equal(v[99], "99");
}

static void a_vector_that_fitted_exactly_can_be_pushed_to(void **state)
{
        char **exact = xcalloc(2, sizeof(char *));
        exact[0] = xstrdup("a");
        strv_push(&exact, "b");
        assert_int_equal(strv_len(exact), 2);
        strv_free(exact);
}

static void splitting_drops_empty_words(void **state)
{
        _cleanup_strv_ char **v = strv_split(" a,b ,, c ", " ,");

        assert_int_equal(strv_len(v), 3);
        _cleanup_free_ char *joined = strv_join(v, "+");
        assert_string_equal(joined, "a+b+c");
        assert_null(strv_split("", ","));
}

static void sorting_is_by_bytes(void **state)
{
        _cleanup_strv_ char **v = strv_split("b a C", " ");

        strv_sort(v);
        _cleanup_free_ char *joined = strv_join(v, "");
        assert_string_equal(joined, "Cab");
}

static void a_copy_owns_its_strings(void **state)
{
        _cleanup_strv_ char **v = strv_split("a b", " "), **copy = strv_copy(v);

        v[0][0] = 'x';
        assert_true(strv_contains(copy, "a"));
        strv_extend(&copy, v);
        assert_int_equal(strv_len(copy), 4);
        assert_true(strv_contains(copy, "x"));
}

static void an_assignment_replaces_the_earlier_one(void **state)
{
        _cleanup_strv_ char **env = strv_split("PATH=/bin PATHS=x HOME=/", " ");

        strv_env_set(&env, "PATH=/usr/bin");
        strv_env_set(&env, "TERM=dumb");
        assert_int_equal(strv_len(env), 4);
        assert_string_equal(strv_env_get(env, "PATH"), "/usr/bin");
        assert_string_equal(strv_env_get(env, "PATHS"), "x");
        assert_string_equal(strv_env_get(env, "TERM"), "dumb");
        assert_null(strv_env_get(env, "PAT"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(null_is_the_empty_vector),
                        cmocka_unit_test(pushing_keeps_the_order),
                        cmocka_unit_test(a_vector_that_fitted_exactly_can_be_pushed_to),
                        cmocka_unit_test(splitting_drops_empty_words),
                        cmocka_unit_test(sorting_is_by_bytes),
                        cmocka_unit_test(a_copy_owns_its_strings),
                        cmocka_unit_test(an_assignment_replaces_the_earlier_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
