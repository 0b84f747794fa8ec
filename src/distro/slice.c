/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/slice.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

bool slice_eq(Slice a, Slice b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool slice_eq_str(Slice a, const char *b)
{
        return slice_eq(a, (Slice){b, strlen(b)});
}

bool slice_caseeq(Slice a, Slice b)
{
        return a.n == b.n && (a.n == 0 || strncasecmp(a.s, b.s, a.n) == 0);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Slice slice_strip(Slice a)
{
        while (a.n > 0 && is_blank(a.s[0])) {
                a.s++;
                a.n--;
        }
        while (a.n > 0 && is_blank(a.s[a.n - 1]))
                a.n--;
        return a;
}

char *slice_dup(Slice a)
{
        return a.s ? xstrndup(a.s, a.n) : NULL;
}

static void advance(Slice *rest, size_t n)
{
        if (n == 0) /* nothing of a missing value: no arithmetic on NULL */
                return;
        rest->s += n;
        rest->n -= n;
}

bool slice_word(Slice *rest, char extra, Slice *ret)
{
        while (rest->n > 0 && (is_blank(rest->s[0]) || (extra && rest->s[0] == extra)))
                advance(rest, 1);
        size_t n = 0;
        while (n < rest->n && !is_blank(rest->s[n]) && !(extra && rest->s[n] == extra))
                n++;
        *ret = (Slice){rest->s, n};
        advance(rest, n);
        return n > 0;
}

bool slice_until(Slice *rest, char separator, Slice *ret)
{
        if (rest->n == 0)
                return false;
        const char *end = memchr(rest->s, separator, rest->n);
        size_t n = end ? (size_t)(end - rest->s) : rest->n;
        *ret = slice_strip((Slice){rest->s, n});
        advance(rest, end ? n + 1 : n);
        return true;
}

bool slice_line(Slice *rest, Slice *ret)
{
        if (rest->n == 0)
                return false;
        const char *end = memchr(rest->s, '\n', rest->n);
        size_t n = end ? (size_t)(end - rest->s) : rest->n;
        *ret = (Slice){rest->s, n};
        advance(rest, end ? n + 1 : n);
        return true;
}
