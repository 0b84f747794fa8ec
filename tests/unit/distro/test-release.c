/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "distro/deb-release.h"

#define DIGEST "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEAD                                               \
        "Suite: stable\nCodename: trixie\nVersion: 13.1\n" \
        "Date: Sat, 06 Sep 2025 10:00:00 UTC\n"            \
        "Valid-Until: Sat, 13 Sep 2025 10:00:00 UTC\n"     \
        "Acquire-By-Hash: yes\nArchitectures: all amd64 arm64\nComponents: main contrib\n"
#define LIST "SHA256:\n " DIGEST " 123 main/binary-amd64/Packages.xz\n " DIGEST "      0 contrib/binary-amd64/Packages\n"

#define DATE 1757152800 /* of HEAD */
#define WEEK (7 * 24 * 3600)

static int parse(const char *text, DebRelease *r, Error *e)
{
        *e = (Error){0};
        return deb_release_parse(xstrdup(text), strlen(text), r, e);
}

static void reads_every_field(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse(HEAD LIST, &r, &e), 0);
        assert_string_equal(r.codename, "trixie");
        assert_string_equal(r.version, "13.1");
        assert_string_equal(r.components[1], "contrib");
        assert_int_equal(r.date, DATE);
        assert_int_equal(r.valid_until, DATE + WEEK);
        assert_true(r.by_hash);
        assert_int_equal(r.n_files, 2);
        assert_int_equal(deb_release_find(&r, "main/binary-amd64/Packages.xz")->size, 123);
        assert_null(deb_release_find(&r, "main/binary-amd64/Packages"));
        deb_release_done(&r);
}

static void all_is_apart_unless_the_suite_says_no(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse(HEAD LIST, &r, &e), 0);
        assert_true(r.all_apart);
        deb_release_done(&r);
        assert_int_equal(parse(HEAD "No-Support-for-Architecture-all: Packages\n" LIST, &r, &e), 0);
        assert_false(r.all_apart);
        deb_release_done(&r);
}

static void refuses_what_has_no_digests(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse(HEAD, &r, &e), -EBADMSG);
        assert_int_equal(parse("", &r, &e), -EBADMSG);
        assert_int_equal(parse(HEAD "SHA256:\n abc 1 main/Packages\n", &r, &e), -EBADMSG);
        assert_int_equal(parse(HEAD "SHA256:\n " DIGEST " x main/Packages\n", &r, &e), -EBADMSG);
        assert_int_equal(parse(HEAD "SHA256:\n " DIGEST " 1\n", &r, &e), -EBADMSG);
}

static void refuses_a_date_that_is_none(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse("Date: yesterday\n" LIST, &r, &e), -EBADMSG);
        assert_non_null(strstr(e.message, "yesterday"));
}

static void an_index_past_its_time_is_refused_with_the_date(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse(HEAD LIST, &r, &e), 0);
        assert_int_equal(deb_release_check_time(&r, DATE + WEEK, false, "it", &e), 0);
        assert_int_equal(deb_release_check_time(&r, DATE + WEEK + 1, false, "it", &e), -ESTALE);
        assert_string_equal(
                        e.message,
                        "it expired on 2025-09-13 10:00:00 UTC; use a mirror that is up to date, or --allow-expired to take it");
        assert_int_equal(deb_release_check_time(&r, DATE + WEEK + 1, true, "it", NULL), 0);
        deb_release_done(&r);
}

static void an_index_from_the_future_is_refused_also_when_old_ones_are_taken(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse(HEAD LIST, &r, &e), 0);
        assert_int_equal(deb_release_check_time(&r, DATE - 60, false, "it", &e), 0);
        assert_int_equal(deb_release_check_time(&r, DATE - 3600, true, "it", &e), -ESTALE);
        deb_release_done(&r);
}

static void a_missing_architecture_is_answered_with_those_there_are(void **state)
{
        DebRelease r;
        Error e;

        assert_int_equal(parse(HEAD LIST, &r, &e), 0);
        assert_int_equal(deb_release_check_arch(&r, "amd64", "it", &e), 0);
        assert_int_equal(deb_release_check_arch(&r, "foo", "it", &e), -ENOENT);
        assert_string_equal(e.message, "it has no binary-foo; it has: all amd64 arm64");
        deb_release_done(&r);
}

static void dates_are_read_in_full_or_not_at_all(void **state)
{
        static const char *const bad[] = {"",
                                          "Sat, 06 Sep 2025 10:00:00",
                                          "Sat, 06 Sep 2025 10:00:00 CEST",
                                          "Sat, 06 Sep 2025 10:00:00 UTC x",
                                          "Sat, 32 Sep 2025 10:00:00 UTC",
                                          "Sat, 06 Foo 2025 10:00:00 UTC",
                                          "Sat, 06 Sep 2025 24:00:00 UTC",
                                          "Sat, 06 Sep 2025 10:00 UTC",
                                          "Sat, 06 Sep 2025 10:00:00:00 UTC"};
        int64_t t = 0;

        assert_int_equal(deb_date_parse(SLICE("Thu, 01 Jan 1970 00:00:01 +0000"), &t), 0);
        assert_int_equal(t, 1);
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_int_equal(deb_date_parse((Slice){bad[i], strlen(bad[i])}, &t), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(reads_every_field),
                        cmocka_unit_test(all_is_apart_unless_the_suite_says_no),
                        cmocka_unit_test(refuses_what_has_no_digests),
                        cmocka_unit_test(refuses_a_date_that_is_none),
                        cmocka_unit_test(an_index_past_its_time_is_refused_with_the_date),
                        cmocka_unit_test(an_index_from_the_future_is_refused_also_when_old_ones_are_taken),
                        cmocka_unit_test(a_missing_architecture_is_answered_with_those_there_are),
                        cmocka_unit_test(dates_are_read_in_full_or_not_at_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
