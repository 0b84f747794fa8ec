/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
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
#include "store/names.h"

void place_done(Place *p)
{
        free(p->dir);
        free(p->entry);
        *p = (Place){0};
}

char *entry_name(const char *entry)
{
        for (size_t i = 1; entry_suffixes[i]; i++) {
                const char *end = str_endswith(entry, entry_suffixes[i]);
                if (end)
                        return xstrndup(entry, (size_t)(end - entry));
        }
        return xstrdup(entry);
}

int entries_finish(StoreBuild *b, const Work *w, Error *e)
{
        if (renameat(w->fd, WORK_TREE, w->fd, WORK_NEW) < 0)
                return store_failed(b->store, -errno, e, "make", b->name);
        return 0;
}

static bool is_machine(const Store *s, const StoreImage *i)
{
        _cleanup_free_ char *dir = path_dirname(i->path);

        return str_eq(dir, s->root);
}

int entries_machine_is_free(Store *s, const char *name, Error *e)
{
        for (size_t i = 0; entry_suffixes[i]; i++) {
                _cleanup_free_ char *entry = xasprintf("%s%s", name, entry_suffixes[i]);
                if (faccessat(s->root_fd, entry, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        return error_set(e, -EEXIST, "machine '%s' already exists; remove it or choose another name", name);
        }
        return 0;
}

int entries_place(const StoreChange *c, bool snapshot, Place *ret, Error *e)
{
        const char *suffix = driver_by_id(c->image->driver)->suffix;
        _cleanup_(place_done) Place place = {.entry = xasprintf("%s%s", c->name, suffix)};

        if (!snapshot) {
                int r = entries_machine_is_free(c->store, c->name, e);
                if (r < 0)
                        return r;
                place.dir = xstrdup(".");
        } else {
                _cleanup_(store_image_done) StoreImage there = {0};
                place.dir = path_join(STORE_SNAPSHOTS, c->image->name);
                if (image_load(c->store, place.dir, c->name, &there, NULL) != -ENOENT)
                        return error_set(e, -EEXIST, "machine '%s' already has a snapshot '%s'; choose another name",
                                         c->image->name, c->name);
        }
        *ret = place;
        place = (Place){0};
        return 0;
}

int entries_clear_stale_snapshots(Store *s, const Work *w, const char *entry)
{
        _cleanup_free_ char *name = entry_name(entry);
        _cleanup_free_ char *dir = path_join(STORE_SNAPSHOTS, name);

        return renameat(s->root_fd, dir, w->fd, WORK_SNAPSHOTS) < 0 && errno != ENOENT ? -errno : 0;
}

int entries_commit(Store *s, const Work *w, const Place *p, Error *e)
{
        int r = 0;

        if (str_eq(p->dir, "."))
                r = entries_clear_stale_snapshots(s, w, p->entry);
        else if (mkdirat(s->root_fd, p->dir, 0700) < 0 && errno != EEXIST)
                r = -errno;
        if (r == 0)
                r = work_place(w, WORK_NEW, p->dir, p->entry);
        return r < 0 ? store_failed(s, r, e, "make", p->entry) : 0;
}

int entries_moved_away(const StoreChange *c, int code, Error *e)
{
        const char *name = c->image->name;

        if (code == -EBUSY || code == -EXDEV)
                return error_set(e, code, "'%s' is a mount point; unmount it first", c->image->path);
        if (code == -EPERM || code == -EROFS)
                return error_set(e, code, "'%s' is read-only; 'berth read-only %s no' makes it writable", c->image->path, name);
        if (code == -EINVAL)
                return error_set(e, -EOPNOTSUPP, "the file system of '%s' cannot exchange directories, so '%s' cannot be changed",
                                 c->store->root, name);
        return store_failed(c->store, code, e, "change", name);
}

int entries_exchange(const StoreChange *c, const Work *w, Error *e)
{
        if (fsync(w->fd) < 0 || renameat2(w->fd, WORK_NEW, AT_FDCWD, c->image->path, RENAME_EXCHANGE) < 0)
                return entries_moved_away(c, -errno, e);
        if (renameat(w->fd, WORK_NEW, w->fd, WORK_OLD) < 0 || fsync(c->store->root_fd) < 0)
                return entries_moved_away(c, -errno, e);
        return 0;
}

int entries_remove(const StoreChange *c, Error *e)
{
        Store *s = c->store;
        const StoreImage *i = c->image;
        bool machine = is_machine(s, i);
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(s, e);

        if (hold < 0)
                return hold;
        int r = work_begin(s, i->name, &w, e);
        if (r < 0)
                return r;
        if (renameat(AT_FDCWD, i->path, w.fd, machine ? WORK_REMOVED : WORK_OLD) < 0)
                return entries_moved_away(c, -errno, e);
        w.collect = true;
        if (!machine)
                return 0;
        _cleanup_free_ char *snapshots = path_join(STORE_SNAPSHOTS, i->name);
        if (renameat(s->root_fd, snapshots, w.fd, WORK_SNAPSHOTS) < 0 && errno != ENOENT)
                return error_sys(e, -errno, "cannot remove the snapshots of machine '%s'", i->name);
        return fsync(s->root_fd) < 0 ? store_failed(s, -errno, e, "remove", i->name) : 0;
}

int entries_snapshot_find(const StoreChange *c, StoreImage *ret, Error *e)
{
        _cleanup_free_ char *dir = path_join(STORE_SNAPSHOTS, c->image->name);
        int r = image_load(c->store, dir, c->name, ret, e);

        if (r < 0)
                return r;
        free(ret->name);
        ret->name = xasprintf("%s@%s", c->image->name, c->name);
        ret->read_only = true;
        return 0;
}

int entries_snapshot_remove(const StoreChange *c, Error *e)
{
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_(store_image_done) StoreImage snapshot = {0};
        _cleanup_close_ int hold = store_hold(c->store, e);

        if (hold < 0)
                return hold;
        int r = entries_snapshot_find(c, &snapshot, e);
        if (r == 0)
                r = work_begin(c->store, c->image->name, &w, e);
        if (r < 0)
                return r;
        if (renameat(AT_FDCWD, snapshot.path, w.fd, WORK_OLD) < 0)
                return store_failed(c->store, -errno, e, "remove the snapshot", c->name);
        w.collect = true;
        return 0;
}

static int by_age(const void *va, const void *vb)
{
        const StoreSnapshot *a = va, *b = vb;

        if (a->created_usec != b->created_usec)
                return a->created_usec < b->created_usec ? -1 : 1;
        return strcmp(a->name, b->name);
}

int entries_snapshots(const StoreChange *c, StoreSnapshot **ret, size_t *ret_n, Error *e)
{
        _cleanup_free_ char *dir = path_join(STORE_SNAPSHOTS, c->image->name);
        _cleanup_strv_ char **names = NULL;
        struct {
                StoreSnapshot *items;
                size_t n;
        } found = {0};
        int r = names_in(c->store, dir, &names);

        if (r < 0)
                return error_sys(e, r, "cannot read the snapshots of machine '%s'", c->image->name);
        STRV_FOREACH (name, names) {
                _cleanup_(store_image_done) StoreImage i = {0};
                if (image_load(c->store, dir, *name, &i, NULL) < 0)
                        continue;
                *vec_push(&found) = (StoreSnapshot){
                                .name = xstrdup(*name),
                                .created_usec = i.created_usec ? i.created_usec
                                                               : i.modified_usec, /* no birth time: nobody writes to it */
                };
        }
        if (found.n > 0)
                qsort(found.items, found.n, sizeof(*found.items), by_age);
        *ret = found.items;
        *ret_n = found.n;
        return 0;
}
