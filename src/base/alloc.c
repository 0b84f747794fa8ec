/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *must(void *p)
{
        if (!p)
                abort();
        return p;
}

void *xmalloc(size_t size)
{
        return must(malloc(size ? size : 1));
}

void *xcalloc(size_t n, size_t size)
{
        return must(calloc(n ? n : 1, size ? size : 1));
}

void *xreallocarray(void *p, size_t n, size_t size)
{
        return must(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
        return s ? must(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
        return s ? must(strndup(s, n)) : NULL;
}

char *xvasprintf(const char *fmt, va_list ap)
{
        char *s = NULL;

        if (vasprintf(&s, fmt, ap) < 0)
                abort();
        return s;
}

char *xasprintf(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        char *s = xvasprintf(fmt, ap);
        va_end(ap);
        return s;
}

/* The capacity is not stored: it is the next power of two from 4. realloc(3) is asked every time, which is cheap while the block
 * stays, so an array that something else allocated to size can be pushed to as well. */
void *vec_grow(void *items, size_t n, size_t size)
{
        size_t cap = 4;

        while (cap <= n) {
                if (cap > SIZE_MAX / 2)
                        abort();
                cap *= 2;
        }
        items = xreallocarray(items, cap, size);
        memset((char *)items + n * size, 0, size);
        return items;
}
