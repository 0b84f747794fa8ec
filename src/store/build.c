/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "store/driver.h"
#include "store/names.h"
#include "sys/lock.h"

#define BUILD_NONE ((StoreBuild){.dirfd = -1, .lock_fd = -1, .work_fd = -1})

static int lock_name(StoreBuild *b, Error *e)
{
        _cleanup_free_ char *name = xasprintf(".#%s%s.lck", b->name, driver_by_id(b->driver)->suffix);

        b->lock_fd = sys_lock_at(b->store->root_fd, name, true, false);
        if (b->lock_fd == -EAGAIN)
                return error_set(e, -EBUSY, "machine '%s' is being made by another command; wait for it or choose another name",
                                 b->name);
        return b->lock_fd < 0 ? error_sys(e, b->lock_fd, "cannot lock the name '%s'", b->name) : 0;
}

/* Two may build the same image at once: it is the same, and the first to commit has it. Machines are refused at once. */
static int claim_name(StoreBuild *b, Error *e)
{
        if (b->kind == STORE_IMAGE)
                return 0;
        int r = entries_machine_is_free(b->store, b->name, e);
        return r < 0 ? r : lock_name(b, e);
}

static int make_tree(StoreBuild *b, Error *e)
{
        const StoreDriver *d = driver_by_id(b->driver);
        int r = 0;

        if (d->make)
                r = d->make(b, &(Work){.store = b->store, .path = b->hidden, .fd = b->work_fd}, e);
        else if (mkdirat(b->work_fd, WORK_TREE, 0755) < 0)
                r = store_failed(b->store, -errno, e, "make", b->name);
        if (r < 0)
                return r;
        b->dirfd = openat(b->work_fd, WORK_TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (b->dirfd < 0 || fchmod(b->dirfd, 0755) < 0)
                return store_failed(b->store, -errno, e, "make", b->name);
        b->path = xasprintf("%s/%s/%s", b->store->root, b->hidden, WORK_TREE);
        return 0;
}

static int begin(Store *s, StoreKind kind, const char *name, StoreDriverId driver, bool replaces, StoreBuild *ret, Error *e)
{
        const StoreDriver *d = driver_by_id(driver);
        int r = kind == STORE_IMAGE ? name_check_image(name, e) : name_check_machine(name, e);

        *ret = BUILD_NONE; /* may be aborted in any case */
        if (r < 0)
                return r;
        if (!d || (!d->finish && !d->commit))
                return error_set(e, -EOPNOTSUPP, "the %s driver cannot make '%s'", d ? d->name : "given", name);
        StoreBuild b = BUILD_NONE;
        b.store = s;
        b.kind = kind;
        b.name = xstrdup(name);
        b.driver = driver;
        b.replaces = replaces;
        {
                _cleanup_close_ int hold = store_hold(s, e);
                Work w = WORK_NONE;
                r = hold < 0 ? hold : replaces ? 0 : claim_name(&b, e);
                if (r == 0)
                        r = work_begin(s, name, &w, e);
                b.hidden = w.path;
                b.work_fd = w.fd;
        }
        if (r == 0)
                r = make_tree(&b, e);
        if (r < 0) {
                store_build_abort(&b);
                return r;
        }
        *ret = b;
        return 0;
}

int store_build_begin(Store *s, StoreKind kind, const char *name, StoreDriverId driver, StoreBuild *ret, Error *e)
{
        return begin(s, kind, name, driver, false, ret, e);
}

int store_build_replace(Store *s, const StoreImage *old, StoreBuild *ret, Error *e)
{
        const StoreDriver *d = driver_by_id(old->driver);

        *ret = BUILD_NONE;
        if (old->read_only)
                return error_set(e, -EROFS, "'%s' is read-only; 'berth read-only %s no' makes it writable", old->name, old->name);
        if (d->commit && !(d->replaces && d->replaces(s, old)))
                return error_set(e, -EOPNOTSUPP, "the %s driver cannot replace what is in '%s'; remove the machine first",
                                 store_driver_name(old->driver), old->name);
        return begin(s, STORE_MACHINE, old->name, old->driver, true, ret, e);
}

static bool may_replace(const StoreBuild *b, bool replace)
{
        return b->replaces || (replace && b->kind == STORE_IMAGE);
}

static const char *directory_of(const StoreBuild *b)
{
        return b->kind == STORE_IMAGE ? STORE_IMAGES : ".";
}

/* The present image of that name gives way: exchanged when the entry has the same name, which leaves no instant without an image. */
static int replace_image(StoreBuild *b, Work *w, const Place *p, Error *e)
{
        _cleanup_(store_image_done) StoreImage old = {0};
        int r = image_load(b->store, p->dir, b->name, &old, e);

        if (r == -ENOENT)
                return entries_commit(b->store, w, p, e);
        if (r < 0)
                return r;
        w->collect = true;
        if (b->replaces && old.driver != b->driver)
                return error_set(e, -EBUSY, "'%s' was changed by another command just now; try again", b->name);
        if (old.driver == b->driver)
                return entries_exchange(&(StoreChange){.store = b->store, .image = &old}, w, e);
        if (renameat(AT_FDCWD, old.path, w->fd, WORK_OLD) < 0)
                return store_failed(b->store, -errno, e, "replace", b->name);
        return entries_commit(b->store, w, p, e);
}

static int commit(StoreBuild *b, Work *w, bool replace, Error *e)
{
        const StoreDriver *d = driver_by_id(b->driver);
        _cleanup_(place_done) Place place = {.dir = xstrdup(directory_of(b)), .entry = xasprintf("%s%s", b->name, d->suffix)};
        _cleanup_close_ int hold = store_hold(b->store, e);

        if (hold < 0)
                return hold;
        int r = b->kind == STORE_MACHINE && !b->replaces ? entries_machine_is_free(b->store, b->name, e) : 0;
        if (r == 0 && d->commit)
                return d->commit(b, w, replace, hold, e);
        if (r == 0)
                r = d->finish(b, w, e);
        if (r < 0)
                return r;
        return may_replace(b, replace) ? replace_image(b, w, &place, e) : entries_commit(b->store, w, &place, e);
}

int store_build_commit(StoreBuild *b, bool replace, Error *e)
{
        _cleanup_(store_image_done) StoreImage old = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;

        if (syncfs(b->work_fd) < 0)
                return store_failed(b->store, -errno, e, "write", b->name);
        /* A clone that is being copied from an image comes first; who runs a machine keeps it. */
        if (may_replace(b, replace) && image_load(b->store, directory_of(b), b->name, &old, NULL) == 0) {
                int r = b->replaces ? store_lock(b->store, &old, true, &lock, e) : image_lock(&old, true, true, &lock, e);
                if (r < 0)
                        return r;
        }
        Work w = {.store = b->store, .path = b->hidden, .fd = b->work_fd, .collect = true};
        int r = commit(b, &w, replace, e);
        b->hidden = NULL;
        b->work_fd = -1;
        work_end(&w);
        store_build_abort(b);
        return r;
}

int store_build_keep(StoreBuild *b, const char *machine, Error *e)
{
        int r = name_check_machine(machine, e);

        if (r < 0)
                return r;
        free(b->name);
        b->name = xstrdup(machine);
        b->kind = STORE_MACHINE;
        r = claim_name(b, e);
        return r < 0 ? r : store_build_commit(b, false, e);
}

void store_build_abort(StoreBuild *b)
{
        Work w = {.store = b->store, .path = b->hidden, .fd = b->work_fd};

        b->dirfd = fd_close(b->dirfd);
        if (b->hidden)
                work_end(&w);
        store_unlock(&(StoreLock){.local_fd = b->lock_fd, .global_fd = -1});
        free(b->name);
        free(b->path);
        *b = BUILD_NONE;
}
