/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "store/driver.h"
#include "store/layers.h"
#include "store/names.h"
#include "sys/copy.h"

/* The verbs: names, locks and what a driver cannot do; the work itself is the driver's. */

static int unsupported(const StoreDriver *d, const StoreChange *c, const char *verb, Error *e)
{
        return error_set(e, -EOPNOTSUPP, "machine '%s' is on the %s driver, which cannot %s", c->image->name, d->name, verb);
}

static int lock_source(const StoreChange *c, StoreLock *ret, Error *e)
{
        if (image_is_running(c->quiesce))
                return 0; /* its supervisor holds the lock, and quiesce takes its place */
        return store_lock(c->store, c->image, !c->image->read_only, ret, e);
}

bool image_is_running(const StoreQuiesce *q)
{
        return q && q->running;
}

int edit_new(const StoreChange *c, const Work *w, Error *e)
{
        _cleanup_(store_image_done) StoreImage made = {0};

        if (!c->edit || !c->edit->edit)
                return 0;
        int r = image_load_new(c, w, &made, e);
        return r < 0 ? r : c->edit->edit(c->edit->ctx, &made, e);
}

int store_clone(Store *s, const StoreImage *source, const char *new_name, const StoreQuiesce *q, const StoreEdit *edit,
                const Events *ev, Error *e)
{
        StoreChange c = {.store = s, .image = source, .name = new_name, .quiesce = q, .edit = edit, .events = ev};
        const StoreDriver *d = driver_by_id(source->driver);
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;

        if (!d->clone)
                return unsupported(d, &c, "clone", e);
        int r = name_check_machine(new_name, e);
        if (r == 0)
                r = lock_source(&c, &lock, e);
        return r < 0 ? r : d->clone(&c, e);
}

int store_snapshot(Store *s, const StoreImage *i, const char *snapshot, const StoreQuiesce *q, const Events *ev, Error *e)
{
        StoreChange c = {.store = s, .image = i, .name = snapshot, .quiesce = q, .events = ev};
        const StoreDriver *d = driver_by_id(i->driver);
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;

        if (!d->snapshot)
                return unsupported(d, &c, "take snapshots", e);
        int r = name_check_snapshot(snapshot, e);
        if (r == 0)
                r = lock_source(&c, &lock, e);
        return r < 0 ? r : d->snapshot(&c, e);
}

static int find_snapshot(const StoreChange *c, StoreImage *ret, Error *e)
{
        const StoreDriver *d = driver_by_id(c->image->driver);
        int r = name_check_snapshot(c->name, e);

        if (r < 0)
                return r;
        if (!d->snapshot_find)
                return unsupported(d, c, "take snapshots", e);
        r = d->snapshot_find(c, ret, e);
        if (r == -ENOENT)
                return error_set(e, r, "machine '%s' has no snapshot '%s'", c->image->name, c->name);
        return r;
}

int store_find_snapshot(Store *s, const char *name, const char *snapshot, StoreImage *ret, Error *e)
{
        _cleanup_(store_image_done) StoreImage image = {0};
        int r = store_find(s, STORE_MACHINE, name, &image, e);

        return r < 0 ? r : find_snapshot(&(StoreChange){.store = s, .image = &image, .name = snapshot}, ret, e);
}

int store_rollback(Store *s, const StoreImage *i, const char *snapshot, Error *e)
{
        StoreChange c = {.store = s, .image = i, .name = snapshot};
        const StoreDriver *d = driver_by_id(i->driver);
        _cleanup_(store_image_done) StoreImage from = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE, from_lock = STORE_LOCK_NONE;

        if (!d->rollback)
                return unsupported(d, &c, "roll back", e);
        int r = find_snapshot(&c, &from, e);
        if (r == 0)
                r = store_lock(s, i, true, &lock, e);
        if (r == 0)
                r = store_lock(s, &from, false, &from_lock, e);
        return r < 0 ? r : d->rollback(&c, e);
}

int store_snapshot_remove(Store *s, const char *name, const char *snapshot, Error *e)
{
        _cleanup_(store_image_done) StoreImage image = {0}, found = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        StoreChange c = {.store = s, .image = &image, .name = snapshot};
        int r = store_find(s, STORE_MACHINE, name, &image, e);

        if (r == 0)
                r = find_snapshot(&c, &found, e);
        if (r < 0)
                return r;
        const StoreDriver *d = driver_by_id(image.driver);
        if (!d->snapshot_remove)
                return unsupported(d, &c, "remove snapshots", e);
        r = store_lock(s, &found, true, &lock, e);
        return r < 0 ? r : d->snapshot_remove(&c, e);
}

int store_snapshots(Store *s, const char *name, StoreSnapshot **ret, size_t *ret_n, Error *e)
{
        _cleanup_(store_image_done) StoreImage image = {0};
        int r = store_find(s, STORE_MACHINE, name, &image, e);

        if (r < 0)
                return r;
        const StoreDriver *d = driver_by_id(image.driver);
        *ret = NULL;
        *ret_n = 0;
        return d->snapshots ? d->snapshots(&(StoreChange){.store = s, .image = &image}, ret, ret_n, e) : 0;
}

void store_snapshots_free(StoreSnapshot *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(v[i].name);
        free(v);
}

int store_remove(Store *s, const StoreImage *i, Error *e)
{
        StoreChange c = {.store = s, .image = i};
        const StoreDriver *d = driver_by_id(i->driver);
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;

        if (!d->remove)
                return unsupported(d, &c, "remove machines", e);
        int r = store_lock(s, i, true, &lock, e);
        return r < 0 ? r : d->remove(&c, e);
}

int store_rename(Store *s, const StoreImage *i, const char *new_name, Error *e)
{
        StoreChange c = {.store = s, .image = i, .name = new_name};
        const StoreDriver *d = driver_by_id(i->driver);
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;

        if (!d->rename)
                return unsupported(d, &c, "rename machines", e);
        int r = name_check_machine(new_name, e);
        if (r == 0)
                r = store_lock(s, i, true, &lock, e);
        if (r == 0 && i->read_only) /* a subvolume's flag would not keep it from being renamed */
                return entries_moved_away(&c, -EROFS, e);
        return r < 0 ? r : d->rename(&c, e);
}

int store_read_only(Store *s, const StoreImage *i, bool on, Error *e)
{
        StoreChange c = {.store = s, .image = i};
        const StoreDriver *d = driver_by_id(i->driver);
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;

        if (!d->read_only)
                return unsupported(d, &c, "mark machines read-only", e);
        int r = store_lock(s, i, !i->read_only, &lock, e);
        return r < 0 ? r : d->read_only(&c, on, e);
}

int store_set_limit(Store *s, const StoreImage *i, uint64_t bytes, Error *e)
{
        StoreChange c = {.store = s, .image = i};
        const StoreDriver *d = driver_by_id(i->driver);

        return d->set_limit ? d->set_limit(&c, bytes, e) : unsupported(d, &c, "limit what a machine uses", e);
}

void store_usage(Store *s, const StoreImage *i, StoreUsage *ret)
{
        const StoreDriver *d = driver_by_id(i->driver);

        if (!d->usage || d->usage(s, i, ret, NULL) < 0)
                *ret = (StoreUsage){STORE_UNKNOWN, STORE_UNKNOWN, STORE_UNKNOWN, STORE_UNKNOWN};
}

static int copy_image(const char *source, const Work *w, const char *name, Error *e)
{
        _cleanup_free_ char *dir = path_dirname(source);
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : sys_copy_file(fd, path_basename(source), w->fd, name);

        return r < 0 ? error_sys(e, r, "'%s'", source) : 0;
}

int copy_frozen(const StoreChange *c, const char *source, const Work *w, const char *name, Error *e)
{
        const StoreQuiesce *q = c->quiesce;
        bool freeze = image_is_running(q) && q->freeze;
        int r = freeze ? q->freeze(q->ctx, true, e) : 0;

        if (r < 0)
                return r;
        r = driver_by_id(c->image->driver)->is_file ? copy_image(source, w, name, e)
                                                    : sys_copy_tree(AT_FDCWD, source, w->fd, name, c->events, e);
        if (freeze) {
                int k = q->freeze(q->ctx, false, r < 0 ? NULL : e);
                if (r == 0)
                        r = k;
        }
        if (r == -ENOSPC || r == -EDQUOT)
                return store_failed(c->store, r, e, "copy", c->image->name);
        if (r < 0)
                return error_prefix(e, r, "cannot copy '%s'", c->image->name);
        return syncfs(w->fd) < 0 ? store_failed(c->store, -errno, e, "copy", c->image->name) : 0;
}
