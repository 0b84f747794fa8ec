/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/slim.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static int drop_object(struct dl_phdr_info *info, size_t size, void *data)
{
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

        for (size_t i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *h = &info->dlpi_phdr[i];
                /* What was ever writable holds relocated pointers, which the file does not have. */
                if (h->p_type != PT_LOAD || (h->p_flags & PF_W))
                        continue;
                uintptr_t begin = (info->dlpi_addr + h->p_vaddr + page - 1) & ~(page - 1);
                uintptr_t end = (info->dlpi_addr + h->p_vaddr + h->p_memsz) & ~(page - 1);
                if (begin < end)
                        (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* advice */
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
#ifdef __GLIBC__
        (void)malloc_trim(0);
#endif
        (void)dl_iterate_phdr(drop_object, NULL);
        drop_stack();
}
