/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strv.h"
#include "distro/deb-overlap.h"
#include "unit/scratch.h"

static char **list(const char *words)
{
        return strv_split(words, " ");
}

static void a_file_in_two_packages_is_found(void **state)
{
        char **lists[] = {list("/. /usr /usr/bin /usr/bin/x"), list("/. /usr /usr/bin /usr/bin/x /usr/bin/y")};
        DebOverlaps o = deb_overlaps(lists, 2);

        assert_int_equal(o.n, 1);
        assert_string_equal(o.items[0].path, "/usr/bin/x");
        assert_int_equal(o.items[0].a, 0);
        assert_int_equal(o.items[0].b, 1);
        free(o.items);
        strv_free(lists[0]);
        strv_free(lists[1]);
}

static void a_directory_is_none_though_others_sort_between_it_and_what_it_holds(void **state)
{
        char **lists[] = {list("/a /a-b /a/x"), list("/a /a.c")};
        DebOverlaps o = deb_overlaps(lists, 2);

        assert_int_equal(o.n, 0);
        free(o.items);
        strv_free(lists[0]);
        strv_free(lists[1]);
}

typedef struct Two {
        DebRecord records[2];
        const DebRecord *items[2];
        DebChoice choice;
        DebUnpacked unpacked[2];
        bool base[2];
} Two;

/* Packages p and q that both have /f. */
static void make_two(Two *t, const char *p, const char *q)
{
        *t = (Two){.records = {{.name = SLICE("p"), .stanza = {p, strlen(p)}}, {.name = SLICE("q"), .stanza = {q, strlen(q)}}},
                   .unpacked = {{.name = xstrdup("p"), .paths = list("/. /f /p")},
                                {.name = xstrdup("q"), .paths = list("/. /f /q")}}};
        t->items[0] = &t->records[0];
        t->items[1] = &t->records[1];
        t->choice = (DebChoice){.items = t->items, .n = 2, .base = t->base};
}

static void two_done(Two *t)
{
        deb_unpacked_done(&t->unpacked[0]);
        deb_unpacked_done(&t->unpacked[1]);
}

static void it_belongs_to_the_one_that_replaces_the_other(void **state)
{
        bool again[2] = {false};
        Two t;

        make_two(&t, "Package: p\nReplaces: o, q (<< 2)\n", "Package: q\n");
        assert_int_equal(deb_overlaps_settle(&t.choice, t.unpacked, scratch_fd(state), again, NULL), 0);
        assert_true(again[0]);
        assert_false(again[1]);
        assert_true(strv_contains(t.unpacked[0].paths, "/f"));
        assert_false(strv_contains(t.unpacked[1].paths, "/f"));
        assert_true(strv_contains(t.unpacked[1].paths, "/q"));
        two_done(&t);
}

static void without_replaces_it_is_refused_with_both_names(void **state)
{
        bool again[2] = {false};
        Error e = {0};
        Two t;

        make_two(&t, "Package: p\n", "Package: q\n");
        assert_int_equal(deb_overlaps_settle(&t.choice, t.unpacked, scratch_fd(state), again, &e), -EEXIST);
        assert_non_null(strstr(e.message, "'p' and 'q' both have '/f'"));
        two_done(&t);
}

static void one_that_diverts_is_left_to_dpkg(void **state)
{
        int dir = scratch_fd(state);

        for (size_t base = 0; base < 2; base++) {
                bool again[2] = {false};
                Two t;

                make_two(&t, "Package: p\n", "Package: q\n");
                assert_int_equal(file_write_at(dir, "f", "", 0644), 0);
                assert_int_equal(file_write_at(dir, "p", "", 0644), 0);
                assert_int_equal(file_write_at(dir, "q", "", 0644), 0);
                t.unpacked[0].diverts = true;
                t.base[0] = base; /* whose scripts nobody could run without it */
                assert_int_equal(deb_overlaps_settle(&t.choice, t.unpacked, dir, again, NULL), base ? -EEXIST : 0);
                if (!base) {
                        assert_true(t.unpacked[0].deferred);
                        assert_false(t.unpacked[1].deferred);
                        assert_false(again[0]);
                        assert_true(again[1]);
                        assert_int_equal(faccessat(dir, "p", F_OK, 0), -1);
                        assert_int_equal(faccessat(dir, "f", F_OK, 0), 0);
                        assert_int_equal(faccessat(dir, "q", F_OK, 0), 0);
                }
                two_done(&t);
        }
}

static void an_empty_directory_may_be_shared(void **state)
{
        bool again[2] = {false};
        Two t;

        assert_int_equal(mkdirat(scratch_fd(state), "f", 0755), 0);
        make_two(&t, "Package: p\n", "Package: q\n");
        assert_int_equal(deb_overlaps_settle(&t.choice, t.unpacked, scratch_fd(state), again, NULL), 0);
        assert_true(strv_contains(t.unpacked[0].paths, "/f"));
        assert_true(strv_contains(t.unpacked[1].paths, "/f"));
        two_done(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(a_file_in_two_packages_is_found),
                        cmocka_unit_test(a_directory_is_none_though_others_sort_between_it_and_what_it_holds),
                        T(it_belongs_to_the_one_that_replaces_the_other),
                        T(without_replaces_it_is_refused_with_both_names),
                        T(one_that_diverts_is_left_to_dpkg),
                        T(an_empty_directory_may_be_shared),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
