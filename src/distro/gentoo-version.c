/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-version.h"

#include <string.h>

#include "base/macro.h"

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
        return c >= 'a' && c <= 'z';
}

static bool is_alnum(char c)
{
        return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

static void skip(Slice *s, size_t n)
{
        s->s += n;
        s->n -= n;
}

static Slice take_digits(Slice *s)
{
        size_t n = 0;
        while (n < s->n && is_digit(s->s[n]))
                n++;
        Slice r = {s->s, n};
        skip(s, n);
        return r;
}

/* ---- the parts of a version, taken off its front one by one ---- */

/* "2" of "2.3a_p1", then "3" of ".3a_p1". */
static bool take_component(Slice *s, bool first, Slice *ret)
{
        Slice rest = *s;

        if (!first) {
                if (rest.n == 0 || rest.s[0] != '.')
                        return false;
                skip(&rest, 1);
        }
        *ret = take_digits(&rest);
        if (ret->n == 0)
                return false;
        *s = rest;
        return true;
}

static char take_letter(Slice *s)
{
        if (s->n == 0 || !is_lower(s->s[0]))
                return 0;
        char c = s->s[0];
        skip(s, 1);
        return c;
}

/* The order of suffixes. One that is missing is "_p" without even a number: lower than _p and higher than _rc. */
static const struct {
        const char *name;
        int rank;
} suffixes[] = {{"_alpha", -4}, {"_beta", -3}, {"_pre", -2}, {"_rc", -1}, {"_p", 0}};

static bool take_suffix(Slice *s, int *ret_rank, Slice *ret_number)
{
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                size_t n = strlen(suffixes[i].name);
                if (s->n < n || memcmp(s->s, suffixes[i].name, n) != 0 || (s->n > n && is_lower(s->s[n])))
                        continue;
                skip(s, n);
                *ret_rank = suffixes[i].rank;
                *ret_number = take_digits(s);
                return true;
        }
        return false;
}

static bool take_revision(Slice *s, Slice *ret)
{
        Slice rest = *s;

        if (rest.n < 3 || rest.s[0] != '-' || rest.s[1] != 'r')
                return false;
        skip(&rest, 2);
        *ret = take_digits(&rest);
        if (ret->n == 0)
                return false;
        *s = rest;
        return true;
}

static void skip_main(Slice *s)
{
        Slice part;
        int rank;

        for (bool first = true; take_component(s, first, &part); first = false)
                ;
        (void)take_letter(s);
        while (take_suffix(s, &rank, &part))
                ;
}

bool gentoo_version_is_valid(Slice v)
{
        Slice revision;

        if (v.n == 0 || !is_digit(v.s[0]))
                return false;
        skip_main(&v);
        (void)take_revision(&v, &revision);
        return v.n == 0;
}

Slice gentoo_version_without_revision(Slice v)
{
        Slice rest = v;
        skip_main(&rest);
        return (Slice){v.s, v.n - rest.n};
}

Slice gentoo_version_revision(Slice v)
{
        Slice r = {"", 0};
        skip_main(&v);
        (void)take_revision(&v, &r);
        return r;
}

/* ---- order ---- */

static int sign(int d)
{
        return (d > 0) - (d < 0);
}

static int compare_numbers(Slice a, Slice b)
{
        while (a.n > 0 && a.s[0] == '0')
                skip(&a, 1);
        while (b.n > 0 && b.s[0] == '0')
                skip(&b, 1);
        if (a.n != b.n)
                return a.n < b.n ? -1 : 1;
        return a.n ? sign(memcmp(a.s, b.s, a.n)) : 0;
}

/* As digits behind a decimal point. */
static int compare_fractions(Slice a, Slice b)
{
        while (a.n > 0 && a.s[a.n - 1] == '0')
                a.n--;
        while (b.n > 0 && b.s[b.n - 1] == '0')
                b.n--;
        int d = sign(memcmp(a.s, b.s, MIN(a.n, b.n)));
        return d ?: (a.n > b.n) - (a.n < b.n);
}

/* All components, where a missing one is lower than 0. */
static int compare_components(Slice *a, Slice *b)
{
        int d = 0;

        for (bool first = true;; first = false) {
                Slice x, y;
                bool has_x = take_component(a, first, &x), has_y = take_component(b, first, &y);
                if (!has_x && !has_y)
                        return d;
                if (d != 0) /* decided; the rest is only passed over */
                        continue;
                if (!has_x || !has_y)
                        d = has_x ? 1 : -1;
                else if (!first && (x.s[0] == '0' || y.s[0] == '0'))
                        d = compare_fractions(x, y);
                else
                        d = compare_numbers(x, y);
        }
}

static int compare_suffixes(Slice *a, Slice *b)
{
        for (;;) {
                int x = 0, y = 0;
                Slice n = {"", 0}, m = {"", 0};
                bool has_x = take_suffix(a, &x, &n), has_y = take_suffix(b, &y, &m);
                if (!has_x && !has_y)
                        return 0;
                if (x != y)
                        return x < y ? -1 : 1;
                if (has_x != has_y)
                        return has_x ? 1 : -1;
                int d = compare_numbers(n, m);
                if (d != 0)
                        return d;
        }
}

int gentoo_version_compare(Slice a, Slice b)
{
        int d = compare_components(&a, &b);
        if (d != 0)
                return d;
        d = (int)take_letter(&a) - (int)take_letter(&b);
        if (d != 0)
                return d;
        d = compare_suffixes(&a, &b);
        if (d != 0)
                return d;
        Slice x = {"", 0}, y = {"", 0};
        (void)take_revision(&a, &x);
        (void)take_revision(&b, &y);
        return compare_numbers(x, y);
}

/* ---- names ---- */

static bool is_word(Slice s, const char *more, bool underscore_first)
{
        if (s.n == 0 || !(is_alnum(s.s[0]) || (underscore_first && s.s[0] == '_')))
                return false;
        for (size_t i = 1; i < s.n; i++)
                if (!is_alnum(s.s[i]) && (s.s[i] == 0 || !strchr(more, s.s[i])))
                        return false;
        return true;
}

bool gentoo_is_category(Slice s)
{
        return is_word(s, "_+.-", true);
}

bool gentoo_is_slot(Slice s)
{
        return is_word(s, "_+.-", true);
}

bool gentoo_is_repository(Slice s)
{
        return is_word(s, "_-", true);
}

bool gentoo_is_flag(Slice s)
{
        return is_word(s, "_+@-", false);
}

/* The last hyphen that begins a version, before a revision. */
static bool find_version(Slice pf, size_t *ret)
{
        size_t end = pf.n;
        for (int round = 0; round < 2; round++) { /* "1.2-r3" has a hyphen of its own */
                const char *dash = memrchr(pf.s, '-', end);
                if (!dash)
                        return false;
                size_t at = (size_t)(dash - pf.s);
                if (gentoo_version_is_valid((Slice){dash + 1, pf.n - at - 1})) {
                        *ret = at;
                        return true;
                }
                end = at;
        }
        return false;
}

bool gentoo_is_name(Slice s)
{
        size_t at;
        return is_word(s, "_+-", true) && !find_version(s, &at);
}

bool gentoo_split_pf(Slice pf, Slice *ret_name, Slice *ret_version)
{
        size_t at;

        if (!find_version(pf, &at))
                return false;
        *ret_name = (Slice){pf.s, at};
        *ret_version = (Slice){pf.s + at + 1, pf.n - at - 1};
        return gentoo_is_name(*ret_name);
}
