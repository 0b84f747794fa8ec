/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "distro/gentoo-dep.h"

static Slice text(const char *s)
{
        return (Slice){s, strlen(s)};
}

/* Reads, evaluates with flags on and writes again. */
static void becomes(const char *dep, const char *eapi, const char *use, const char *expected)
{
        GentooDep d = {0}, v = {0};
        Buf b = {0};
        Error e = {0};
        const GentooEapi *rules = gentoo_eapi(text(eapi));

        if (gentoo_dep_parse(text(dep), rules, &d, &e) < 0)
                fail_msg("%s", e.message);
        gentoo_dep_evaluate(&d, text(use), rules, &v);
        gentoo_dep_format(&v, &b);
        if (strcmp(b.data ?: "", expected) != 0)
                fail_msg("'%s' with '%s' becomes '%s', not '%s'", dep, use, b.data ?: "", expected);
        buf_done(&b);
        gentoo_dep_done(&d);
        gentoo_dep_done(&v);
}

static void groups_are_read_and_dissolved(void **state)
{
        becomes("", "8", "", "");
        becomes("  a/b\n\tc/d ", "8", "", "a/b c/d");
        becomes("( a/b ( c/d ) )", "8", "", "a/b c/d");
        becomes("|| ( a/b )", "8", "", "a/b");
        becomes("|| ( a/b c/d )", "8", "", "|| ( a/b c/d )");
        becomes("|| ( || ( a/b c/d ) e/f )", "8", "", "|| ( a/b c/d e/f )");
        becomes("|| ( ( a/b c/d ) e/f )", "8", "", "|| ( ( a/b c/d ) e/f )");
        becomes("|| ( ( a/b ) e/f )", "8", "", "|| ( a/b e/f )");
        becomes("|| ( ( ( a/b c/d ) ) e/f )", "8", "", "|| ( ( a/b c/d ) e/f )");
        becomes("|| ( ( || ( a/b c/d ) x/y ) e/f )", "8", "", "|| ( ( || ( a/b c/d ) x/y ) e/f )");
}

static void conditions(void **state)
{
        becomes("x? ( a/b ) !x? ( c/d )", "8", "x", "a/b");
        becomes("x? ( a/b ) !x? ( c/d )", "8", "y", "c/d");
        becomes("x? ( y? ( a/b ) )", "8", "x", "");
        becomes("x? ( y? ( a/b ) )", "8", "x y", "a/b");
        becomes("|| ( x? ( a/b c/d ) e/f )", "8", "x", "|| ( ( a/b c/d ) e/f )");
        becomes("|| ( x? ( a/b ) e/f )", "8", "", "e/f");
        becomes("a/b[x?,y=]", "8", "x", "a/b[x,-y]");
        becomes("|| ( a/b[x?] c/d )", "8", "", "|| ( a/b c/d )");
}

static void an_any_of_group_without_children(void **state)
{
        becomes("|| ( x? ( a/b ) )", "6", "", "");
        becomes("|| ( x? ( a/b ) )", "7", "", "|| ( )");
        becomes("a/b || ( x? ( c/d ) y? ( e/f ) )", "8", "", "a/b || ( )");
        becomes("|| ( x? ( a/b ) )", "8", "x", "a/b");
}

static void what_is_not_well_formed(void **state)
{
        static const char *const bad[] = {"( )",      "|| ( )",     "x? ( )",    "(a/b)",       "( a/b",
                                          "a/b )",    "|| a/b",     "x? a/b",    "^^ ( a/b )",  "?\? ( a/b )",
                                          "|| ( a/b", "||( a/b )",  "x?( a/b )", "a/b (",       "||",
                                          "x?",       "!! ( a/b )", "a/b | c/d", "_x? ( a/b )", "a"};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                GentooDep d = {0};
                Error e = {0};
                if (gentoo_dep_parse(text(bad[i]), gentoo_eapi(text("8")), &d, &e) >= 0)
                        fail_msg("'%s' is accepted", bad[i]);
                assert_true(e.message[0]);
                assert_int_equal(d.n, 0);
        }
}

static void nesting_has_a_limit(void **state)
{
        Buf b = {0};
        GentooDep d = {0};

        for (int i = 0; i < 100; i++)
                buf_adds(&b, "( ");
        buf_adds(&b, "a/b");
        for (int i = 0; i < 100; i++)
                buf_adds(&b, " )");
        assert_int_equal(gentoo_dep_parse((Slice){b.data, b.len}, NULL, &d, NULL), -EINVAL);
        buf_done(&b);
}

static void blockers_keep_their_marks(void **state)
{
        becomes("!a/b !!<c/d-2", "8", "", "!a/b !!<c/d-2");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(groups_are_read_and_dissolved),
                        cmocka_unit_test(conditions),
                        cmocka_unit_test(an_any_of_group_without_children),
                        cmocka_unit_test(what_is_not_well_formed),
                        cmocka_unit_test(nesting_has_a_limit),
                        cmocka_unit_test(blockers_keep_their_marks),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
