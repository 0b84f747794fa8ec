/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The partition table of a disk image, GPT or MBR, read without any I/O: the reader says which bytes it wants, the caller brings them.
 *
 *     for (PartitionsEvent ev = partitions_begin(&p, size); ev == PARTITIONS_WANT; ev = partitions_step(&p, bytes, n))
 *             read p.length bytes at p.offset
 *
 * A GPT counts when the checksums of its header and of its entries are right; else its backup at the end of the disk is taken. Sectors
 * of 512 to 4096 bytes. Everything comes from outside and is checked: what is handed out lies within the disk. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITIONS_HEAD_MAX    8192          /* the first bytes that are wanted: the headers of all sector sizes */
#define PARTITIONS_ENTRIES_MAX (1024 * 1024) /* of a GPT, in bytes; 16 KiB are usual */
#define PARTITIONS_LABEL_MAX   (36 * 3 + 1)  /* 36 UTF-16 units as UTF-8 */

typedef enum PartitionsKind { PARTITIONS_NONE, PARTITIONS_MBR, PARTITIONS_GPT } PartitionsKind;
typedef enum PartitionsEvent {
        PARTITIONS_WANT,   /* bytes: offset, length */
        PARTITIONS_DONE,   /* kind says whether there is a table */
        PARTITIONS_BROKEN, /* a GPT of which neither copy can be used: problem says why */
} PartitionsEvent;

typedef struct Partition {
        char type[37], uuid[37]; /* GPT: lower case, with dashes */
        char label[PARTITIONS_LABEL_MAX];
        uint64_t flags;        /* GPT */
        uint8_t mbr_type;      /* MBR */
        bool bootable;         /* MBR */
        uint64_t offset, size; /* in bytes */
        unsigned number;       /* from 1 */
} Partition;

typedef struct Partitions {
        PartitionsKind kind;
        bool from_backup;
        uint32_t sector_size;
        Partition *items;
        size_t n;
        const char *problem;

        uint64_t offset; /* PARTITIONS_WANT */
        size_t length;

        /* The reader's own. */
        int state;
        uint64_t disk_size;
        bool protective; /* an MBR that says: here is a GPT */
        uint32_t entries, entry_size, entries_crc;
        uint64_t first_usable, last_usable;
} Partitions;

PartitionsEvent partitions_begin(Partitions *p, uint64_t disk_size);
/* `n` bytes of what was wanted; fewer than p->length end the table there. */
PartitionsEvent partitions_step(Partitions *p, const uint8_t *data, size_t n);
void partitions_done(Partitions *p);
