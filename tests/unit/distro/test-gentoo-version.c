/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/macro.h"
#include "distro/gentoo-version.h"

static Slice text(const char *s)
{
        return (Slice){s, strlen(s)};
}

static int sign(const char *a, const char *b)
{
        int d = gentoo_version_compare(text(a), text(b));

        return (d > 0) - (d < 0);
}

static void all_rise(const char *const *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < n; j++)
                        if (sign(v[i], v[j]) != (i > j) - (i < j))
                                fail_msg("%s against %s gives %d", v[i], v[j], sign(v[i], v[j]));
}
#define RISE(...)                                             \
        ({                                                    \
                static const char *const v[] = {__VA_ARGS__}; \
                all_rise(v, ELEMENTSOF(v));                   \
        })

static void a_missing_component_is_below_zero_and_letters_come_after_all(void **state)
{
        RISE("1", "1a", "1b", "1.0", "1.0a", "1.0.0", "1.0.0a", "1.0.1", "1.1", "1.2", "1.10", "2");
        RISE("1.0b", "1.0.0");
        RISE("12.2b", "12.2.5");
}

static void components_with_a_leading_zero_are_fractions(void **state)
{
        RISE("1.0", "1.001", "1.01", "1.02", "1.1", "1.9", "1.10");
        RISE("1.0.02", "1.0.1");
        assert_int_equal(sign("1.0", "1.00"), 0);
        assert_int_equal(sign("1.010", "1.01"), 0);
        assert_int_equal(sign("01", "1"), 0);
        assert_int_equal(sign("010", "10"), 0);
}

static void suffixes_chain(void **state)
{
        RISE("1_alpha_beta", "1_alpha", "1_alpha_p", "1_alpha_p1", "1_alpha1", "1_beta", "1_pre_pre", "1_pre", "1_pre2", "1_rc",
             "1", "1_p_alpha", "1_p", "1_p1", "1_p1_p", "1_p2", "1_p10");
        assert_int_equal(sign("1_p", "1_p0"), 0);
        assert_int_equal(sign("1_rc", "1_rc0"), 0);
}

static void revisions_come_last(void **state)
{
        RISE("1_rc5-r9", "1", "1-r1", "1-r2", "1-r10", "1_p");
        assert_int_equal(sign("1", "1-r0"), 0);
        assert_int_equal(sign("1", "1-r00"), 0);
        assert_int_equal(sign("1-r01", "1-r1"), 0);
}

static void numbers_have_any_length(void **state)
{
        RISE("99999999999999999999998", "99999999999999999999999", "100000000000000000000000");
        RISE("1_p99999999999999999999998", "1_p99999999999999999999999");
        RISE("1-r99999999999999999999998", "1-r99999999999999999999999");
}

static void form(void **state)
{
        static const char *const good[] = {
                        "1",  "0",    "1.2.3", "1a",           "1.2b",     "1_alpha", "1_p20200101", "1_alpha1_beta2",
                        "01", "1-r0", "1-r12", "1.2z_pre3-r4", "20230702", "9999",    "1_rc_rc"};
        static const char *const bad[] = {"",         "a",    "1.",   ".1",      "1.a",   "1ab", "1A",   "1_foo",
                                          "1_",       "1_p-", "1-r",  "1-rx",    "1-r1x", "1-1", "1..2", "1 ",
                                          "1_alphab", "-r1",  "1a.2", "1-r1-r2", "1_p1a", "1,2"};
        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                if (!gentoo_version_is_valid(text(good[i])))
                        fail_msg("'%s' is refused", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (gentoo_version_is_valid(text(bad[i])))
                        fail_msg("'%s' is accepted", bad[i]);
}

static void splits(const char *pf, const char *name, const char *version)
{
        Slice n, v;
        bool split = gentoo_split_pf(text(pf), &n, &v);

        if (split != (name != NULL))
                fail_msg("'%s' %s", pf, split ? "is split" : "is not split");
        if (split && (!slice_eq_str(n, name) || !slice_eq_str(v, version)))
                fail_msg("'%s' becomes '%.*s' and '%.*s'", pf, (int)n.n, n.s, (int)v.n, v.s);
}

static void names_are_parted_from_versions(void **state)
{
        splits("zlib-1.2.13-r1", "zlib", "1.2.13-r1");
        splits("gtk+-3.0", "gtk+", "3.0");
        splits("font-misc-misc-1.1.2", "font-misc-misc", "1.1.2");
        splits("foo-1a", "foo", "1a");
        splits("foo-bar", NULL, NULL);
        splits("foo-1-2", NULL, NULL); /* a name must not end like a version */
        splits("1-2", "1", "2");
        splits("e2fsprogs-1.47.0", "e2fsprogs", "1.47.0");
        splits("foo-r1-1", "foo-r1", "1");
        splits("-1", NULL, NULL);
        splits("foo-9999", "foo", "9999");
}

static void parts_of_a_version(void **state)
{
        assert_true(slice_eq_str(gentoo_version_revision(text("1.2_p3-r4")), "4"));
        assert_true(slice_eq_str(gentoo_version_without_revision(text("1.2_p3-r4")), "1.2_p3"));
        assert_int_equal(gentoo_version_revision(text("1.2")).n, 0);
        assert_true(slice_eq_str(gentoo_version_without_revision(text("1.2")), "1.2"));
}

static void names_have_a_form(void **state)
{
        assert_true(gentoo_is_category(text("dev-lang")) && gentoo_is_category(text("_x.y+z")));
        assert_false(gentoo_is_category(text("-x")) || gentoo_is_category(text(".x")) || gentoo_is_category(text("+x")));
        assert_true(gentoo_is_name(text("gtk+")) && gentoo_is_name(text("foo-1bar")));
        assert_false(gentoo_is_name(text("foo-1")) || gentoo_is_name(text("foo.x")) || gentoo_is_name(text("foo-1-r1")));
        assert_true(gentoo_is_slot(text("0")) && gentoo_is_slot(text("3.11")) && gentoo_is_slot(text("_a+b-c")));
        assert_false(gentoo_is_slot(text("")) || gentoo_is_slot(text(".1")) || gentoo_is_slot(text("a/b")));
        assert_true(gentoo_is_flag(text("python_targets_python3_11")) && gentoo_is_flag(text("video_cards_i965+x@y")));
        assert_false(gentoo_is_flag(text("_x")) || gentoo_is_flag(text("-x")) || gentoo_is_flag(text("a.b")));
        assert_true(gentoo_is_repository(text("bencord0")) && !gentoo_is_repository(text("-x")) &&
                    !gentoo_is_repository(text("a.b")));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(a_missing_component_is_below_zero_and_letters_come_after_all),
                        cmocka_unit_test(components_with_a_leading_zero_are_fractions),
                        cmocka_unit_test(suffixes_chain),
                        cmocka_unit_test(revisions_come_last),
                        cmocka_unit_test(numbers_have_any_length),
                        cmocka_unit_test(form),
                        cmocka_unit_test(names_are_parted_from_versions),
                        cmocka_unit_test(parts_of_a_version),
                        cmocka_unit_test(names_have_a_form),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
