/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/macro.h"
#include "store/driver.h"
#include "sys/subvolume.h"

/* A machine is a subvolume, and so is a snapshot. The kernel copies none of it, and what is nested comes along. A read-only subvolume
 * cannot be moved to another directory, so a state is made writable, renamed into place and only then marked. */

static bool btrfs_available(Store *s)
{
        return sys_is_btrfs(s->root_fd);
}

static bool btrfs_claims(Store *s, const char *dir, const char *entry, int fd)
{
        return sys_is_subvolume(fd);
}

/* btrfs keeps the time of birth of the inode a snapshot was made of, so the subvolume's own counts. */
static int btrfs_load(Store *s, StoreImage *i, int fd, Error *e)
{
        SysSubvolume v;
        uint64_t noted = image_noted_created(fd);
        int r = sys_subvolume_info(fd, &v);

        if (r < 0)
                return error_sys(e, r, "cannot read the subvolume '%s'", i->path);
        i->directory = xstrdup(i->path);
        i->read_only = i->read_only || v.read_only;
        i->created_usec = noted > 0 ? MIN(noted, v.created_usec) : v.created_usec;
        return 0;
}

static int btrfs_make(StoreBuild *b, const Work *w, Error *e)
{
        int r = sys_subvolume_create(w->fd, WORK_TREE);

        return r < 0 ? store_failed(b->store, r, e, "make", b->name) : 0;
}

static int open_directory(int dirfd, const char *path)
{
        int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* The limit is of a subvolume, and a new one takes the old one's place. */
static int copy_limit(int from_fd, int to_fd)
{
        SysSubvolume from, to;
        SysQuota q;

        if (sys_subvolume_info(from_fd, &from) < 0 || sys_quota_read(from_fd, from.id, &q) < 0 || q.limit == SYS_NO_LIMIT)
                return 0;
        int r = sys_subvolume_info(to_fd, &to);
        return r < 0 ? r : sys_quota_limit(to_fd, to.id, q.limit);
}

/* One instant for all that is nested: without any, the kernel's own. */
static int snapshot_frozen(const StoreChange *c, int source_fd, const Work *w, Error *e)
{
        const StoreQuiesce *q = c->quiesce;
        bool freeze = image_is_running(q) && q->freeze && sys_subvolume_has_nested(source_fd);
        int r = freeze ? q->freeze(q->ctx, true, e) : 0;

        if (r < 0)
                return r;
        r = sys_subvolume_snapshot(source_fd, w->fd, WORK_NEW);
        if (freeze) {
                int k = q->freeze(q->ctx, false, r < 0 ? NULL : e);
                if (r == 0 && k < 0)
                        return k;
        }
        if (r == -ELOOP)
                return error_set(e, r, "'%s' has subvolumes nested too deep in each other; remove some", c->image->name);
        return r < 0 ? store_failed(c->store, r, e, "copy", c->image->name) : 0;
}

/* WORK_NEW is `source` as it is now. limits: the directory whose limit it gets, or NULL. */
static int derive(const StoreChange *c, const char *source, const char *limits, uint64_t created, const Work *w, Error *e)
{
        _cleanup_close_ int fd = open_directory(AT_FDCWD, source);
        int r = fd < 0 ? error_sys(e, fd, "cannot open '%s'", source) : snapshot_frozen(c, fd, w, e);

        if (r < 0)
                return r;
        _cleanup_close_ int new = open_directory(w->fd, WORK_NEW), from = limits ? open_directory(AT_FDCWD, limits) : -1;
        r = new < 0 ? new : from < 0 ? 0 : copy_limit(from, new);
        if (r < 0)
                return store_failed(c->store, r, e, "copy the limit of", c->image->name);
        image_set_created(new, created);
        return 0;
}

static int btrfs_clone(const StoreChange *c, Error *e)
{
        _cleanup_(place_done) Place place = {0};
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : entries_place(c, false, &place, e);

        if (r == 0)
                r = work_begin(c->store, c->image->name, &w, e);
        if (r == 0)
                r = derive(c, c->image->path, c->image->path, clock_realtime(), &w, e);
        if (r == 0)
                r = edit_new(c, &w, e);
        return r < 0 ? r : entries_commit(c->store, &w, &place, e);
}

static int mark_read_only(const char *path)
{
        _cleanup_close_ int fd = open_directory(AT_FDCWD, path);

        return fd < 0 ? fd : sys_subvolume_set_read_only(fd, true);
}

/* A snapshot that was made by a command killed before the mark gets it now. */
static int btrfs_snapshot_find(const StoreChange *c, StoreImage *ret, Error *e)
{
        int r = entries_snapshot_find(c, ret, e);

        if (r == 0)
                (void)mark_read_only(ret->path); /* on a read-only file system it needs none */
        return r;
}

static int btrfs_snapshot(const StoreChange *c, Error *e)
{
        _cleanup_(place_done) Place place = {0};
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : entries_place(c, true, &place, e);

        if (r == 0)
                r = work_begin(c->store, c->image->name, &w, e);
        if (r == 0)
                r = derive(c, c->image->path, NULL, clock_realtime(), &w, e);
        if (r == 0)
                r = entries_commit(c->store, &w, &place, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *path = xasprintf("%s/%s/%s", c->store->root, place.dir, place.entry);
        r = mark_read_only(path);
        return r < 0 ? store_failed(c->store, r, e, "mark read-only the snapshot", c->name) : 0;
}

static int btrfs_rollback(const StoreChange *c, Error *e)
{
        _cleanup_(store_image_done) StoreImage snapshot = {0};
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : btrfs_snapshot_find(c, &snapshot, e);

        if (r == 0)
                r = work_begin(c->store, c->image->name, &w, e);
        if (r == 0)
                r = derive(c, snapshot.path, c->image->path, c->image->created_usec, &w, e);
        return r < 0 ? r : entries_exchange(c, &w, e);
}

static int set_flag(const StoreChange *c, const char *path, bool on, Error *e)
{
        _cleanup_close_ int fd = open_directory(AT_FDCWD, path);
        int r = fd < 0 ? fd : sys_subvolume_set_read_only(fd, on);

        return r < 0 ? store_failed(c->store, r, e, "change", c->image->name) : 0;
}

static int btrfs_snapshot_remove(const StoreChange *c, Error *e)
{
        _cleanup_(store_image_done) StoreImage snapshot = {0};
        int r = entries_snapshot_find(c, &snapshot, e);

        if (r == 0)
                r = set_flag(c, snapshot.path, false, e); /* else it cannot be moved away */
        return r < 0 ? r : entries_snapshot_remove(c, e);
}

static int btrfs_read_only(const StoreChange *c, bool on, Error *e)
{
        return set_flag(c, c->image->path, on, e);
}

static int btrfs_set_limit(const StoreChange *c, uint64_t bytes, Error *e)
{
        SysSubvolume v;
        SysQuota q;
        _cleanup_close_ int fd = open_directory(AT_FDCWD, c->image->path);
        int r = fd < 0 ? fd : sys_subvolume_info(fd, &v);

        if (r == 0 && sys_quota_read(fd, v.id, &q) < 0) {
                if (bytes == STORE_UNKNOWN)
                        return 0; /* nobody counts */
                r = sys_quota_enable(fd);
        }
        if (r == 0)
                r = sys_quota_limit(fd, v.id, bytes);
        return r < 0 ? store_failed(c->store, r, e, "set the limit of", c->image->name) : 0;
}

static int btrfs_usage(Store *s, const StoreImage *i, StoreUsage *ret, Error *e)
{
        SysSubvolume v;
        SysQuota q;
        _cleanup_close_ int fd = open_directory(AT_FDCWD, i->path);
        int r = fd < 0 ? fd : sys_subvolume_info(fd, &v);

        if (r == 0)
                r = sys_quota_read(fd, v.id, &q);
        if (r < 0)
                return r;
        static_assert(SYS_NO_LIMIT == STORE_UNKNOWN, "no limit is no limit");
        *ret = (StoreUsage){.used = q.used, .exclusive = q.exclusive, .limit = q.limit, .exclusive_limit = q.exclusive_limit};
        return 0;
}

const StoreDriver driver_btrfs = {
                .id = STORE_BTRFS,
                .name = "btrfs",
                .type = "subvolume",
                .suffix = "",
                .available = btrfs_available,
                .claims = btrfs_claims,
                .load = btrfs_load,
                .make = btrfs_make,
                .finish = entries_finish,
                .clone = btrfs_clone,
                .snapshot = btrfs_snapshot,
                .rollback = btrfs_rollback,
                .snapshot_remove = btrfs_snapshot_remove,
                .remove = entries_remove,
                .snapshot_find = btrfs_snapshot_find,
                .snapshots = entries_snapshots,
                .rename = entries_rename,
                .read_only = btrfs_read_only,
                .set_limit = btrfs_set_limit,
                .usage = btrfs_usage,
};
