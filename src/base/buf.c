/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
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
        va_list ap;

        va_start(ap, fmt);
        _cleanup_free_ char *s = xvasprintf(fmt, ap);
        va_end(ap);
        buf_adds(b, s);
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
