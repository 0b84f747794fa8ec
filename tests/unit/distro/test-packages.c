/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "distro/deb-packages.h"

static const char suite[] = "Package: tool\nVersion: 1.0-1\nArchitecture: amd64\nDepends: lib (>= 1), a | b\n\n"
                            "Package: lib\nVersion: 1.9\nArchitecture: amd64\n\n"
                            "Package: a\nVersion: 1\nArchitecture: arm64\n\n"
                            "Package: b\nVersion: 1\nArchitecture: all\nProvides: virtual, versioned (= 2)\n\n"
                            "Package: alone\nVersion: 1\nArchitecture: all\n";
static const char security[] =
                "Package: lib\nVersion: 1.10\nArchitecture: amd64\n\nPackage: tool\nVersion: 1.0-1\nArchitecture: amd64\n";

static int setup(void **state)
{
        static DebPackages p;

        p = (DebPackages){0};
        *state = &p;
        if (deb_packages_add(&p, (Slice){suite, sizeof(suite) - 1}, 0, "amd64", NULL) < 0 ||
            deb_packages_add(&p, (Slice){security, sizeof(security) - 1}, 1, "amd64", NULL) < 0)
                return -1;
        deb_packages_seal(&p);
        return 0;
}

static int teardown(void **state)
{
        deb_packages_done(*state);
        return 0;
}

static void the_highest_version_is_the_candidate(void **state)
{
        assert_true(slice_eq_str(deb_packages_candidate(*state, SLICE("lib"))->version, "1.10"));
}

static void of_equal_versions_the_first_archives_counts(void **state)
{
        assert_int_equal(deb_packages_candidate(*state, SLICE("tool"))->archive, 0);
}

static void a_pin_wins_over_versions(void **state)
{
        assert_int_equal(deb_packages_pin(*state, "lib", "1.9", NULL), 0);
        assert_true(slice_eq_str(deb_packages_candidate(*state, SLICE("lib"))->version, "1.9"));
}

static void a_pin_to_a_version_that_is_not_there_names_those_that_are(void **state)
{
        Error e = {0};

        assert_int_equal(deb_packages_pin(*state, "lib", "3", &e), -ENOENT);
        assert_string_equal(e.message, "package 'lib' has no version 3 here; there is 1.9, 1.10");
}

static void other_architectures_are_not_there(void **state)
{
        assert_null(deb_packages_candidate(*state, SLICE("a")));
}

static void providers_are_found_by_name(void **state)
{
        char **v = deb_packages_providers(*state, SLICE("versioned"));

        assert_int_equal(strv_len(v), 1);
        assert_string_equal(v[0], "b");
        strv_free(v);
}

static void a_misspelt_name_is_answered_with_near_ones(void **state)
{
        Error e = {0};

        assert_int_equal(deb_packages_unknown(*state, "tol", &e), -ENOENT);
        assert_non_null(strstr(e.message, "near in spelling: tool"));
}

static void the_closure_has_what_may_be_needed_and_no_more(void **state)
{
        char *roots[] = {"tool", NULL};
        _cleanup_buf_ Buf b = {0};

        deb_packages_closure(*state, roots, NULL, &b);
        assert_non_null(strstr(b.data, "Package: tool\n"));
        assert_non_null(strstr(b.data, "Version: 1.10\n"));
        assert_non_null(strstr(b.data, "Package: b\n"));
        assert_null(strstr(b.data, "Version: 1.9\n"));
        assert_null(strstr(b.data, "Package: alone\n"));
}

static void what_is_excluded_is_not_in_the_closure(void **state)
{
        char *roots[] = {"tool", NULL}, *excluded[] = {"b", NULL};
        _cleanup_buf_ Buf b = {0};

        deb_packages_closure(*state, roots, excluded, &b);
        assert_null(strstr(b.data, "Package: b\n"));
}

static void an_entry_without_a_version_is_refused(void **state)
{
        DebPackages p = {0};

        assert_int_equal(deb_packages_add(&p, SLICE("Package: x\nArchitecture: all\n"), 0, "amd64", NULL), -EBADMSG);
        deb_packages_done(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        T(the_highest_version_is_the_candidate),
                        T(of_equal_versions_the_first_archives_counts),
                        T(a_pin_wins_over_versions),
                        T(a_pin_to_a_version_that_is_not_there_names_those_that_are),
                        T(other_architectures_are_not_there),
                        T(providers_are_found_by_name),
                        T(a_misspelt_name_is_answered_with_near_ones),
                        T(the_closure_has_what_may_be_needed_and_no_more),
                        T(what_is_excluded_is_not_in_the_closure),
                        T(an_entry_without_a_version_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
