/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/partitions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

/* GPT: UEFI specification, chapter 5. All numbers are little-endian.
 *
 *     header, at sector 1 and in the last sector          entry
 *     0   "EFI PART"                                      0   type
 *     12  size of the header, 92 to a sector              16  UUID
 *     16  its checksum, with zeroes in this place         32  first sector
 *     24  the sector it is in                             40  last sector
 *     40  first and, at 48, last sector for partitions    48  flags
 *     72  sector of the entries                           56  label, UTF-16
 *     80  how many, 84 the size of one, 88 their checksum
 *
 * MBR: four entries of 16 bytes at 446 (0 0x80 when bootable, 4 type, 8 first sector, 12 sectors), 0x55 0xaa at 510. */

enum { STATE_HEAD, STATE_ENTRIES, STATE_BACKUP_HEADER, STATE_BACKUP_ENTRIES, STATE_END };

#define HEADER_SIZE         92
#define ENTRY_SIZE          128
#define MBR_TYPE_PROTECTIVE 0xee

static uint64_t le(const uint8_t *p, size_t bytes)
{
        uint64_t v = 0;

        for (size_t i = bytes; i > 0; i--)
                v = v << 8 | p[i - 1];
        return v;
}

static PartitionsEvent want(Partitions *p, int state, uint64_t offset, size_t length)
{
        p->state = state;
        p->offset = offset;
        p->length = length;
        return PARTITIONS_WANT;
}

static PartitionsEvent end(Partitions *p, PartitionsKind kind)
{
        p->state = STATE_END;
        p->kind = kind;
        return PARTITIONS_DONE;
}

static PartitionsEvent broken(Partitions *p, const char *problem)
{
        p->state = STATE_END;
        p->problem = problem;
        return PARTITIONS_BROKEN;
}

PartitionsEvent partitions_begin(Partitions *p, uint64_t disk_size)
{
        *p = (Partitions){.disk_size = disk_size};
        return want(p, STATE_HEAD, 0, (size_t)MIN(disk_size, (uint64_t)PARTITIONS_HEAD_MAX));
}

void partitions_done(Partitions *p)
{
        free(p->items);
        *p = (Partitions){};
}

/* ---- GPT ---- */

/* The first three fields of a GUID are numbers, and stored as such. */
static void guid_text(const uint8_t *g, char ret[static 37])
{
        snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", g[3], g[2], g[1], g[0], g[5],
                 g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

/* Characters of the basic plane only; a surrogate, which nobody puts in a label, and control characters become "?". */
static void label_text(const uint8_t *utf16, char ret[static PARTITIONS_LABEL_MAX])
{
        char *to = ret;

        for (size_t i = 0; i < 36; i++) {
                unsigned c = (unsigned)le(utf16 + 2 * i, 2);
                if (c == 0)
                        break;
                if (c < 0x20 || c == 0x7f || (c >= 0xd800 && c <= 0xdfff))
                        c = '?';
                if (c < 0x80)
                        *to++ = (char)c;
                else if (c < 0x800) {
                        *to++ = (char)(0xc0 | c >> 6);
                        *to++ = (char)(0x80 | (c & 0x3f));
                } else {
                        *to++ = (char)(0xe0 | c >> 12);
                        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
                        *to++ = (char)(0x80 | (c & 0x3f));
                }
        }
        *to = '\0';
}

static bool header_has_magic(const uint8_t *h, size_t n)
{
        return n >= HEADER_SIZE && memcmp(h, "EFI PART", 8) == 0;
}

/* Takes what it says into p when it can be believed. `at` is the sector it was found in. */
static bool header_read(Partitions *p, const uint8_t *h, size_t n, uint32_t sector_size, uint64_t at, uint64_t *ret_entries)
{
        uint8_t copy[4096];

        if (!header_has_magic(h, n))
                return false;
        size_t size = (size_t)le(h + 12, 4);
        if (size < HEADER_SIZE || size > MIN((size_t)sector_size, n) || le(h + 24, 8) != at)
                return false;
        memcpy(copy, h, size);
        memset(copy + 16, 0, 4);
        if (hash_crc32(copy, size) != le(h + 16, 4))
                return false;

        uint64_t sectors = p->disk_size / sector_size, entries = le(h + 72, 8), count = le(h + 80, 4), each = le(h + 84, 4);
        if (each < ENTRY_SIZE || each > 4096 || count == 0 || count > PARTITIONS_ENTRIES_MAX / each || entries >= sectors ||
            count * each > p->disk_size - entries * sector_size)
                return false;
        p->sector_size = sector_size;
        p->entries = (uint32_t)count;
        p->entry_size = (uint32_t)each;
        p->entries_crc = (uint32_t)le(h + 88, 4);
        p->first_usable = le(h + 40, 8);
        p->last_usable = le(h + 48, 8);
        *ret_entries = entries;
        return true;
}

static bool entries_read(Partitions *p, const uint8_t *data, size_t n)
{
        static const uint8_t unused[16];

        if (n != (size_t)p->entries * p->entry_size || hash_crc32(data, n) != p->entries_crc)
                return false;
        for (uint32_t i = 0; i < p->entries; i++) {
                const uint8_t *entry = data + (size_t)i * p->entry_size;
                uint64_t first = le(entry + 32, 8), last = le(entry + 40, 8), sectors = p->disk_size / p->sector_size;
                if (memcmp(entry, unused, 16) == 0 || first > last || first < p->first_usable || last > p->last_usable ||
                    last >= sectors)
                        continue; /* of no use to anybody: the kernel leaves it out too */
                Partition *part = vec_push(p);
                guid_text(entry, part->type);
                guid_text(entry + 16, part->uuid);
                label_text(entry + 56, part->label);
                part->flags = le(entry + 48, 8);
                part->offset = first * p->sector_size;
                part->size = (last - first + 1) * p->sector_size;
                part->number = i + 1;
        }
        return true;
}

static PartitionsEvent want_entries(Partitions *p, int state, uint64_t sector)
{
        return want(p, state, sector * p->sector_size, (size_t)p->entries * p->entry_size);
}

static PartitionsEvent want_backup(Partitions *p)
{
        if (p->disk_size < 4096)
                return broken(p, "it is damaged, and the image is too short for its backup");
        return want(p, STATE_BACKUP_HEADER, p->disk_size - 4096, 4096);
}

static PartitionsEvent step_backup(Partitions *p, const uint8_t *data, size_t n)
{
        uint64_t entries;

        p->from_backup = true;
        for (uint32_t sector = 512; n == 4096 && sector <= 4096; sector *= 2)
                if (p->disk_size % sector == 0 &&
                    header_read(p, data + 4096 - sector, sector, sector, p->disk_size / sector - 1, &entries))
                        return want_entries(p, STATE_BACKUP_ENTRIES, entries);
        return broken(p, "it is damaged, and there is no backup of it at the end of the image");
}

/* ---- MBR ---- */

static bool has_mbr(const uint8_t *head, size_t n)
{
        if (n < 512 || head[510] != 0x55 || head[511] != 0xaa)
                return false;
        for (size_t i = 0; i < 4; i++) /* the boot sector of a FAT file system ends like this too */
                if (head[446 + 16 * i] & 0x7f)
                        return false;
        return true;
}

static PartitionsEvent read_mbr(Partitions *p, const uint8_t *head)
{
        p->sector_size = 512;
        for (unsigned i = 0; i < 4; i++) {
                const uint8_t *entry = head + 446 + (size_t)16 * i;
                uint64_t offset = le(entry + 8, 4) * 512, size = le(entry + 12, 4) * 512;
                if (entry[4] == 0 || size == 0 || offset == 0 || offset >= p->disk_size || size > p->disk_size - offset)
                        continue;
                Partition *part = vec_push(p);
                part->mbr_type = entry[4];
                part->bootable = entry[0] == 0x80;
                part->offset = offset;
                part->size = size;
                part->number = i + 1;
        }
        return end(p, p->n > 0 ? PARTITIONS_MBR : PARTITIONS_NONE);
}

/* ---- both ---- */

static PartitionsEvent step_head(Partitions *p, const uint8_t *head, size_t n)
{
        bool mbr = has_mbr(head, n), magic = false;

        for (size_t i = 0; mbr && i < 4; i++)
                p->protective = p->protective || head[446 + 16 * i + 4] == MBR_TYPE_PROTECTIVE;
        for (uint32_t sector = 512; sector <= 4096; sector *= 2) {
                uint64_t entries;
                if (n <= sector)
                        break;
                magic = magic || header_has_magic(head + sector, n - sector);
                if (header_read(p, head + sector, n - sector, sector, 1, &entries))
                        return want_entries(p, STATE_ENTRIES, entries);
        }
        if (magic || p->protective)
                return want_backup(p);
        return mbr ? read_mbr(p, head) : end(p, PARTITIONS_NONE);
}

PartitionsEvent partitions_step(Partitions *p, const uint8_t *data, size_t n)
{
        switch (p->state) {
        case STATE_HEAD:
                return step_head(p, data, n);
        case STATE_ENTRIES:
                return entries_read(p, data, n) ? end(p, PARTITIONS_GPT) : want_backup(p);
        case STATE_BACKUP_HEADER:
                return step_backup(p, data, n);
        case STATE_BACKUP_ENTRIES:
                return entries_read(p, data, n) ? end(p, PARTITIONS_GPT)
                                                : broken(p, "it is damaged, and its backup at the end of the image is too");
        default:
                return broken(p, "there is nothing more to read");
        }
}
