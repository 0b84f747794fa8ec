/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb822.h"

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

/* The next line without its newline. */
static bool next_line(Slice *rest, Slice *ret)
{
        if (rest->n == 0)
                return false;
        const char *end = memchr(rest->s, '\n', rest->n);
        size_t n = end ? (size_t)(end - rest->s) : rest->n;
        *ret = (Slice){rest->s, n};
        advance(rest, end ? n + 1 : n);
        return true;
}

bool deb822_next_stanza(Slice *rest, Slice *ret)
{
        Slice line;

        do {
                if (rest->n == 0)
                        return false;
                *ret = *rest;
                next_line(rest, &line);
        } while (slice_strip(line).n == 0);

        do {
                ret->n = (size_t)(line.s + line.n - ret->s);
        } while (next_line(rest, &line) && slice_strip(line).n > 0);
        return true;
}

static bool is_continuation(Slice rest)
{
        return rest.n > 0 && (rest.s[0] == ' ' || rest.s[0] == '\t');
}

bool deb822_next_field(Slice *rest, Slice *ret_name, Slice *ret_value)
{
        Slice line;

        while (next_line(rest, &line)) {
                const char *colon = line.n > 0 && line.s[0] != '#' ? memchr(line.s, ':', line.n) : NULL;
                if (!colon || colon == line.s || is_continuation(line))
                        continue;
                *ret_name = (Slice){line.s, (size_t)(colon - line.s)};
                const char *end = line.s + line.n;
                while (is_continuation(*rest)) {
                        next_line(rest, &line);
                        end = line.s + line.n;
                }
                *ret_value = slice_strip((Slice){colon + 1, (size_t)(end - colon - 1)});
                return true;
        }
        return false;
}

Slice deb822_get(Slice stanza, const char *name)
{
        Slice n, v, want = {name, strlen(name)};

        while (deb822_next_field(&stanza, &n, &v))
                if (slice_caseeq(n, want))
                        return v;
        return (Slice){NULL, 0};
}

bool deb822_get_bool(Slice stanza, const char *name)
{
        return slice_caseeq(deb822_get(stanza, name), SLICE("yes"));
}
