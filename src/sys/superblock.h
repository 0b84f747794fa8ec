/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What some bytes are the beginning of, told by the magic numbers that each format has. */

#include <stddef.h>
#include <stdint.h>

#define SUPERBLOCK_BYTES (68 * 1024) /* how much of the beginning is wanted: btrfs has its own at 64 KiB */

typedef enum SuperblockKind {
        SUPERBLOCK_NONE,
        SUPERBLOCK_FILE_SYSTEM, /* name: its type, as the kernel knows it */
        SUPERBLOCK_LUKS,
        SUPERBLOCK_VERITY, /* a tree of dm-verity's hashes */
        SUPERBLOCK_FOREIGN /* the disk of a virtual machine, or something compressed; way_out: how to make a raw image of it */
} SuperblockKind;

typedef struct Superblock {
        SuperblockKind kind;
        const char *name, *way_out;
} Superblock;

Superblock superblock_probe(const uint8_t *head, size_t n);
