/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/qcow2.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"

#define CLUSTER_BITS_MIN 9
#define V2_HEADER        72
#define V3_HEADER        104 /* behind it: the kind of compression, when the header is longer */

#define OFFSET_MASK 0x00fffffffffffe00ULL
#define COMPRESSED  (1ULL << 62)
#define ZERO        1ULL
#define SECTOR      512U

/* What a reader must know, bit by bit. */
#define INCOMPATIBLE_DIRTY       (1ULL << 0) /* the counts of references are stale; nobody needs them for reading */
#define INCOMPATIBLE_CORRUPT     (1ULL << 1)
#define INCOMPATIBLE_DATA_FILE   (1ULL << 2)
#define INCOMPATIBLE_COMPRESSION (1ULL << 3)
#define INCOMPATIBLE_SUBCLUSTERS (1ULL << 4)

#define WAY_OUT "make it a raw image with 'qemu-img convert -O raw'"

static uint64_t be(const uint8_t *p, size_t n)
{
        uint64_t v = 0;

        for (size_t i = 0; i < n; i++)
                v = v << 8 | p[i];
        return v;
}

bool qcow2_has_magic(const uint8_t *head, size_t n)
{
        return n >= 4 && memcmp(head, "QFI\xfb", 4) == 0;
}

static int check_features(uint64_t features, Error *e)
{
        static const struct {
                uint64_t bit;
                const char *what;
        } refused[] = {
                        {INCOMPATIBLE_CORRUPT, "is marked as damaged: repair it with 'qemu-img check -r all'"},
                        {INCOMPATIBLE_DATA_FILE, "has its data in another file: " WAY_OUT},
                        {INCOMPATIBLE_SUBCLUSTERS, "has subclusters: " WAY_OUT},
        };

        for (size_t i = 0; i < ELEMENTSOF(refused); i++)
                if (features & refused[i].bit)
                        return error_set(e, -EOPNOTSUPP, "the qcow2 image %s", refused[i].what);
        if (features & ~(INCOMPATIBLE_DIRTY | INCOMPATIBLE_COMPRESSION))
                return error_set(e, -EOPNOTSUPP, "the qcow2 image has features that berth does not know: " WAY_OUT);
        return 0;
}

static int parse_v3(const uint8_t *h, size_t n, Qcow2 *q, Error *e)
{
        if (n < V3_HEADER)
                return error_set(e, -EBADMSG, "the qcow2 image is truncated");
        uint64_t features = be(h + 72, 8), length = be(h + 100, 4);
        int r = check_features(features, e);

        if (r < 0)
                return r;
        if (length < V3_HEADER)
                return error_set(e, -EBADMSG, "the header of the qcow2 image is damaged");
        uint8_t compression = length > V3_HEADER && n > V3_HEADER ? h[V3_HEADER] : 0;
        if (compression > 1)
                return error_set(e, -EOPNOTSUPP, "the qcow2 image is compressed in a way that berth does not know: " WAY_OUT);
        q->zstd = compression == 1;
        return 0;
}

int qcow2_parse_header(const uint8_t *h, size_t n, Qcow2 *ret, Error *e)
{
        if (!qcow2_has_magic(h, n) || n < V2_HEADER)
                return error_set(e, -EBADMSG, "the qcow2 image is truncated");
        uint64_t version = be(h + 4, 4), bits = be(h + 20, 4), l1_entries = be(h + 36, 4);
        Qcow2 q = {.size = be(h + 24, 8), .l1_offset = be(h + 40, 8), .cluster_bits = (unsigned)bits};

        if (version != 2 && version != 3)
                return error_set(e, -EOPNOTSUPP, "the qcow2 image is of version %llu: " WAY_OUT, (unsigned long long)version);
        if (be(h + 8, 8) != 0)
                return error_set(e, -EOPNOTSUPP,
                                 "the qcow2 image is only what differs from another one (its backing file): " WAY_OUT);
        if (be(h + 32, 4) != 0)
                return error_set(e, -EOPNOTSUPP, "the qcow2 image is encrypted: " WAY_OUT);
        int r = version == 3 ? parse_v3(h, n, &q, e) : 0;
        if (r < 0)
                return r;
        if (bits < CLUSTER_BITS_MIN || bits > QCOW2_CLUSTER_BITS || q.size == 0)
                return error_set(e, -EBADMSG, "the header of the qcow2 image is damaged");
        if (q.size > QCOW2_SIZE_MAX)
                return error_set(e, -E2BIG, "the qcow2 image says that its disk has %llu bytes; at most 64 TiB are taken",
                                 (unsigned long long)q.size);
        unsigned shift = q.cluster_bits + q.cluster_bits - 3; /* what one L2 table is for */
        uint64_t wanted = (q.size + (1ULL << shift) - 1) >> shift;
        if (wanted > QCOW2_L1_MAX || wanted > l1_entries || q.l1_offset & ((1ULL << q.cluster_bits) - 1) ||
            q.l1_offset > INT64_MAX)
                return error_set(e, -EBADMSG, "the first table of the qcow2 image is damaged");
        q.l1_entries = (uint32_t)wanted;
        *ret = q;
        return 0;
}

static int check_aligned(const Qcow2 *q, uint64_t offset, Error *e)
{
        if (offset & ((1ULL << q->cluster_bits) - 1))
                return error_set(e, -EBADMSG, "a table of the qcow2 image is damaged: it leads between clusters");
        return 0;
}

int qcow2_l2_offset(const Qcow2 *q, const uint8_t entry[static 8], uint64_t *ret, Error *e)
{
        *ret = be(entry, 8) & OFFSET_MASK;
        return check_aligned(q, *ret, e);
}

int qcow2_cluster(const Qcow2 *q, const uint8_t entry[static 8], Qcow2Cluster *ret, Error *e)
{
        uint64_t v = be(entry, 8);

        *ret = (Qcow2Cluster){.kind = QCOW2_HOLE};
        if (v & COMPRESSED) {
                unsigned bits = 62 - (q->cluster_bits - 8);
                uint64_t sectors = (v & (COMPRESSED - 1)) >> bits;
                ret->kind = QCOW2_COMPRESSED;
                ret->offset = v & ((1ULL << bits) - 1);
                ret->length = (size_t)((sectors + 1) * SECTOR - ret->offset % SECTOR);
                return 0;
        }
        ret->offset = v & OFFSET_MASK;
        if (v & ZERO || ret->offset == 0)
                return 0;
        ret->kind = QCOW2_PLAIN;
        ret->length = (size_t)1 << q->cluster_bits;
        return check_aligned(q, ret->offset, e);
}
