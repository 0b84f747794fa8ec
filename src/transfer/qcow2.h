/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Disk images of QEMU, qcow2 in versions 2 and 3, read without any I/O: the caller brings the bytes. What an image has of its own is
 * enough for a raw image; what lies in other files (a backing file, external data) or is encrypted is refused by name.
 *
 *   header -> L1 table: an offset for each L2 table, 0 = a hole
 *          -> L2 table, of one cluster: an entry for each cluster of the disk
 *          -> a cluster as it is, a compressed one, zeros, or nothing: zeros, too
 * Internal snapshots have tables of their own, and are left out. All numbers are big-endian. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define QCOW2_HEADER_MAX   112
#define QCOW2_L1_MAX       (4U * 1024 * 1024)                  /* entries; QEMU's own limit */
#define QCOW2_SIZE_MAX     (64ULL * 1024 * 1024 * 1024 * 1024) /* of the disk */
#define QCOW2_CLUSTER_BITS 21                                  /* at most */

typedef struct Qcow2 {
        uint64_t size; /* of the disk */
        uint64_t l1_offset;
        uint32_t l1_entries; /* as many as the disk has use for */
        unsigned cluster_bits;
        bool zstd; /* what is compressed is so by zstd, else by deflate without a header */
} Qcow2;

typedef enum Qcow2Kind { QCOW2_HOLE, QCOW2_PLAIN, QCOW2_COMPRESSED } Qcow2Kind;

typedef struct Qcow2Cluster {
        Qcow2Kind kind;
        uint64_t offset; /* in the file */
        size_t length;   /* at most; compressed data may end before, and the file, too */
} Qcow2Cluster;

bool qcow2_has_magic(const uint8_t *head, size_t n);
/* -EBADMSG: broken; -EOPNOTSUPP: of a kind that is not read. Both with a message. */
int qcow2_parse_header(const uint8_t *head, size_t n, Qcow2 *ret, Error *e);
int qcow2_l2_offset(const Qcow2 *q, const uint8_t entry[static 8], uint64_t *ret, Error *e);   /* of an L1 entry; 0: a hole */
int qcow2_cluster(const Qcow2 *q, const uint8_t entry[static 8], Qcow2Cluster *ret, Error *e); /* of an L2 entry */
