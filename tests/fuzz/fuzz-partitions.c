/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a disk image: the reader must not crash, must end, must ask only for what is there, and whatever it hands out must lie on
 * the disk. The probe for file systems reads the same bytes. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "store/partition-type.h"
#include "store/partitions.h"
#include "sys/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Partitions p;
        unsigned steps = 0;
        PartitionsEvent ev = partitions_begin(&p, size);

        for (; ev == PARTITIONS_WANT; ev = partitions_step(&p, data + p.offset, p.length))
                if (++steps > 8 || p.offset > size || p.length > size - p.offset || p.length > PARTITIONS_ENTRIES_MAX)
                        abort();
        if (ev == PARTITIONS_BROKEN && !p.problem)
                abort();
        for (size_t i = 0; ev == PARTITIONS_DONE && i < p.n; i++) {
                const Partition *part = &p.items[i];
                if (part->size == 0 || part->offset > size || part->size > size - part->offset)
                        abort();
                if (strlen(part->label) >= sizeof(part->label) || (p.kind == PARTITIONS_GPT && strlen(part->type) != 36))
                        abort();
                (void)partition_type(part->type);
        }
        partitions_done(&p);
        Superblock s = superblock_probe(data, MIN(size, (size_t)SUPERBLOCK_BYTES));
        if ((s.kind == SUPERBLOCK_NONE) != (s.name == NULL))
                abort();
        return 0;
}
