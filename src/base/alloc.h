/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory policy: small allocations of bounded size abort when memory is gone. Whatever is sized by outside data (downloads,
 * indexes, JSON) is allocated with plain malloc or a limited reader (base/file.h) that returns -ENOMEM or -E2BIG. */

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macro.h"

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) _printf_(1, 2);
char *xvasprintf(const char *fmt, va_list ap) _printf_(1, 0);

#define xnew(T, n) ((T *)xcalloc((n), sizeof(T))) /* zeroed */

static inline void freep(void *p)
{
        free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

/* Makes room for one more in a { T *items; size_t n; } pair with doubling; returns the zeroed new slot and counts it. */
#define vec_push(v)                                                             \
        ({                                                                      \
                (v)->items = vec_grow((v)->items, (v)->n, sizeof(*(v)->items)); \
                &(v)->items[(v)->n++];                                          \
        })
void *vec_grow(void *items, size_t n, size_t size);
