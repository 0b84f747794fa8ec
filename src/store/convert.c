/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/strv.h"
#include "store/driver.h"
#include "sys/copy.h"
#include "sys/subvolume.h"

/* From one driver to another, file by file. What takes several of the store's own transactions is tied together by a journal. */

char *store_new_name(Store *s)
{
        for (;;) {
                uint32_t random;
                hash_random(&random, sizeof(random));
                char *name = xasprintf("berth-%08" PRIx32, random);
                if (entries_machine_is_free(s, name, NULL) == 0)
                        return name;
                free(name);
        }
}

/* ---- the files ---- */

static int copy_files(const StoreImage *source, int tree, const StoreBuild *b, const StoreQuiesce *q, const Events *ev, Error *e)
{
        bool freeze = image_is_running(q) && q->freeze;
        int r = freeze ? q->freeze(q->ctx, true, e) : 0;

        if (r < 0)
                return r;
        r = sys_copy_tree_into(tree, ".", b->dirfd, ev, e);
        if (freeze) {
                int k = q->freeze(q->ctx, false, r < 0 ? NULL : e);
                if (r == 0)
                        r = k;
        }
        if (r == -ENOSPC || r == -EDQUOT)
                return store_failed(b->store, r, e, "copy", source->name);
        return r < 0 ? error_prefix(e, r, "cannot copy '%s'", source->name) : 0;
}

static int edit_build(const StoreBuild *b, const StoreEdit *edit, Error *e)
{
        const StoreImage made = {.name = b->name, .driver = STORE_DIRECTORY, .path = b->path, .directory = b->path};

        return edit && edit->edit ? edit->edit(edit->ctx, &made, e) : 0;
}

typedef struct Source {
        const StoreImage *image;
        const StoreQuiesce *quiesce;
        StoreLock *lock; /* released before the end, which takes it itself; may be NULL */
} Source;

/* `b` comes from store_build_begin() or -replace(), whose result is r. */
static int build_from(StoreBuild *b, int r, const Source *source, const StoreEdit *edit, const Events *ev, Error *e)
{
        StoreTree tree = STORE_TREE_NONE;

        if (r == 0)
                r = store_tree_begin(b->store, source->image, &tree, e);
        if (r == 0)
                r = copy_files(source->image, tree.fd, b, source->quiesce, ev, e);
        if (r == 0)
                r = edit_build(b, edit, e);
        if (source->lock)
                store_unlock(source->lock);
        if (r == 0)
                r = store_build_commit(b, false, e);
        store_tree_end(&tree);
        store_build_abort(b);
        return r;
}

int store_copy(Store *s, const StoreImage *source, const char *new_name, StoreDriverId driver, const StoreQuiesce *q,
               const StoreEdit *edit, const Events *ev, Error *e)
{
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        StoreBuild b;
        int r = store_check_driver(s, driver, e);

        if (r == 0 && !image_is_running(q))
                r = store_lock(s, source, false, &lock, e);
        if (r < 0)
                return r;
        r = store_build_begin(s, STORE_MACHINE, new_name, driver, &b, e);
        return build_from(&b, r, &(Source){.image = source, .quiesce = q}, edit, ev, e);
}

static int empty_directory(Store *s, const StoreImage *machine, int fd, Error *e)
{
        _cleanup_strv_ char **names = NULL;
        int r = dir_entries(fd, ".", &names);

        STRV_FOREACH (name, names)
                if (r == 0)
                        r = file_remove_tree_at(fd, *name);
        return r < 0 ? store_failed(s, r, e, "replace what is in", machine->name) : 0;
}

/* What is in a machine under construction gives way. A tree is filled in its place: it is nobody's yet. */
static int refill(Store *s, const StoreImage *machine, const StoreImage *source, const Events *ev, Error *e)
{
        StoreTree tree = STORE_TREE_NONE;
        StoreBuild b;

        if (!machine->directory) {
                int r = store_build_replace(s, machine, &b, e);
                return build_from(&b, r, &(Source){.image = source}, NULL, ev, e);
        }
        _cleanup_close_ int fd = open(machine->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? store_failed(s, -errno, e, "open", machine->name) : empty_directory(s, machine, fd, e);
        if (r == 0)
                r = store_tree_begin(s, source, &tree, e);
        if (r == 0) {
                b = (StoreBuild){.store = s, .dirfd = fd};
                r = copy_files(source, tree.fd, &b, NULL, ev, e);
        }
        store_tree_end(&tree);
        return r;
}

/* ---- dates, which a copy would lose; those of ZFS are its own ---- */

static void keep_date(const StoreImage *i, uint64_t usec)
{
        _cleanup_close_ int fd = i->disk || i->dataset ? -1 : open(i->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool mark = i->driver == STORE_BTRFS && i->read_only;

        if (fd < 0)
                return;
        if (mark)
                (void)sys_subvolume_set_read_only(fd, false);
        image_set_created(fd, usec);
        if (mark)
                (void)sys_subvolume_set_read_only(fd, true);
}

/* ---- another driver ---- */

typedef struct Conversion {
        Store *store;
        const StoreImage *old;
        StoreDriverId driver;
        const Events *events;
        char *name; /* of what is under construction */
        bool begun;
} Conversion;

static int find_new(const Conversion *c, StoreImage *ret, Error *e)
{
        return store_find(c->store, STORE_MACHINE, c->name, ret, e);
}

/* The new machine is `state` of the old one. */
static int bring_to(Conversion *c, const StoreImage *state, Error *e)
{
        _cleanup_(store_image_done) StoreImage made = {0};
        StoreBuild b;
        int r = 0;

        if (c->begun) {
                r = find_new(c, &made, e);
                return r < 0 ? r : refill(c->store, &made, state, c->events, e);
        }
        c->begun = true;
        r = store_build_begin(c->store, STORE_MACHINE, c->name, c->driver, &b, e);
        return build_from(&b, r, &(Source){.image = state}, NULL, c->events, e);
}

static int take_over_snapshot(Conversion *c, const StoreSnapshot *snapshot, Error *e)
{
        _cleanup_(store_image_done) StoreImage old = {0}, made = {0}, taken = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        int r = store_find_snapshot(c->store, c->old->name, snapshot->name, &old, e);

        if (r == 0)
                r = store_lock(c->store, &old, false, &lock, e);
        if (r == 0)
                r = bring_to(c, &old, e);
        if (r == 0)
                r = find_new(c, &made, e);
        if (r == 0)
                r = store_snapshot(c->store, &made, snapshot->name, NULL, c->events, e);
        if (r == 0)
                r = store_find_snapshot(c->store, c->name, snapshot->name, &taken, e);
        if (r == 0)
                keep_date(&taken, snapshot->created_usec);
        return r;
}

static int take_over_snapshots(Conversion *c, Error *e)
{
        StoreSnapshot *v = NULL;
        size_t n = 0;
        int r = store_snapshots(c->store, c->old->name, &v, &n, e);

        for (size_t i = 0; i < n && r == 0; i++)
                r = take_over_snapshot(c, &v[i], e);
        store_snapshots_free(v, n);
        return r;
}

static int take_over_limit(const Conversion *c, const StoreImage *made, Error *e)
{
        StoreUsage u;

        store_usage(c->store, c->old, &u);
        if (u.limit == STORE_UNKNOWN || u.limit == 0)
                return 0;
        if (driver_by_id(c->driver)->set_limit)
                return store_set_limit(c->store, made, u.limit, e);
        events_warning(c->events, "machine '%s' loses its limit: the %s driver has none", c->old->name,
                       store_driver_name(c->driver));
        return 0;
}

static int make_new(Conversion *c, bool snapshots, Error *e)
{
        _cleanup_(store_image_done) StoreImage made = {0};
        int r = snapshots ? take_over_snapshots(c, e) : 0;

        if (r == 0)
                r = bring_to(c, c->old, e);
        if (r == 0)
                r = find_new(c, &made, e);
        if (r == 0)
                r = take_over_limit(c, &made, e);
        if (r == 0)
                keep_date(&made, c->old->created_usec);
        return r;
}

static int check_convertible(Store *s, const StoreImage *i, StoreDriverId driver, Error *e)
{
        if (i->driver == driver)
                return error_set(e, -EEXIST, "machine '%s' is on the %s driver already", i->name, store_driver_name(driver));
        if (i->disk)
                return error_set(e, -EOPNOTSUPP,
                                 "machine '%s' is a disk image, which is not looked into: it stays on the raw driver", i->name);
        if (i->read_only)
                return error_set(e, -EROFS, "'%s' is read-only; 'berth read-only %s no' makes it writable", i->name, i->name);
        return store_check_driver(s, driver, e);
}

int store_convert(Store *s, const StoreImage *i, StoreDriverId driver, bool snapshots, const Events *ev, Error *e)
{
        _cleanup_free_ char *name = store_new_name(s);
        Conversion c = {.store = s, .old = i, .driver = driver, .events = ev, .name = name};
        StoreLock lock = STORE_LOCK_NONE;
        StoreJournal j = STORE_JOURNAL_NONE;
        int r = check_convertible(s, i, driver, e);

        if (r == 0)
                r = store_lock(s, i, true, &lock, e);
        if (r == 0)
                r = store_journal_begin(s, i->name, &j, e);
        if (r == 0) {
                store_journal_add(&j, "remove", name, NULL);
                r = store_journal_write(&j, e);
        }
        if (r == 0)
                r = make_new(&c, snapshots, e);
        store_unlock(&lock);
        if (r == 0) {
                store_journal_add(&j, "replace", name, i->name);
                r = store_journal_write(&j, e);
        }
        if (r == 0) {
                r = store_remove(s, i, e);
                if (r < 0) { /* somebody has just started it */
                        store_journal_add(&j, "remove", name, NULL);
                        (void)store_journal_write(&j, NULL);
                }
        }
        int k = store_journal_end(&j, r < 0 ? NULL : e);
        return r < 0 ? r : k;
}

int store_flatten(Store *s, const StoreImage *i, const Events *ev, Error *e)
{
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        _cleanup_(store_image_done) StoreImage flat = {0};
        StoreBuild b;

        if (i->driver != STORE_OVERLAY)
                return error_set(e, -EOPNOTSUPP, "machine '%s' is on the %s driver, which has no layers", i->name,
                                 store_driver_name(i->driver));
        int r = store_lock(s, i, true, &lock, e);
        if (r < 0)
                return r;
        r = store_build_replace(s, i, &b, e);
        r = build_from(&b, r, &(Source){.image = i, .lock = &lock}, NULL, ev, e);
        if (r == 0)
                r = store_find(s, STORE_MACHINE, i->name, &flat, e);
        if (r == 0)
                keep_date(&flat, i->created_usec);
        return r;
}
