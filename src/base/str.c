/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/macro.h"

#define EDIT_MAX 255

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *str_startswith(const char *s, const char *prefix)
{
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

const char *str_endswith(const char *s, const char *suffix)
{
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && strcmp(s + n - m, suffix) == 0 ? s + n - m : NULL;
}

char *str_strip(char *s)
{
        while (is_blank(*s))
                s++;

        size_t n = strlen(s);
        while (n > 0 && is_blank(s[n - 1]))
                n--;
        s[n] = '\0';
        return s;
}

/* Digits from *s on; moves *s behind them. */
static int take_number(const char **s, uint64_t *ret)
{
        const char *p = *s;
        uint64_t v = 0;

        for (; is_digit(*p); p++)
                if (__builtin_mul_overflow(v, 10U, &v) || __builtin_add_overflow(v, (unsigned)(*p - '0'), &v))
                        return -ERANGE;
        if (p == *s)
                return -EINVAL;
        *s = p;
        *ret = v;
        return 0;
}

static int parse_number(const char *s, uint64_t max, uint64_t *ret)
{
        uint64_t v;

        if (!s)
                return -EINVAL;
        int r = take_number(&s, &v);
        if (r < 0)
                return r;
        if (*s)
                return -EINVAL;
        if (v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

int str_parse_u64(const char *s, uint64_t *ret)
{
        return parse_number(s, UINT64_MAX, ret);
}

int str_parse_u32(const char *s, uint32_t *ret)
{
        uint64_t v;
        int r = parse_number(s, UINT32_MAX, &v);

        if (r == 0)
                *ret = (uint32_t)v;
        return r;
}

int str_parse_i32(const char *s, int32_t *ret)
{
        bool negative = s && *s == '-';
        uint64_t v;
        int r = parse_number(s && (*s == '-' || *s == '+') ? s + 1 : s, (uint64_t)INT32_MAX + (negative ? 1 : 0), &v);

        if (r == 0)
                *ret = (int32_t)(negative ? -(int64_t)v : (int64_t)v);
        return r;
}

int str_parse_bool(const char *s)
{
        static const char *const words[][7] = {
                        {"0", "no", "n", "false", "f", "off", NULL},
                        {"1", "yes", "y", "true", "t", "on", NULL},
        };

        for (int value = 0; s && value < 2; value++)
                for (size_t i = 0; words[value][i]; i++)
                        if (strcasecmp(s, words[value][i]) == 0)
                                return value;
        return -EINVAL;
}

/* NUMBER[.FRACTION] with its unit not yet known: the fraction is kept in billionths. */
typedef struct Quantity {
        uint64_t whole, billionths;
} Quantity;

static int take_quantity(const char **s, Quantity *ret)
{
        Quantity q = {};

        if (**s != '.') {
                int r = take_number(s, &q.whole);
                if (r < 0)
                        return r;
        } else if (!is_digit((*s)[1]))
                return -EINVAL;
        if (**s == '.') {
                (*s)++;
                for (uint64_t place = 100000000; is_digit(**s); (*s)++, place /= 10)
                        q.billionths += place * (uint64_t)(**s - '0');
        }
        *ret = q;
        return 0;
}

static int add_quantity(uint64_t *sum, Quantity q, uint64_t unit)
{
        uint64_t v;

        if (__builtin_mul_overflow(q.whole, unit, &v) ||
            __builtin_add_overflow(v, (uint64_t)((long double)q.billionths * (long double)unit / 1e9L), &v) ||
            __builtin_add_overflow(*sum, v, sum))
                return -ERANGE;
        return 0;
}

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

/* The unit whose name is the whole of the word at *s (letters and the bytes of a micro sign); moves *s behind it. */
static const Unit *take_unit(const char **s, const Unit *units)
{
        size_t n = 0;

        while (((*s)[n] | 0x20) >= 'a' && ((*s)[n] | 0x20) <= 'z')
                n++;
        while (n == 0 && ((*s)[n] & 0x80)) /* "µs" */
                do
                        n++;
                while (((*s)[n] & 0x80) || (*s)[n] == 's');
        for (const Unit *u = units; u->name; u++)
                if (strlen(u->name) == n && strncmp(u->name, *s, n) == 0) {
                        *s += n;
                        return u;
                }
        return NULL;
}

/* A sum of quantities with units: "1G 512M", "1min 30s". With `falling` every unit must be smaller than the one before it. */
static int parse_sum(const char *s, const Unit *units, bool falling, uint64_t *ret)
{
        uint64_t sum = 0, last = UINT64_MAX;

        if (!s)
                return -EINVAL;
        s += strspn(s, " \t");
        do {
                Quantity q;
                int r = take_quantity(&s, &q);
                if (r < 0)
                        return r;
                s += strspn(s, " \t");
                const Unit *u = take_unit(&s, units);
                if (!u || (falling && u->factor >= last))
                        return -EINVAL;
                last = u->factor;
                r = add_quantity(&sum, q, u->factor);
                if (r < 0)
                        return r;
                s += strspn(s, " \t");
        } while (*s);
        *ret = sum;
        return 0;
}

int str_parse_size(const char *s, uint64_t *ret)
{
        static const Unit units[] = {
                        {"", 1},           {"B", 1},          {"K", 1ULL << 10},
                        {"M", 1ULL << 20}, {"G", 1ULL << 30}, {"T", 1ULL << 40},
                        {"P", 1ULL << 50}, {"E", 1ULL << 60}, {},
        };

        return parse_sum(s, units, true, ret);
}

int str_parse_seconds(const char *s, uint64_t *ret_usec)
{
        enum { MS = 1000, S = 1000 * MS };
        static const Unit units[] = {
                        {"", S},
                        {"us", 1},
                        {"usec", 1},
                        {"\u00b5s", 1},
                        {"\u03bcs", 1},
                        {"ms", MS},
                        {"msec", MS},
                        {"s", S},
                        {"sec", S},
                        {"second", S},
                        {"seconds", S},
                        {"m", 60ULL * S},
                        {"min", 60ULL * S},
                        {"minute", 60ULL * S},
                        {"minutes", 60ULL * S},
                        {"h", 3600ULL * S},
                        {"hr", 3600ULL * S},
                        {"hour", 3600ULL * S},
                        {"hours", 3600ULL * S},
                        {"d", 86400ULL * S},
                        {"day", 86400ULL * S},
                        {"days", 86400ULL * S},
                        {"w", 604800ULL * S},
                        {"week", 604800ULL * S},
                        {"weeks", 604800ULL * S},
                        {"M", 2629800ULL * S},
                        {"month", 2629800ULL * S},
                        {"months", 2629800ULL * S},
                        {"y", 31557600ULL * S},
                        {"year", 31557600ULL * S},
                        {"years", 31557600ULL * S},
                        {},
        };

        if (str_eq(s, "infinity")) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }
        return parse_sum(s, units, false, ret_usec);
}

bool str_is_hex(const char *s, size_t digits)
{
        size_t n = s ? strspn(s, "0123456789abcdefABCDEF") : 0;

        return s && n == digits && s[n] == '\0';
}

size_t str_utf8_decode(const char *s, uint32_t *ret)
{
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        const unsigned char *p = (const unsigned char *)s;
        size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf8 ? 0 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;

        if (n == 0 || p[0] == 0)
                return 0;
        uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        *ret = c;
        return n;
}

static bool is_zero_width(uint32_t c)
{
        static const struct {
                uint32_t first, last;
        } ranges[] = {
                        {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
                        {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x20d0, 0x20ff},
                        {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
        };

        for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
                if (c >= ranges[i].first && c <= ranges[i].last)
                        return true;
        return false;
}

size_t str_utf8_columns(const char *s)
{
        size_t columns = 0;

        while (*s) {
                uint32_t c = 0xfffd;
                size_t n = str_utf8_decode(s, &c);
                if (!is_zero_width(c))
                        columns++;
                s += n ? n : 1; /* each byte that is not UTF-8 takes a replacement character's column */
        }
        return columns;
}

char *str_format_bytes(char *buf, size_t size, uint64_t bytes)
{
        static const char suffixes[] = "KMGTPE";
        unsigned shift = 0;

        while (shift < 60 && bytes >> shift >= 1024)
                shift += 10;
        if (shift == 0) {
                snprintf(buf, size, "%lluB", (unsigned long long)bytes);
                return buf;
        }

        uint64_t unit = 1ULL << shift;
        unsigned long long whole = bytes >> shift, tenth = (bytes & (unit - 1)) / (unit / 10);
        if (tenth > 9) /* unit / 10 is rounded down */
                tenth = 9;
        if (tenth)
                snprintf(buf, size, "%llu.%llu%c", whole, tenth, suffixes[shift / 10 - 1]);
        else
                snprintf(buf, size, "%llu%c", whole, suffixes[shift / 10 - 1]);
        return buf;
}

/* The two largest units that are not zero-sized say enough: "2d 3h", "3min 2s", "350ms". */
char *str_format_duration(char *buf, size_t size, uint64_t usec)
{
        static const Unit units[] = {
                        {"d", 86400 * USEC_PER_SEC},
                        {"h", 3600 * USEC_PER_SEC},
                        {"min", 60 * USEC_PER_SEC},
                        {"s", USEC_PER_SEC},
                        {"ms", 1000},
                        {"us", 1},
        };
        size_t i = 0;

        if (usec == USEC_INFINITY || usec == 0) {
                snprintf(buf, size, "%s", usec ? "infinity" : "0");
                return buf;
        }
        while (usec < units[i].factor)
                i++;

        unsigned long long first = usec / units[i].factor;
        unsigned long long second = i < 3 ? usec % units[i].factor / units[i + 1].factor : 0;
        if (second)
                snprintf(buf, size, "%llu%s %llu%s", first, units[i].name, second, units[i + 1].name);
        else
                snprintf(buf, size, "%llu%s", first, units[i].name);
        return buf;
}

char *str_format_time(char *buf, size_t size, uint64_t realtime_usec)
{
        time_t t = (time_t)(realtime_usec / USEC_PER_SEC);
        struct tm tm;

        if (realtime_usec == USEC_INFINITY || !localtime_r(&t, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                snprintf(buf, size, "-");
        return buf;
}

size_t str_edit_distance(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b), row[EDIT_MAX + 1];

        if (n > EDIT_MAX || m > EDIT_MAX)
                return SIZE_MAX;
        for (size_t j = 0; j <= m; j++)
                row[j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t diagonal = row[0];
                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        size_t replace = diagonal + (a[i - 1] != b[j - 1]);
                        diagonal = row[j];
                        size_t shift = MIN(row[j], row[j - 1]) + 1;
                        row[j] = MIN(shift, replace);
                }
        }
        return row[m];
}
