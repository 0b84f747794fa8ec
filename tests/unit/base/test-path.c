/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"

static void normalized_paths_have_no_odd_components(void **state)
{
        assert_true(path_is_normalized("/"));
        assert_true(path_is_normalized("/a/b"));
        assert_true(path_is_normalized("a/.b/..c"));
        assert_false(path_is_normalized(""));
        assert_false(path_is_normalized("/a//b"));
        assert_false(path_is_normalized("/a/"));
        assert_false(path_is_normalized("a/./b"));
        assert_false(path_is_normalized("../a"));
        assert_false(path_is_normalized("/a/.."));
}

static void assert_joined(const char *a, const char *b, const char *expected)
{
        _cleanup_free_ char *p = path_join(a, b);
        assert_string_equal(p, expected);
}

static void joining_puts_one_slash_between(void **state)
{
        assert_joined("/a", "b", "/a/b");
        assert_joined("/a/", "/b", "/a/b");
        assert_joined("/", "/b/c", "/b/c");
        assert_joined("a", "", "a");
        assert_joined("", "b", "b");
        assert_joined("/", "/", "/");
}

static void assert_simple(const char *from, const char *expected)
{
        _cleanup_free_ char *p = xstrdup(from);
        assert_string_equal(path_simplify(p), expected);
}

static void simplifying_keeps_dot_dot(void **state)
{
        assert_simple("//a///b/./c/", "/a/b/c");
        assert_simple("./a/../b", "a/../b");
        assert_simple("/", "/");
        assert_simple("/./", "/");
        assert_simple("./", ".");
        assert_simple("", "");
}

static void assert_dirname(const char *p, const char *expected)
{
        _cleanup_free_ char *d = path_dirname(p);
        assert_string_equal(d, expected);
}

static void the_two_halves_of_a_path(void **state)
{
        assert_string_equal(path_basename("/a/b"), "b");
        assert_string_equal(path_basename("b"), "b");
        assert_string_equal(path_basename("/"), "");
        assert_dirname("/a/b", "/a");
        assert_dirname("/a//b/", "/a");
        assert_dirname("/a", "/");
        assert_dirname("a", ".");
        assert_dirname("/", "/");
}

static void prefixes_are_whole_components(void **state)
{
        assert_true(path_has_prefix("/a/b", "/a"));
        assert_true(path_has_prefix("/a/b", "/a/"));
        assert_true(path_has_prefix("/a", "/a"));
        assert_true(path_has_prefix("/a", "/"));
        assert_false(path_has_prefix("/ab", "/a"));
        assert_false(path_has_prefix("a", "/"));
}

static void machine_names_are_host_names(void **state)
{
        char name[66];

        memset(name, 'a', sizeof(name));
        name[64] = '\0';
        assert_true(path_machine_name_is_valid(name));
        name[64] = 'a';
        name[65] = '\0';
        assert_false(path_machine_name_is_valid(name));
        assert_true(path_machine_name_is_valid("web-1.example"));
        static const char *const bad[] = {"", ".", "..", ".a", "a.", "a..b", "-a", "a-", "a-.b", "a_b", "a/b", "a b", "\xc3\xa4"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_false(path_machine_name_is_valid(bad[i]));
}

static void snapshot_names_are_file_names(void **state)
{
        assert_true(path_snapshot_name_is_valid("before_update-2026:11.22"));
        assert_false(path_snapshot_name_is_valid(".hidden"));
        assert_false(path_snapshot_name_is_valid("a/b"));
        assert_false(path_snapshot_name_is_valid("a b"));
        assert_false(path_snapshot_name_is_valid(""));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(normalized_paths_have_no_odd_components),
                        cmocka_unit_test(joining_puts_one_slash_between),
                        cmocka_unit_test(simplifying_keeps_dot_dot),
                        cmocka_unit_test(the_two_halves_of_a_path),
                        cmocka_unit_test(prefixes_are_whole_components),
                        cmocka_unit_test(machine_names_are_host_names),
                        cmocka_unit_test(snapshot_names_are_file_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
