/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "transfer/gpkg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A whole file: every member lies inside; its end is reached. The same bytes as a Manifest, too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        GpkgEntry entries[GPKG_MEMBERS_MAX];
        GpkgScan s;
        unsigned n;

        gpkg_scan_init(&s, size);
        while (!s.done) {
                size_t left = s.pos < size ? size - s.pos : 0;
                if (gpkg_scan_give(&s, left ? (const char *)data + s.pos : "", left < GPKG_BLOCK ? left : GPKG_BLOCK, NULL) < 0)
                        break;
        }
        for (unsigned i = 0; i < s.n; i++)
                if (s.members[i].offset > size || s.members[i].size > size - s.members[i].offset ||
                    strchr(s.members[i].name, '/'))
                        __builtin_trap();
        (void)gpkg_manifest_parse((const char *)data, size, entries, &n, NULL);
        return 0;
}
