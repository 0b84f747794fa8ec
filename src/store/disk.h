/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Disk images: which partitions there are to mount, by the Discoverable Partitions Specification. Nothing is mounted here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct StoreDiskPart {
        const char *designator; /* "root", "usr-verity" … (partition-type.h) */
        const char *fstype;     /* as the kernel knows it, "crypto_LUKS", "DM_verity_hash"; NULL: unknown */
        char uuid[37];
        char *label;
        uint64_t offset, size;
        bool read_only, grow; /* the partition's flags */
} StoreDiskPart;

typedef struct StoreDisk {
        bool bare;        /* no partition table: one file system is all there is */
        bool from_backup; /* the table's first copy is damaged */
        uint64_t size;
        StoreDiskPart *items;
        size_t n;
} StoreDisk;

/* Of a file or block device. root_hash (may be NULL): dm-verity's, hexadecimal; the partitions it is of have its halves for UUIDs. */
int store_disk_read(int fd, const char *path, const char *root_hash, StoreDisk *ret, Error *e);
void store_disk_done(StoreDisk *d);
/* The one with this designator, NULL without. */
const StoreDiskPart *store_disk_find(const StoreDisk *d, const char *designator);
/* Whether this is a file with a disk in it or a block device, as opposed to a tree. */
bool store_is_disk(const char *path);
