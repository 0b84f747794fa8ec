/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A growing byte buffer; data is always NUL-terminated behind len once anything was appended. */

#include <stddef.h>

#include "base/macro.h"

typedef struct Buf {
        char *data;
        size_t len, cap;
} Buf;

void buf_append(Buf *b, const void *data, size_t len);
void buf_adds(Buf *b, const char *s);
void buf_addf(Buf *b, const char *fmt, ...) _printf_(2, 3);
char *buf_take(Buf *b); /* the string (never NULL), to be freed by the caller; empties b */
void buf_done(Buf *b);
#define _cleanup_buf_ _cleanup_(buf_done)
