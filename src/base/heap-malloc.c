/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of the C library by which heap.c takes its place; all of them, as musl asks of whoever brings a malloc(3). */

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/heap.h"

void *malloc(size_t size)
{
        return heap_alloc(size);
}

void *calloc(size_t n, size_t size)
{
        size_t all;

        if (__builtin_mul_overflow(n, size, &all)) {
                errno = ENOMEM;
                return NULL;
        }
        return heap_zalloc(all);
}

void *realloc(void *p, size_t size)
{
        return heap_realloc(p, size);
}

void free(void *p)
{
        heap_free(p);
}

size_t malloc_usable_size(void *p)
{
        return p ? heap_size(p) : 0;
}

/* Nothing in berth or musl wants more than malloc(3) gives. */
void *aligned_alloc(size_t alignment, size_t size)
{
        if (alignment > sizeof(max_align_t)) {
                errno = ENOMEM;
                return NULL;
        }
        return heap_alloc(size);
}
