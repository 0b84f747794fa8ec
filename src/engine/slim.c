/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/slim.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/heap.h"
#include "engine/raw-syscall.h"

#define RANGES_MAX 64

/* Listed first and dropped in one go: what runs in between would come back, and each page brings 15 others along (fault-around). */
typedef struct Ranges {
        struct {
                void *begin;
                size_t size;
        } items[RANGES_MAX];
        size_t n;
} Ranges;

static int list_object(struct dl_phdr_info *info, size_t size, void *data)
{
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        Ranges *ranges = data;

        for (size_t i = 0; i < info->dlpi_phnum && ranges->n < RANGES_MAX; i++) {
                const ElfW(Phdr) *h = &info->dlpi_phdr[i];
                /* What was ever writable holds relocated pointers, which the file does not have. */
                if (h->p_type != PT_LOAD || (h->p_flags & PF_W))
                        continue;
                uintptr_t begin = (info->dlpi_addr + h->p_vaddr + page - 1) & ~(page - 1);
                uintptr_t end = (info->dlpi_addr + h->p_vaddr + h->p_memsz) & ~(page - 1);
                if (begin >= end)
                        continue;
                ranges->items[ranges->n].begin = (void *)begin;
                ranges->items[ranges->n++].size = end - begin;
        }
        return 0;
}

/* What deeper calls left below this frame. The gap that the kernel keeps below a stack (stack_guard_gap, 1 MiB) holds nothing else. */
static void drop_stack(void)
{
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        const uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);

        (void)madvise((void *)(here - 64 * page), 63 * page, MADV_DONTNEED); /* ENOMEM for the part that is not mapped */
}

void slim_down(void)
{
        Ranges ranges = {.n = 0};

#ifdef BERTH_HEAP
        heap_trim();
#elif defined(__GLIBC__)
        (void)malloc_trim(0);
#endif
        (void)dl_iterate_phdr(list_object, &ranges);
        drop_stack();
        for (size_t i = 0; i < ranges.n; i++)
                (void)raw_syscall(SYS_madvise, (long)ranges.items[i].begin, (long)ranges.items[i].size, MADV_DONTNEED, 0, 0,
                                  0); /* advice */
}
