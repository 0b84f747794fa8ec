/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A disk image in memory with a GPT, made by the rules that partitions.c reads by. */

#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "store/partitions.h"

#define IMAGE_SECTORS 256U
#define ENTRIES       128U

typedef struct DiskImage {
        uint8_t *bytes;
        size_t size, sector;
} DiskImage;

typedef struct ImageEntry {
        const char *type; /* text */
        uint8_t uuid;     /* its bytes */
        uint64_t first, last, flags;
        const char *label;
} ImageEntry;

static inline void put(uint8_t *p, uint64_t v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)(v >> (8 * i));
}

static inline void put_guid(uint8_t *p, const char *text)
{
        static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
        size_t n = 0;

        for (const char *c = text; *c && n < 16; c += 2, n++) {
                c += *c == '-';
                const char digits[3] = {c[0], c[1], '\0'};
                p[order[n]] = (uint8_t)strtoul(digits, NULL, 16);
        }
}

static inline void put_header(DiskImage *d, size_t at, size_t other, size_t entries)
{
        uint8_t *h = d->bytes + at * d->sector;

        memcpy(h, "EFI PART", 8);
        put(h + 8, 0x10000, 4);
        put(h + 12, 92, 4);
        put(h + 24, at, 8);
        put(h + 32, other, 8);
        put(h + 40, 40, 8);
        put(h + 48, IMAGE_SECTORS - 41, 8);
        put(h + 72, entries, 8);
        put(h + 80, ENTRIES, 4);
        put(h + 84, 128, 4);
        put(h + 88, hash_crc32(d->bytes + entries * d->sector, ENTRIES * 128), 4);
        put(h + 16, 0, 4);
        put(h + 16, hash_crc32(h, 92), 4);
}

static inline DiskImage make_image(size_t sector, const ImageEntry *entries, size_t n)
{
        DiskImage d = {.bytes = xcalloc(IMAGE_SECTORS, sector), .size = IMAGE_SECTORS * sector, .sector = sector};
        size_t length = ENTRIES * 128 / sector, backup = IMAGE_SECTORS - 1 - length;

        for (size_t i = 0; i < n; i++) {
                uint8_t *e = d.bytes + 2 * sector + 128 * i;
                put_guid(e, entries[i].type);
                memset(e + 16, entries[i].uuid, 16);
                put(e + 32, entries[i].first, 8);
                put(e + 40, entries[i].last, 8);
                put(e + 48, entries[i].flags, 8);
                for (size_t c = 0; entries[i].label && entries[i].label[c]; c++)
                        e[56 + 2 * c] = (uint8_t)entries[i].label[c];
        }
        memcpy(d.bytes + backup * sector, d.bytes + 2 * sector, ENTRIES * 128);
        put_header(&d, 1, IMAGE_SECTORS - 1, 2);
        put_header(&d, IMAGE_SECTORS - 1, 1, backup);
        d.bytes[446 + 4] = 0xee;
        d.bytes[510] = 0x55;
        d.bytes[511] = 0xaa;
        return d;
}

static inline PartitionsEvent read_image(const DiskImage *d, Partitions *p)
{
        PartitionsEvent ev = partitions_begin(p, d->size);

        for (unsigned i = 0; ev == PARTITIONS_WANT && i < 10; i++) {
                assert_true(p->offset <= d->size && p->length <= d->size - p->offset);
                ev = partitions_step(p, d->bytes + p->offset, p->length);
        }
        return ev;
}
