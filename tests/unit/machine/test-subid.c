/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "unit/test.h"
#include "unit/scratch.h"

#include "base/path.h"
#include "machine/run-subid.h"

static SpecIdRanges read_text(const Scratch *s, const char *text, const char *name, uid_t uid)
{
        _cleanup_free_ char *path = path_join(s->dir, "subuid");
        SpecIdRanges found = {};

        assert_int_equal(file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
        machine_subids(path, name, uid, &found);
        return found;
}

static void a_user_is_found_by_name_and_by_number(void **state)
{
        SpecIdRanges v = read_text(*state, "eva:100000:65536\nrosa:200000:10\n1000:300000:5\n10001:400000:5\n", "rosa", 1000);

        assert_int_equal(v.n, 2);
        assert_int_equal(v.items[0].outside, 200000);
        assert_int_equal(v.items[0].count, 10);
        assert_int_equal(v.items[1].outside, 300000);
        free(v.items);
}

static void all_are_found_without_a_name(void **state)
{
        SpecIdRanges v = read_text(*state, "eva:100000:65536\nrosa:200000:10", NULL, 0);

        assert_int_equal(v.n, 2);
        assert_int_equal(v.items[1].outside, 200000);
        free(v.items);
}

static void what_is_no_range_counts_for_nothing(void **state)
{
        SpecIdRanges v =
                        read_text(*state, "rosa\nrosa:x:1\nrosa:1:\nrosa:5:0\nrosa:4294967295:2\n\n:\nrosa:7:1 \n", "rosa", 1000);

        assert_int_equal(v.n, 1);
        assert_int_equal(v.items[0].outside, 7);
        free(v.items);
}

static void accounts_are_ranges_of_one(void **state)
{
        const Scratch *s = *state;
        _cleanup_free_ char *path = path_join(s->dir, "passwd");
        static const char text[] = "root:x:0:0:root:/root:/bin/sh\n+::::::\nlina:x:524288:100::/:/bin/sh\n";
        SpecIdRanges v = {};

        assert_int_equal(file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false), 0);
        machine_account_ids(path, &v);
        assert_int_equal(v.n, 2);
        assert_int_equal(v.items[1].outside, 524288);
        assert_int_equal(v.items[1].count, 1);
        free(v.items);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)
        const struct CMUnitTest tests[] = {
                        CASE(a_user_is_found_by_name_and_by_number),
                        CASE(all_are_found_without_a_name),
                        CASE(what_is_no_range_counts_for_nothing),
                        CASE(accounts_are_ranges_of_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
