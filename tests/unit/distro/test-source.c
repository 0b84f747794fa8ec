/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "distro/deb-source.h"

static const char *const suites[] = {"stable", "trixie", NULL};
static const char *const keyrings[] = {"no-such-keyring-of-berth.gpg", NULL};
static const DebDistro distro = {
                .keyrings = keyrings, .keyring_prefix = "debian-archive-", .keyring_package = "the-keyring", .suites = suites};

static DebSources from_list(const char *text)
{
        DebSources s = {0};

        deb_sources_parse_list((Slice){text, strlen(text)}, &s);
        return s;
}

static DebSources from_deb822(const char *text)
{
        DebSources s = {0};

        deb_sources_parse_deb822((Slice){text, strlen(text)}, &s);
        return s;
}

static void reads_one_line_entries(void **state)
{
        DebSources s = from_list(
                        "# deb http://old.example/debian trixie main\n"
                        "deb-src http://m.example/debian trixie main\n"
                        "deb [ arch=amd64 signed-by=/k/debian-archive-x.gpg ] http://m.example/debian/ trixie main # here\n"
                        "deb http://flat.example/ ./\n"
                        "deb\n");

        assert_int_equal(s.n, 1);
        assert_string_equal(s.items[0].url, "http://m.example/debian");
        assert_string_equal(s.items[0].suite, "trixie");
        assert_string_equal(s.items[0].signed_by, "/k/debian-archive-x.gpg");
        deb_sources_done(&s);
}

static void reads_each_url_and_suite_of_a_paragraph(void **state)
{
        DebSources s = from_deb822(
                        "Types: deb deb-src\nURIs: http://a.example/d http://b.example/d\nSuites: trixie trixie-updates\n"
                        "Components: main\n\nTypes: deb\nEnabled: no\nURIs: http://c.example\nSuites: trixie\n\n"
                        "Types: deb-src\nURIs: http://d.example\nSuites: trixie\n");

        assert_int_equal(s.n, 4);
        assert_string_equal(s.items[3].url, "http://b.example/d");
        assert_string_equal(s.items[3].suite, "trixie-updates");
        deb_sources_done(&s);
}

static void other_vendors_entries_do_not_count(void **state)
{
        DebSources s = from_list("deb [signed-by=/k/vendor.gpg] http://vendor.example/x trixie main\n"
                                 "deb http://other.example/y nodistro main\n");

        assert_null(deb_sources_find(&s, &distro, "amd64", false));
        deb_sources_done(&s);
}

static void security_has_a_place_of_its_own(void **state)
{
        DebSources s = from_list(
                        "deb http://s.example/debian-security trixie-security main\ndeb http://m.example/debian trixie main\n");

        assert_string_equal(deb_sources_find(&s, &distro, "amd64", false), "http://m.example/debian");
        assert_string_equal(deb_sources_find(&s, &distro, "amd64", true), "http://s.example/debian-security");
        deb_sources_done(&s);
}

static void a_keyring_of_the_distribution_vouches_for_a_suite_not_known_yet(void **state)
{
        DebSources s = from_list(
                        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://m.example/debian future main\n");

        assert_string_equal(deb_sources_find(&s, &distro, "amd64", false), "http://m.example/debian");
        deb_sources_done(&s);
}

static void what_cannot_be_fetched_is_passed_by(void **state)
{
        DebSources s = from_list("deb cdrom:[Debian]/ trixie main\ndeb mirror+file:/etc/x trixie main\ndeb "
                                 "http://m.example/debian stable main\n");

        assert_string_equal(deb_sources_find(&s, &distro, "amd64", false), "http://m.example/debian");
        deb_sources_done(&s);
}

static void an_entry_for_other_architectures_is_passed_by(void **state)
{
        DebSources s = from_list("deb [arch=amd64,i386] http://a.example/ubuntu trixie main\n"
                                 "deb [signed-by=/x arch=arm64] http://p.example/other trixie main\n"
                                 "deb [arch=arm64] http://p.example/ubuntu-ports trixie main\n");

        assert_string_equal(deb_sources_find(&s, &distro, "amd64", false), "http://a.example/ubuntu");
        assert_string_equal(deb_sources_find(&s, &distro, "i386", false), "http://a.example/ubuntu");
        assert_string_equal(deb_sources_find(&s, &distro, "arm64", false), "http://p.example/ubuntu-ports");
        assert_null(deb_sources_find(&s, &distro, "riscv64", false));
        deb_sources_done(&s);
}

static void a_missing_keyring_is_named_with_the_package_that_has_it(void **state)
{
        char **v = NULL;
        Error e = {0};

        assert_int_equal(deb_keyrings(&distro, NULL, &v, &e), -ENOENT);
        assert_non_null(strstr(e.message, "'the-keyring'"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(reads_one_line_entries),
                        cmocka_unit_test(reads_each_url_and_suite_of_a_paragraph),
                        cmocka_unit_test(other_vendors_entries_do_not_count),
                        cmocka_unit_test(security_has_a_place_of_its_own),
                        cmocka_unit_test(a_keyring_of_the_distribution_vouches_for_a_suite_not_known_yet),
                        cmocka_unit_test(what_cannot_be_fetched_is_passed_by),
                        cmocka_unit_test(an_entry_for_other_architectures_is_passed_by),
                        cmocka_unit_test(a_missing_keyring_is_named_with_the_package_that_has_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
