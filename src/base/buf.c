/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static void buf_reserve(Buf *b, size_t more)
{
        if (more >= SIZE_MAX / 2 - b->len)
                abort();

        size_t need = b->len + more + 1;
        if (need <= b->cap)
                return;

        size_t cap = MAX(b->cap * 2, (size_t)64);
        if (cap < need)
                cap = need;
        b->data = xreallocarray(b->data, cap, 1);
        b->cap = cap;
}

void buf_append(Buf *b, const void *data, size_t len)
{
        buf_reserve(b, len);
        if (len)
                memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = '\0';
}

void buf_adds(Buf *b, const char *s)
{
        buf_append(b, s, strlen(s));
}

void buf_addf(Buf *b, const char *fmt, ...)
{
        va_list ap, again;

        va_start(ap, fmt);
        va_copy(again, ap);
        int n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0)
                abort();

        buf_reserve(b, (size_t)n);
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again); /* cannot fail: it was just measured */
        va_end(again);
        b->len += (size_t)n;
}

char *buf_take(Buf *b)
{
        char *s = b->data ? b->data : xstrdup("");

        *b = (Buf){};
        return s;
}

void buf_done(Buf *b)
{
        free(b->data);
        *b = (Buf){};
}
