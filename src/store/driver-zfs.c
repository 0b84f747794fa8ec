/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/libc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "store/zfs.h"

/* A machine is a dataset mounted at its place in the store, whoever made it; its snapshots are the dataset's own. What is here asks and
 * reads; zfs-change.c has the transactions. */

static bool zfs_available(Store *s)
{
        return zfs_of(s)->parent != NULL;
}

static bool is_mount_root(int fd)
{
        struct statx sx;

        return statx(fd, "", AT_EMPTY_PATH, 0, &sx) == 0 && (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* In its place, mounted or not. */
static char *known_dataset(Zfs *z, const char *dir, const char *entry)
{
        bool image = str_eq(dir, STORE_IMAGES);
        _cleanup_free_ char *path = xasprintf("%s/%s", z->root, entry), *key = xasprintf(ZFS_IMAGE "%s", entry);
        const Datasets *table;

        if (!z->parent || (!image && !str_eq(dir, ".")) || zfs_table(z, z->parent, &table, NULL) < 0)
                return NULL;
        _cleanup_free_ char *name = image ? zfs_private(z->parent, key) : xasprintf("%s/%s", z->parent, entry);
        const Dataset *d = datasets_find(table, name);
        bool removed = d && d->state && str_eq(d->state, ZFS_REMOVED);
        bool placed = d && !removed && (image || (d->mountpoint && str_eq(d->mountpoint, path)));
        return placed ? TAKE_PTR(name) : NULL;
}

static char *dataset_at(Store *s, const char *dir, const char *entry, int fd)
{
        Zfs *z = zfs_of(s);
        char *known = z->present ? known_dataset(z, dir, entry) : NULL;

        if (known || !z->present || !is_mount_root(fd))
                return known;
        _cleanup_free_ char *path = path_simplify(xasprintf("%s/%s/%s", z->root, dir, entry));
        return zfs_mounted_at(path);
}

static bool zfs_claims(Store *s, const char *dir, const char *entry, int fd)
{
        _cleanup_free_ char *name = dataset_at(s, dir, entry, fd);

        return name != NULL;
}

char *zfs_parent_of(const char *dataset)
{
        const char *private = strstr(dataset, "/" ZFS_PRIVATE "/"), *slash = strrchr(dataset, '/');

        return private ? xstrndup(dataset, (size_t)(private - dataset))
               : slash ? xstrndup(dataset, (size_t)(slash - dataset))
                       : NULL;
}

static int zfs_load_image(Store *s, StoreImage *i, int fd, Error *e)
{
        Zfs *z = zfs_of(s);
        const char *rest = str_startswith(i->path, s->root);
        _cleanup_free_ char *dir = path_dirname(rest && rest[0] ? rest + 1 : i->path), *path = xasprintf("%s%s", z->root, rest);
        const Datasets *table;

        i->dataset = dataset_at(s, dir, path_basename(i->path), fd);
        _cleanup_free_ char *parent = i->dataset ? zfs_parent_of(i->dataset) : NULL, *mounted = zfs_mounted_at(path);
        if (!parent)
                return error_set(e, -EOPNOTSUPP, "'%s' is a whole pool, not a dataset in one; move it below a dataset", i->path);
        int r = zfs_table(z, parent, &table, e);
        const Dataset *d = r < 0 ? NULL : datasets_find(table, i->dataset);
        if (!d)
                return r < 0 ? r
                             : error_set(e, -ENOENT, "the dataset '%s' of machine '%s' does not exist any more", i->dataset,
                                         i->name);
        i->created_usec = d->created_usec;
        i->read_only = d->read_only;
        i->locked = xstrdup(d->key_root);
        if (mounted && str_eq(mounted, i->dataset))
                i->directory = xstrdup(i->path);
        return 0;
}

/* ---- snapshots ---- */

/* Of the machine: those of its dataset, and of those that hold what it was rolled back from. */
static bool is_of_machine(const Datasets *table, const Dataset *snapshot, const char *dataset)
{
        const Dataset *own = datasets_find(table, dataset);
        _cleanup_free_ char *name = xstrndup(snapshot->name, strcspn(snapshot->name, "@"));
        const Dataset *of = datasets_find(table, name);

        if (!snapshot->snapshot || str_startswith(dataset_snapshot_name(snapshot), ZFS_HIDDEN))
                return false;
        if (str_eq(name, dataset))
                return true;
        return own && own->machine && of && of->machine && str_endswith(name, "-past") && str_eq(own->machine, of->machine);
}

char *zfs_find_snapshot(Zfs *z, const char *dataset, const char *snapshot)
{
        _cleanup_free_ char *parent = zfs_parent_of(dataset);
        const Datasets *table;

        if (zfs_table(z, parent, &table, NULL) < 0)
                return NULL;
        for (size_t i = 0; i < table->n; i++)
                if (str_eq(dataset_snapshot_name(&table->items[i]), snapshot) && is_of_machine(table, &table->items[i], dataset))
                        return xstrdup(table->items[i].name);
        return NULL;
}

/* OpenZFS shows snapshots of mounted datasets below .zfs; zfs-fuse has no such thing. */
static int zfs_snapshot_find(const StoreChange *c, StoreImage *ret, Error *e)
{
        const StoreImage *i = c->image;
        char *name = zfs_find_snapshot(zfs_of(c->store), i->dataset, c->name);
        bool own = name && str_startswith(name, i->dataset);

        if (!name)
                return -ENOENT;
        _cleanup_free_ char *path = own ? xasprintf("%s/.zfs/snapshot/%s", i->path, c->name) : NULL;
        *ret = (StoreImage){
                        .name = xasprintf("%s@%s", i->name, c->name),
                        .driver = STORE_ZFS,
                        .dataset = name,
                        .path = xstrdup(name),
                        .directory = path && access(path, F_OK) == 0 ? xstrdup(path) : NULL,
                        .read_only = true,
        };
        return 0;
}

/* How many snapshots a snapshot stands on. Dates are whole seconds: of equal ones, that with fewer is older. */
static size_t depth(const Datasets *table, const char *snapshot)
{
        size_t n = 0;

        while (snapshot) {
                _cleanup_free_ char *name = xstrndup(snapshot, strcspn(snapshot, "@"));
                const Dataset *of = datasets_find(table, name);
                for (size_t i = 0; i < table->n && !str_eq(table->items[i].name, snapshot); i++)
                        n += dataset_snapshot_of(&table->items[i], name);
                snapshot = of ? of->origin : NULL;
                n++;
        }
        return n;
}

typedef struct Dated {
        StoreSnapshot snapshot;
        size_t depth;
} Dated;

static int by_age(const void *va, const void *vb)
{
        const Dated *a = va, *b = vb;

        if (a->snapshot.created_usec != b->snapshot.created_usec)
                return a->snapshot.created_usec < b->snapshot.created_usec ? -1 : 1;
        return a->depth == b->depth ? strcmp(a->snapshot.name, b->snapshot.name) : a->depth < b->depth ? -1 : 1;
}

static int zfs_snapshots(const StoreChange *c, StoreSnapshot **ret, size_t *ret_n, Error *e)
{
        Zfs *z = zfs_of(c->store);
        _cleanup_free_ char *parent = zfs_parent_of(c->image->dataset);
        const Datasets *table;
        struct {
                Dated *items;
                size_t n;
        } found = {0};
        int r = zfs_table(z, parent, &table, e);

        if (r < 0)
                return r;
        for (size_t i = 0; i < table->n; i++) {
                const Dataset *d = &table->items[i];
                if (is_of_machine(table, d, c->image->dataset))
                        *vec_push(&found) = (Dated){{xstrdup(dataset_snapshot_name(d)), d->created_usec}, depth(table, d->name)};
        }
        if (found.n > 0)
                qsort(found.items, found.n, sizeof(*found.items), by_age);
        *ret = xnew(StoreSnapshot, found.n + 1);
        *ret_n = found.n;
        for (size_t i = 0; i < found.n; i++)
                (*ret)[i] = found.items[i].snapshot;
        free(found.items);
        return 0;
}

/* ---- properties ---- */

static int zfs_read_only(const StoreChange *c, bool on, Error *e)
{
        Zfs *z = zfs_of(c->store);
        const char *dataset = c->image->dataset, *name = c->image->name;
        _cleanup_free_ char *parent = zfs_parent_of(dataset);
        const Datasets *table;
        int r = zfs_run(z, e, "change", name, "set", on ? "readonly=on" : "readonly=off", dataset, NULL);

        if (r == 0)
                r = zfs_table(z, parent, &table, e);
        const Dataset *d = r < 0 ? NULL : datasets_find(table, dataset);
        if (!d || d->read_only == on)
                return r;
        /* It holds, but zfs-fuse tells of a mounted dataset what its mount began with. */
        return zfs_run(z, e, "change", name, "set", on ? ZFS_READ_ONLY "=on" : ZFS_READ_ONLY "=off", dataset, NULL);
}

static int zfs_set_limit(const StoreChange *c, uint64_t bytes, Error *e)
{
        _cleanup_free_ char *limit = bytes == STORE_UNKNOWN ? xstrdup("refquota=none") : xasprintf("refquota=%" PRIu64, bytes);

        return zfs_run(zfs_of(c->store), e, "set the limit of", c->image->name, "set", limit, c->image->dataset, NULL);
}

static int zfs_usage(Store *s, const StoreImage *i, StoreUsage *ret, Error *e)
{
        _cleanup_free_ char *parent = zfs_parent_of(i->dataset);
        const Datasets *table;
        int r = zfs_table(zfs_of(s), parent, &table, e);
        const Dataset *d = r < 0 ? NULL : datasets_find(table, i->dataset);

        if (!d)
                return r < 0 ? r : -ENOENT;
        *ret = (StoreUsage){.used = d->referenced, .exclusive = d->used, .limit = d->limit, .exclusive_limit = STORE_UNKNOWN};
        return 0;
}

/* A key that is not loaded is asked for by the tool itself, where there is somebody to ask. */
static int zfs_ready(Store *s, StoreImage *i, bool ask, Error *e)
{
        Zfs *z = zfs_of(s);

        if (i->directory)
                return 0;
        if (i->locked && !ask)
                return error_set(e, -ENOKEY,
                                 "the key of machine '%s' is not loaded; 'zfs load-key %s' asks for it, and so does "
                                 "'berth start' on a terminal",
                                 i->name, i->locked);
        char *args[] = {"load-key", i->locked, NULL};
        int r = i->locked ? zfs_run_args(z, e, "unlock", i->name, args, true, NULL) : 0;
        if (r == 0)
                r = zfs_run(z, e, "mount", i->name, "mount", i->dataset, NULL);
        if (r == 0)
                i->directory = xstrdup(i->path);
        struct stat st;
        if (r == 0 && stat(i->path, &st) == 0) { /* what is mounted there is another inode */
                i->dev = st.st_dev;
                i->ino = st.st_ino;
        }
        return r;
}

const StoreDriver driver_zfs = {
                .id = STORE_ZFS,
                .name = "zfs",
                .type = "dataset",
                .suffix = "",
                .available = zfs_available,
                .claims = zfs_claims,
                .load = zfs_load_image,
                .make = zfs_make,
                .commit = zfs_commit,
                .replaces = zfs_replaces,
                .clone = zfs_clone,
                .snapshot = zfs_snapshot,
                .rollback = zfs_rollback,
                .snapshot_remove = zfs_snapshot_remove,
                .remove = zfs_remove,
                .snapshot_find = zfs_snapshot_find,
                .snapshots = zfs_snapshots,
                .rename = zfs_rename,
                .read_only = zfs_read_only,
                .set_limit = zfs_set_limit,
                .usage = zfs_usage,
                .ready = zfs_ready,
};
