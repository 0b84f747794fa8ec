/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)

static int64_t hour_of(int64_t t)
{
        return t / HOUR;
}

static int64_t day_of(int64_t t)
{
        return t / DAY;
}

static int64_t week_of(int64_t t)
{
        return (t / DAY + 3) / 7; /* the epoch was a Thursday */
}

static struct tm calendar(int64_t t)
{
        time_t seconds = (time_t)t;
        struct tm tm = {0};

        (void)gmtime_r(&seconds, &tm);
        return tm;
}

static int64_t month_of(int64_t t)
{
        struct tm tm = calendar(t);

        return tm.tm_year * 12 + tm.tm_mon;
}

static int64_t year_of(int64_t t)
{
        return calendar(t).tm_year;
}

static const struct {
        const char *name;
        int64_t (*of)(int64_t t);
} periods[_KEEP_MAX] = {
                [KEEP_HOURLY] = {"hourly", hour_of},    [KEEP_DAILY] = {"daily", day_of},    [KEEP_WEEKLY] = {"weekly", week_of},
                [KEEP_MONTHLY] = {"monthly", month_of}, [KEEP_YEARLY] = {"yearly", year_of},
};

static int parse_one(const char *word, KeepRule *ret)
{
        for (size_t i = 0; i < _KEEP_MAX; i++) {
                const char *value = str_startswith(word, periods[i].name);
                if (value && *value == '=')
                        return str_parse_u32(value + 1, &ret->count[i]);
        }
        return -EINVAL;
}

int keep_parse(const char *text, KeepRule *ret, Error *e)
{
        _cleanup_strv_ char **words = strv_split(text, ",");
        uint64_t sum = 0;

        *ret = (KeepRule){0};
        STRV_FOREACH (word, words)
                if (parse_one(*word, ret) < 0)
                        return error_set(e, -EINVAL,
                                         "'%s' is no value for --keep: hourly=N, daily=N, weekly=N, monthly=N, yearly=N, with "
                                         "commas between",
                                         *word);
        for (size_t i = 0; i < _KEEP_MAX; i++)
                sum += ret->count[i];
        return sum > 0 ? 0 : error_set(e, -EINVAL, "--keep=%s would keep nothing", text);
}

typedef struct Moment {
        int64_t time;
        size_t index;
} Moment;

static int newest_first(const void *a, const void *b)
{
        const Moment *x = a, *y = b;

        return x->time != y->time ? (x->time < y->time ? 1 : -1) : (x->index < y->index) - (x->index > y->index);
}

void keep_select(const KeepRule *rule, const int64_t *times, size_t n, bool *ret_keep)
{
        _cleanup_free_ Moment *v = xnew(Moment, n + 1);

        for (size_t i = 0; i < n; i++) {
                v[i] = (Moment){times[i], i};
                ret_keep[i] = false;
        }
        if (n > 1)
                qsort(v, n, sizeof(*v), newest_first);
        if (n > 0)
                ret_keep[v[0].index] = true;
        for (size_t p = 0; p < _KEEP_MAX; p++) {
                int64_t last = 0;
                uint32_t kept = 0;
                for (size_t i = 0; i < n && kept < rule->count[p]; i++) {
                        int64_t period = periods[p].of(v[i].time);
                        if (kept > 0 && period == last)
                                continue;
                        ret_keep[v[i].index] = true;
                        last = period;
                        kept++;
                }
        }
}

char *keep_name(int64_t time, char ret[static KEEP_NAME_MAX])
{
        struct tm tm = calendar(time);

        (void)strftime(ret, KEEP_NAME_MAX, KEEP_PREFIX "%Y%m%dT%H%M%SZ", &tm);
        return ret;
}

bool keep_time(const char *name, int64_t *ret)
{
        struct tm tm = {0};
        char again[KEEP_NAME_MAX];
        const char *text = str_startswith(name, KEEP_PREFIX), *end = text ? strptime(text, "%Y%m%dT%H%M%SZ", &tm) : NULL;

        if (!end || *end)
                return false;
        *ret = timegm(&tm);
        return str_eq(keep_name(*ret, again), name); /* as written by us: no blanks, no 25th hour */
}
