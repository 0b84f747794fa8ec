/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macro.h"

#define UNIT      16U /* of sizes and alignment */
#define FIRST     (256U * 1024)
#define MORE      (1024U * 1024)
#define LARGE     (128U * 1024) /* what is larger is a mapping of its own */
#define N_EXACT   64U           /* free lists for one size each: 16, 32, … 1024 */
#define N_DOUBLED 7U            /* and for 2 KiB, 4 KiB, … LARGE */

typedef struct Block { /* right before what the caller has */
        size_t size;   /* that the caller may use */
        struct Block *next;
} Block;
static_assert(sizeof(Block) <= UNIT, "what follows a block is aligned");

/* What there is of the heap, as the break is to brk(2). */
static _Alignas(UNIT) char first[FIRST]; /* costs nothing before it is touched */
static char *top = first;                /* nothing is in use from here */
static char *dirty = first;              /* zero from here */
static char *end = first + FIRST;
static Block *free_lists[N_EXACT + N_DOUBLED];

static size_t list_of(size_t size)
{
        if (size <= N_EXACT * UNIT)
                return size == 0 ? 0 : (size - 1) / UNIT;
        size_t list = N_EXACT;
        for (size_t doubled = (size_t)N_EXACT * UNIT * 2; doubled < size; doubled *= 2)
                list++;
        return list;
}

static size_t size_of_list(size_t list)
{
        return list < N_EXACT ? (list + 1) * UNIT : ((size_t)N_EXACT * UNIT * 2) << (list - N_EXACT);
}

static Block *block_of(const void *p)
{
        return (Block *)((uintptr_t)p - UNIT);
}

static void *content(Block *b)
{
        return (char *)b + UNIT;
}

static bool is_last(Block *b)
{
        return (char *)content(b) + b->size == top;
}

static void *map_large(size_t size)
{
        void *p = size > PTRDIFF_MAX - UNIT ? MAP_FAILED
                                            : mmap(NULL, size + UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
                errno = ENOMEM;
                return NULL;
        }
        *(Block *)p = (Block){.size = size};
        return content(p);
}

static bool have_room(size_t size)
{
        if ((size_t)(end - top) >= size)
                return true;
        void *p = mmap(NULL, MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) {
                errno = ENOMEM;
                return false;
        }
        top = dirty = p; /* what was left of the last piece is lost, or the pieces would need a list */
        end = top + MORE;
        return true;
}

/* Moves the top up to the end of the block, and says how much of the content is not zero. */
static size_t extend(Block *b, size_t size)
{
        char *from = content(b);
        size_t used = dirty > from ? MIN((size_t)(dirty - from), size) : 0;

        b->size = size;
        top = from + size;
        dirty = MAX(dirty, top);
        return used;
}

static void *take(size_t list, bool zero)
{
        Block *b = free_lists[list];
        size_t used = size_of_list(list);

        if (b)
                free_lists[list] = b->next;
        else {
                if (!have_room(UNIT + used))
                        return NULL;
                b = (Block *)(void *)top;
                used = extend(b, used);
        }
        if (zero)
                memset(content(b), 0, used);
        return content(b);
}

void *heap_alloc(size_t size)
{
        return size > LARGE ? map_large(size) : take(list_of(size), false);
}

void *heap_zalloc(size_t size)
{
        return size > LARGE ? map_large(size) : take(list_of(size), true);
}

size_t heap_size(const void *p)
{
        return block_of(p)->size;
}

void heap_free(void *p)
{
        if (!p)
                return;
        Block *b = block_of(p);
        if (b->size > LARGE) {
                int saved = errno; /* free(3) leaves it alone */
                (void)munmap(b, UNIT + b->size);
                errno = saved;
        } else if (is_last(b))
                top = (char *)b;
        else {
                size_t list = list_of(b->size);
                b->next = free_lists[list];
                free_lists[list] = b;
        }
}

void *heap_realloc(void *p, size_t size)
{
        if (!p)
                return heap_alloc(size);
        Block *b = block_of(p);
        if (size <= b->size && (size > LARGE || b->size <= LARGE))
                return p;
        if (size <= LARGE && is_last(b)) {
                const size_t grown = size_of_list(list_of(size));
                if ((size_t)(end - (char *)p) >= grown) {
                        (void)extend(b, grown);
                        return p;
                }
        }
        void *moved = heap_alloc(size);
        if (!moved)
                return NULL;
        memcpy(moved, p, MIN(b->size, size));
        heap_free(p);
        return moved;
}

void heap_trim(void)
{
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        char *from = top + (-(uintptr_t)top & (page - 1));

        if (from < dirty && madvise(from, (size_t)(dirty - from), MADV_DONTNEED) == 0)
                dirty = from;
}
