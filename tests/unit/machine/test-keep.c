/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "unit/test.h"

#include "machine/run-keep.h"

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)
#define NOW  INT64_C(1795532400) /* Tuesday 2026-11-24 15:00 UTC */

static const char *kept(const char *rule, const int64_t *times, size_t n)
{
        static char text[1024];
        bool keep[512];
        KeepRule r;

        assert_int_equal(keep_parse(rule, &r, NULL), 0);
        keep_select(&r, times, n, keep);
        text[0] = '\0';
        for (size_t i = 0; i < n; i++)
                strcat(text, keep[i] ? "1" : "0");
        return text;
}

static void the_newest_of_each_period_stays(void **state)
{
        const int64_t times[] = {NOW, NOW - 600, NOW - HOUR + 60, NOW - HOUR - 60, NOW - DAY, NOW - DAY - HOUR, NOW - 2 * DAY};

        /* 15:00 | 14:50 14:01 | 13:59 | yesterday 15:00 14:00 | the day before */
        assert_string_equal(kept("hourly=1", times, 7), "1000000");
        assert_string_equal(kept("hourly=2", times, 7), "1100000");
        assert_string_equal(kept("hourly=3", times, 7), "1101000");
        assert_string_equal(kept("daily=2", times, 7), "1000100");
        assert_string_equal(kept("daily=9", times, 7), "1000101");
        assert_string_equal(kept("hourly=2,daily=3", times, 7), "1100101");
}

static void order_does_not_matter(void **state)
{
        const int64_t times[] = {NOW - 2 * DAY, NOW - HOUR, NOW, NOW - DAY};

        assert_string_equal(kept("daily=2", times, 4), "0011");
        assert_string_equal(kept("daily=0,hourly=1", times, 4), "0010");
        assert_string_equal(kept("daily=1", times, 0), "");
        assert_string_equal(kept("daily=1", times, 1), "1");
}

static void weeks_begin_on_monday_months_and_years_in_the_calendar(void **state)
{
        const int64_t monday = NOW - DAY - 15 * HOUR; /* 2026-11-23 00:00 */
        const int64_t weeks[] = {NOW, monday, monday - 1, monday - 7 * DAY, monday - 7 * DAY - 1};
        const int64_t november = monday - 22 * DAY; /* 2026-11-01 00:00 */
        const int64_t months[] = {NOW, november, november - 1, november - 31 * DAY, november - 31 * DAY - 1};
        const int64_t year = INT64_C(1767225600); /* 2026-01-01 00:00 */
        const int64_t years[] = {NOW, year, year - 1, year - 365 * DAY, year - 365 * DAY - 1};

        assert_string_equal(kept("weekly=3", weeks, 5), "10101");
        assert_string_equal(kept("monthly=3", months, 5), "10101");
        assert_string_equal(kept("yearly=3", years, 5), "10101");
}

/* A year of hourly snapshots, pruned each time, as a timer does it. */
static void a_schedule_that_runs_for_a_year(void **state)
{
        int64_t times[512];
        bool keep[512];
        size_t n = 0;
        KeepRule r;

        assert_int_equal(keep_parse("hourly=24,daily=7,weekly=4,monthly=12", &r, NULL), 0);
        for (int64_t t = NOW; t < NOW + 365 * DAY; t += HOUR) {
                times[n++] = t;
                keep_select(&r, times, n, keep);
                size_t left = 0;
                for (size_t i = 0; i < n; i++)
                        if (keep[i])
                                times[left++] = times[i];
                n = left;
                assert_true(n <= 24 + 7 + 4 + 12);
        }
        assert_true(n >= 24 + 5 + 2 + 9);                      /* some are the last of a day, a week and a month at once */
        assert_int_equal(times[0], NOW + 37 * DAY + 8 * HOUR); /* the end of the first of twelve months, 2026-12-31 23:00 */
}

static void rules(void **state)
{
        KeepRule r;
        Error e = {0};

        assert_int_equal(keep_parse("hourly=24,monthly=3", &r, NULL), 0);
        assert_int_equal(r.count[KEEP_HOURLY], 24);
        assert_int_equal(r.count[KEEP_MONTHLY], 3);
        assert_int_equal(r.count[KEEP_DAILY], 0);
        assert_true(keep_parse("hourly", &r, NULL) < 0);
        assert_true(keep_parse("hourly=x", &r, NULL) < 0);
        assert_true(keep_parse("sometimes=3", &r, &e) < 0);
        assert_non_null(strstr(e.message, "'sometimes=3'"));
        assert_true(keep_parse("daily=0", &r, NULL) < 0);
        assert_true(keep_parse("", &r, NULL) < 0);
}

static void names(void **state)
{
        char name[KEEP_NAME_MAX];
        int64_t t = 0;

        assert_string_equal(keep_name(NOW, name), "auto-20261124T150000Z");
        assert_true(keep_time(name, &t));
        assert_int_equal(t, NOW);
        assert_false(keep_time("auto-20261124T150000", &t));
        assert_false(keep_time("auto-20261124T150000Z2", &t));
        assert_false(keep_time("auto-20261124T250000Z", &t));
        assert_false(keep_time("auto-2026112 T150000Z", &t));
        assert_false(keep_time("20261124T150000Z", &t));
        assert_false(keep_time("nightly", &t));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_newest_of_each_period_stays),
                        cmocka_unit_test(order_does_not_matter),
                        cmocka_unit_test(weeks_begin_on_monday_months_and_years_in_the_calendar),
                        cmocka_unit_test(a_schedule_that_runs_for_a_year),
                        cmocka_unit_test(rules),
                        cmocka_unit_test(names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
