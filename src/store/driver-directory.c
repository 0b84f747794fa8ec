/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "store/driver.h"

#define CLOCK_GRAIN_USEC 20000 /* the kernel's dates lag behind by a tick */

/* Plain trees. Every state is a whole copy, with shared blocks where the file system can (reflinks). */

static int directory_load(Store *s, StoreImage *i, int dirfd, Error *e)
{
        i->directory = xstrdup(i->path);
        return 0;
}

static int begin(const StoreChange *c, Work *ret, Error *e)
{
        _cleanup_close_ int hold = store_hold(c->store, e);

        return hold < 0 ? hold : work_begin(c->store, c->image->name, ret, e);
}

/* The name is looked at before the long copy, for the message, and again by the rename. */
static int find_place(const StoreChange *c, bool snapshot, Place *ret, Error *e)
{
        _cleanup_close_ int hold = store_hold(c->store, e);

        return hold < 0 ? hold : entries_place(c, snapshot, ret, e);
}

/* A copy has the note of its source, if that has one. */
static void set_created(const Work *w, uint64_t usec)
{
        _cleanup_close_ int fd = openat(w->fd, WORK_NEW, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0)
                image_set_created(fd, usec);
}

static int copy_to(const StoreChange *c, bool snapshot, Error *e)
{
        _cleanup_(place_done) Place place = {0};
        _cleanup_(work_end) Work w = WORK_NONE;
        uint64_t now = clock_realtime() - CLOCK_GRAIN_USEC; /* earlier than the birth of the copy, so that it counts */
        int r = find_place(c, snapshot, &place, e);

        if (r == 0)
                r = begin(c, &w, e);
        if (r == 0)
                r = copy_frozen(c, c->image->path, &w, WORK_NEW, e);
        if (r == 0 && !snapshot)
                r = edit_new(c, &w, e);
        if (r < 0)
                return r;
        set_created(&w, now);
        _cleanup_close_ int hold = store_hold(c->store, e);
        if (hold < 0)
                return hold;
        r = snapshot ? 0 : entries_machine_is_free(c->store, c->name, e);
        return r < 0 ? r : entries_commit(c->store, &w, &place, e);
}

int copied_clone(const StoreChange *c, Error *e)
{
        return copy_to(c, false, e);
}

int copied_snapshot(const StoreChange *c, Error *e)
{
        return copy_to(c, true, e);
}

int copied_rollback(const StoreChange *c, Error *e)
{
        _cleanup_(store_image_done) StoreImage snapshot = {0};
        _cleanup_(work_end) Work w = WORK_NONE;
        int r = entries_snapshot_find(c, &snapshot, e);

        if (r == 0)
                r = begin(c, &w, e);
        if (r == 0)
                r = copy_frozen(c, snapshot.path, &w, WORK_NEW, e);
        if (r < 0)
                return r;
        set_created(&w, c->image->created_usec);
        _cleanup_close_ int hold = store_hold(c->store, e);
        return hold < 0 ? hold : entries_exchange(c, &w, e);
}

const StoreDriver driver_directory = {
                .id = STORE_DIRECTORY,
                .name = "directory",
                .type = "directory",
                .suffix = "",
                .load = directory_load,
                .finish = entries_finish,
                .clone = copied_clone,
                .snapshot = copied_snapshot,
                .rollback = copied_rollback,
                .snapshot_remove = entries_snapshot_remove,
                .remove = entries_remove,
                .snapshot_find = entries_snapshot_find,
                .snapshots = entries_snapshots,
                .rename = entries_rename,
                .read_only = image_set_immutable,
};
