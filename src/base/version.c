/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>

#include "base/macro.h"
#include "base/str.h"

static int sign(long a, long b)
{
        return (a > b) - (a < b);
}

static bool is_separator(char c)
{
        return c && strchr("~-^.", c);
}

static const char *skip_others(const char *s)
{
        while (*s && !isalnum((unsigned char)*s) && !is_separator(*s))
                s++;
        return s;
}

static size_t span(const char *s, int (*class)(int))
{
        size_t n = 0;

        while (class((unsigned char)s[n]))
                n++;
        return n;
}

/* A run of digits, or of letters, in front of both; a text that has none is older than a number. */
static int compare_run(const char **a, const char **b)
{
        bool number = isdigit((unsigned char)**a) || isdigit((unsigned char)**b);
        size_t n = span(*a, number ? isdigit : isalpha), m = span(*b, number ? isdigit : isalpha);
        const char *x = *a, *y = *b;

        *a += n;
        *b += m;
        if (!number) {
                int r = strncmp(x, y, MIN(n, m));
                return r ? r : sign((long)n, (long)m);
        }
        if (n == 0 || m == 0)
                return sign(n > 0, m > 0);
        for (; n > 0 && *x == '0'; n--)
                x++;
        for (; m > 0 && *y == '0'; m--)
                y++;
        return n != m ? sign((long)n, (long)m) : strncmp(x, y, n);
}

/* Whoever has the separator is older. */
static int compare_separator(const char **a, const char **b, char c)
{
        int r = sign(**a != c, **b != c);

        if (r == 0 && **a == c) {
                (*a)++;
                (*b)++;
        }
        return r;
}

int str_compare_versions(const char *a, const char *b)
{
        for (;;) {
                a = skip_others(a);
                b = skip_others(b);
                int r = compare_separator(&a, &b, '~');
                if (r != 0 || (!*a && !*b))
                        return r;
                if (!*a || !*b)
                        return *a ? 1 : -1;
                for (const char *c = "-^."; r == 0 && *c; c++)
                        r = compare_separator(&a, &b, *c);
                if (r == 0)
                        r = compare_run(&a, &b);
                if (r != 0)
                        return r;
        }
}
