/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>

#include "transfer/qcow2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header, and what follows as entries of its tables: nothing that comes out is larger than what it stands for. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Qcow2Cluster c;
        uint64_t offset;
        Qcow2 q;

        if (qcow2_parse_header(data, size, &q, NULL) < 0)
                return 0;
        if (q.cluster_bits > QCOW2_CLUSTER_BITS || q.l1_entries > QCOW2_L1_MAX || q.size > QCOW2_SIZE_MAX)
                __builtin_trap();
        for (size_t at = 72; at + 8 <= size; at += 8) {
                (void)qcow2_l2_offset(&q, data + at, &offset, NULL);
                if (qcow2_cluster(&q, data + at, &c, NULL) >= 0 && c.length > (size_t)2 << q.cluster_bits)
                        __builtin_trap();
        }
        return 0;
}
