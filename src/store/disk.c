/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/partition-type.h"
#include "store/partitions.h"
#include "sys/superblock.h"

/* Flags of the Discoverable Partitions Specification. */
#define FLAG_NO_BLOCK_IO (UINT64_C(1) << 1)
#define FLAG_GROW        (UINT64_C(1) << 59)
#define FLAG_READ_ONLY   (UINT64_C(1) << 60)
#define FLAG_NO_AUTO     (UINT64_C(1) << 63)

#define MBR_LINUX    0x83
#define MBR_XBOOTLDR 0xea

void store_disk_done(StoreDisk *d)
{
        for (size_t i = 0; i < d->n; i++)
                free(d->items[i].label);
        free(d->items);
        *d = (StoreDisk){};
}

const StoreDiskPart *store_disk_find(const StoreDisk *d, const char *designator)
{
        for (size_t i = 0; i < d->n; i++)
                if (str_eq(d->items[i].designator, designator))
                        return &d->items[i];
        return NULL;
}

bool store_is_disk(const char *path)
{
        struct stat st;

        return stat(path, &st) >= 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* ---- which partitions ---- */

/* As the UUID of a partition: 32 digits of the hash from `at` on, with dashes. */
static bool uuid_is_part_of_hash(const char *uuid, const char *at)
{
        for (; *uuid; uuid++)
                if (*uuid != '-' && (*uuid | 0x20) != (*at++ | 0x20))
                        return false;
        return true;
}

/* Whether it is the one that a root hash is of: the first half names the data, the second one the tree of hashes. */
static bool is_of_hash(const Partition *p, const char *designator, const char *hash)
{
        if (str_eq(designator, "root"))
                return uuid_is_part_of_hash(p->uuid, hash);
        return !str_eq(designator, "root-verity") || uuid_is_part_of_hash(p->uuid, hash + strlen(hash) - 32);
}

static bool has_versions(const char *designator)
{
        return str_startswith(designator, "root") || str_startswith(designator, "usr");
}

/* The first of a kind counts; of the system's own partitions the one whose label is the newest version. */
static void take(StoreDisk *d, const char *designator, const Partition *p)
{
        StoreDiskPart *part = (StoreDiskPart *)store_disk_find(d, designator);

        if (part && (!has_versions(designator) || str_compare_versions(p->label, part->label) <= 0))
                return;
        if (!part)
                part = vec_push(d);
        free(part->label);
        *part = (StoreDiskPart){
                        .designator = designator,
                        .label = xstrdup(p->label),
                        .offset = p->offset,
                        .size = p->size,
                        .read_only = p->flags & FLAG_READ_ONLY,
                        .grow = p->flags & FLAG_GROW,
        };
        memcpy(part->uuid, p->uuid, sizeof(part->uuid));
}

static void take_all(StoreDisk *d, const Partitions *table, const char *architecture, const char *hash)
{
        for (size_t i = 0; i < table->n; i++) {
                const Partition *p = &table->items[i];
                const PartitionType *type = partition_type(p->type);
                bool boot = type && str_eq(type->designator, "esp");
                if (!type || str_eq(type->designator, "linux-generic") || !str_eq(type->architecture, architecture) ||
                    (boot ? p->flags & FLAG_NO_BLOCK_IO : p->flags & FLAG_NO_AUTO))
                        continue;
                if (!hash || is_of_hash(p, type->designator, hash))
                        take(d, type->designator, p);
        }
}

/* A single partition of the type that says nothing but "Linux" is the root, when there is no other. */
static void take_generic(StoreDisk *d, const Partitions *table)
{
        const Partition *found = NULL;

        for (size_t i = 0; i < table->n; i++) {
                const PartitionType *type = partition_type(table->items[i].type);
                if (!type || !str_eq(type->designator, "linux-generic") || (table->items[i].flags & FLAG_NO_AUTO))
                        continue;
                if (found)
                        return;
                found = &table->items[i];
        }
        if (found)
                take(d, "root", found);
}

static void select_gpt(StoreDisk *d, const Partitions *table, const char *hash)
{
        take_all(d, table, partition_architecture(), hash);
        if (!store_disk_find(d, "root") && !store_disk_find(d, "usr") && partition_secondary_architecture())
                take_all(d, table, partition_secondary_architecture(), hash);
        take_all(d, table, NULL, NULL);
        if (!store_disk_find(d, "root") && !hash)
                take_generic(d, table);
}

static int select_mbr(StoreDisk *d, const Partitions *table, const char *path, Error *e)
{
        for (size_t i = 0; i < table->n; i++) {
                const Partition *p = &table->items[i];
                if (p->mbr_type == MBR_LINUX && p->bootable) {
                        if (store_disk_find(d, "root"))
                                return error_set(
                                                e, -ENOTUNIQ,
                                                "'%s' has several bootable Linux partitions (MBR); leave the flag on one of them",
                                                path);
                        take(d, "root", p);
                } else if (p->mbr_type == MBR_XBOOTLDR)
                        take(d, "xbootldr", p);
        }
        return 0;
}

/* ---- reading ---- */

static int read_at(int fd, const char *path, uint64_t offset, uint8_t *data, size_t length, size_t *ret, Error *e)
{
        size_t done = 0;

        while (done < length) {
                ssize_t n = pread(fd, data + done, length - done, (off_t)(offset + done));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_sys(e, -errno, "cannot read '%s'", path);
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        *ret = done;
        return 0;
}

static int read_table(int fd, const char *path, uint64_t size, Partitions *p, Error *e)
{
        _cleanup_free_ uint8_t *data = xmalloc(PARTITIONS_ENTRIES_MAX);
        PartitionsEvent event = partitions_begin(p, size);

        while (event == PARTITIONS_WANT) {
                size_t n = 0;
                int r = read_at(fd, path, p->offset, data, p->length, &n, e);
                if (r < 0)
                        return r;
                event = partitions_step(p, data, n);
        }
        if (event == PARTITIONS_BROKEN)
                return error_set(e, -EUCLEAN,
                                 "the partition table of '%s' cannot be used: %s; try to repair it with sgdisk or gdisk", path,
                                 p->problem);
        return 0;
}

static int probe(int fd, const char *path, uint64_t offset, uint64_t size, Superblock *ret, Error *e)
{
        _cleanup_free_ uint8_t *head = xmalloc(SUPERBLOCK_BYTES);
        size_t n = 0;
        int r = read_at(fd, path, offset, head, (size_t)MIN(size, (uint64_t)SUPERBLOCK_BYTES), &n, e);

        if (r >= 0)
                *ret = superblock_probe(head, n);
        return r;
}

static int probe_parts(int fd, const char *path, StoreDisk *d, Error *e)
{
        for (size_t i = 0; i < d->n; i++) {
                Superblock s;
                int r = probe(fd, path, d->items[i].offset, d->items[i].size, &s, e);
                if (r < 0)
                        return r;
                d->items[i].fstype = s.name;
        }
        return 0;
}

static int read_bare(StoreDisk *d, const char *path, const Superblock *s, Error *e)
{
        if (s->kind == SUPERBLOCK_FOREIGN)
                return error_set(e, -EOPNOTSUPP, "'%s' is of the format %s, not a raw disk image; %s", path, s->name, s->way_out);
        if (s->kind == SUPERBLOCK_NONE || s->kind == SUPERBLOCK_VERITY)
                return error_set(e, -EMEDIUMTYPE,
                                 "'%s' is no disk image: it has neither a partition table nor a file system that is known", path);
        d->bare = true;
        *(StoreDiskPart *)vec_push(d) = (StoreDiskPart){.designator = "root", .fstype = s->name, .size = d->size};
        return 0;
}

static int select_parts(int fd, const char *path, const char *hash, const Partitions *table, StoreDisk *d, Error *e)
{
        Superblock whole = {};
        int r = table->kind == PARTITIONS_GPT ? 0 : probe(fd, path, 0, d->size, &whole, e);

        if (r < 0)
                return r;
        if (table->kind == PARTITIONS_NONE || whole.kind != SUPERBLOCK_NONE)
                return read_bare(d, path, &whole, e);
        d->from_backup = table->from_backup;
        if (table->kind == PARTITIONS_MBR)
                r = select_mbr(d, table, path, e);
        else
                select_gpt(d, table, hash);
        return r < 0 ? r : probe_parts(fd, path, d, e);
}

int store_disk_read(int fd, const char *path, const char *root_hash, StoreDisk *ret, Error *e)
{
        _cleanup_(partitions_done) Partitions table = {};
        _cleanup_(store_disk_done) StoreDisk disk = {};
        off_t size = lseek(fd, 0, SEEK_END);

        if (size < 0)
                return error_sys(e, -errno, "cannot read '%s'", path);
        if (size == 0)
                return error_set(e, -ENODATA, "the disk image '%s' is empty", path);
        disk.size = (uint64_t)size;
        int r = read_table(fd, path, disk.size, &table, e);
        if (r >= 0)
                r = select_parts(fd, path, root_hash, &table, &disk, e);
        if (r < 0)
                return r;
        if (!store_disk_find(&disk, "root") && root_hash)
                return error_set(e, -ENOENT, "'%s' has no root partition of the root hash %s", path, root_hash);
        if (!store_disk_find(&disk, "root") && !store_disk_find(&disk, "usr"))
                return error_set(e, -ENOENT,
                                 "'%s' has no root partition: a GPT needs one of the type for this architecture (%s), an MBR one "
                                 "of "
                                 "type 0x83 that is bootable",
                                 path, partition_architecture() ?: "which has none");
        *ret = disk;
        disk = (StoreDisk){};
        return 0;
}
