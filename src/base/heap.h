/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The heap of the berth program where it is built for musl (heap-malloc.c). A start makes a few hundred small allocations and frees most of
 * them only when it ends. musl maps pages for each burst of them and takes those away at once, which in page faults is a tenth of a start;
 * here they lie side by side in what the program has from its beginning. For one thread, which berth has. */

#include <stddef.h>

void *heap_alloc(size_t size);  /* aligned as by malloc(3); NULL: ENOMEM */
void *heap_zalloc(size_t size); /* zeroed */
void *heap_realloc(void *p, size_t size);
void heap_free(void *p);
size_t heap_size(const void *p); /* what the caller may use of it, at least what it asked for */
void heap_trim(void);            /* gives pages back that nothing lies on */
