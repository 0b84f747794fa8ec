/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "transfer/xpak.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The end of a file: every member that comes out lies inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *file = (const char *)data;
        uint64_t offset;
        size_t len, at = 0;
        XpakMember m;

        if (size < XPAK_TAIL_SIZE || xpak_find_segment(file + size - XPAK_TAIL_SIZE, size, &offset, &len, NULL) < 0)
                return 0;
        while (xpak_next(file + offset, len, &at, &m, NULL) > 0)
                if (m.data < file + offset || m.data + m.len > file + offset + len || m.name + m.name_len > file + offset + len)
                        __builtin_trap();
        return 0;
}
