/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/libc.h"
#include "base/path.h"
#include "base/strv.h"
#include "store/attrs.h"
#include "store/driver.h"
#include "store/layers.h"
#include "sys/mount.h"

/* A machine is a stack of symlinks to shared read-only layers and a writable layer of its own. What is to be shared (by a clone, a
 * snapshot) is the stack as it stands, so the writable layer is first made a shared one: freeze(). */

static int overlay_load(Store *s, StoreImage *i, int dirfd, Error *e)
{
        _cleanup_(stack_done) Stack stack = {0};
        int r = stack_load(dirfd, i->path, &stack, e);

        if (r < 0)
                return r;
        for (size_t n = stack.n; n-- > 0;) {
                const StackLayer *l = &stack.items[n];
                if (l->id)
                        strv_pushf(&i->layers, "%s/%s/%s", s->root, STORE_LAYERS, l->id);
                else
                        strv_pushf(&i->layers, "%s/%s", i->path, l->entry);
        }
        if (stack.writable) {
                i->upper = path_join(i->path, "rw/data");
                i->work = path_join(i->path, "rw/work");
        } else
                i->read_only = true;
        return 0;
}

static int open_directory(int dirfd, const char *path)
{
        int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* An empty writable layer in WORK_NEW, with the attributes of the present root of the machine. */
static int write_upper(const Work *w, int root_fd)
{
        if (mkdirat(w->fd, WORK_NEW "/rw", 0700) < 0 || mkdirat(w->fd, WORK_NEW "/rw/work", 0700) < 0 ||
            mkdirat(w->fd, WORK_NEW "/rw/data", 0700) < 0)
                return -errno;
        _cleanup_close_ int data = open_directory(w->fd, WORK_NEW "/rw/data");
        return data < 0 ? data : attrs_copy(root_fd, data);
}

/* Noted, so that it stays when the store is copied or the directory exchanged. */
static int set_created(const Work *w, uint64_t usec)
{
        _cleanup_close_ int fd = open_directory(w->fd, WORK_NEW);

        if (fd < 0)
                return fd;
        image_set_created(fd, usec);
        return 0;
}

/* The directory whose attributes "/" has: the upper one, else the topmost layer. */
static int open_image_root(const StoreImage *i)
{
        return open_directory(AT_FDCWD, i->upper ? i->upper : i->layers[0]);
}

/* 1 when the machine has changed nothing since its topmost layer, not even its root directory. */
static int upper_is_untouched(const StoreImage *i)
{
        _cleanup_close_ int upper = open_directory(AT_FDCWD, i->upper), top = open_directory(AT_FDCWD, i->layers[0]);

        if (upper < 0 || top < 0)
                return upper < 0 ? upper : top;
        int r = file_dir_is_empty_at(upper, ".");
        return r <= 0 ? r : attrs_equal(upper, top);
}

/* The layers must be such that other stacks can point to them from other places. */
static int load_shareable(const StoreImage *i, Stack *ret, Error *e)
{
        _cleanup_close_ int fd = open_directory(AT_FDCWD, i->path);
        int r = fd < 0 ? error_sys(e, fd, "cannot open '%s'", i->path) : stack_load(fd, i->path, ret, e);

        for (size_t n = 0; r >= 0 && n < ret->n; n++) {
                StackLayer *l = &ret->items[n];
                _cleanup_free_ char *path = path_join(i->path, l->entry);
                if (l->id)
                        continue;
                if (!l->target)
                        return error_set(e, -EOPNOTSUPP,
                                         "'%s' is a directory of machine '%s' alone, so other states cannot share it; "
                                         "replace it by a symlink to a directory elsewhere",
                                         path, i->name);
                free(l->target);
                l->target = realpath(path, NULL);
                if (!l->target)
                        return error_sys(e, -errno, "cannot follow '%s'", path);
        }
        return r < 0 ? r : 0;
}

static int check_depth(const StoreChange *c, size_t n, Error *e)
{
        if (n > STACK_DEPTH_MAX)
                return error_set(e, -E2BIG,
                                 "'%s' has %d layers, as many as overlayfs can stack; roll it back to an older snapshot",
                                 c->image->name, STACK_DEPTH_MAX);
        if (n > STACK_DEPTH_WARN)
                events_warning(c->events,
                               "'%s' stands on %zu layers; every snapshot and clone of a changed machine adds one, %d are the "
                               "most",
                               c->image->name, n, STACK_DEPTH_MAX);
        return 0;
}

/* What another state needs is on disk as WORK_NEW, and the promise in place of the layer. Two exchanges make it true. */
static int freeze_exchange(const StoreChange *c, Work *w, const char *layer, Error *e)
{
        Store *s = c->store;

        if (fsync(w->fd) < 0 || renameat2(w->fd, WORK_NEW, AT_FDCWD, c->image->path, RENAME_EXCHANGE) < 0) {
                int r = -errno;
                unlinkat(s->root_fd, layer, 0);
                return entries_moved_away(c, r, e);
        }
        if (renameat2(w->fd, WORK_NEW "/rw/data", s->root_fd, layer, RENAME_EXCHANGE) < 0 || fsync(s->root_fd) < 0) {
                int r = -errno;
                work_abandon(w); /* holds the layer: the next command completes it */
                return store_failed(s, r, e, "share the present state of", c->image->name);
        }
        return 0;
}

/* Makes the writable layer D of a machine that does not run a shared layer, and gives the machine an empty one. D must move from
 * NAME.mstack/rw/data to layers/ID, and the stack must get a symlink to layers/ID: no single rename does both. So:
 *
 *   1. WORK/new is the stack to be: the old layers, layer@N -> layers/ID, an empty rw/data.
 *   2. layers/ID -> WORK/new/rw/data, a symlink: the promise. It points to that empty directory; nobody uses it yet.
 *   3. Exchange NAME.mstack and WORK/new. In this instant the promise points to D, as that is rw/data of the old stack; the machine
 *      stands on its old layers, D (through two symlinks) and an empty rw/data: the same content as before.
 *   4. Exchange the promise and D: layers/ID is D itself. The content is the same again.
 *
 * Killed before 3: the promise has no user and is dropped (layers_settle()), WORK is debris. Between 3 and 4: it has, and layers_settle()
 * does 4, before anybody removes WORK. Neither readers nor mounts can see a half-done state. */
static int freeze(const StoreChange *c, Stack *stack, Error *e)
{
        Store *s = c->store;
        const StoreImage *i = c->image;
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int root = open_image_root(i);
        char id[33];
        int r = root < 0 ? root : upper_is_untouched(i);

        if (r < 0)
                return store_failed(s, r, e, "read", i->name);
        if (r > 0)
                return 0;
        r = check_depth(c, stack->n + 1, e);
        if (r == 0)
                r = work_begin(s, i->name, &w, e);
        if (r < 0)
                return r;
        layer_new_id(id);
        stack_push(stack, id);
        r = stack_write(&w, WORK_NEW, stack, ".");
        if (r == 0)
                r = write_upper(&w, root);
        if (r == 0)
                r = set_created(&w, i->created_usec);
        if (r == 0) {
                _cleanup_free_ char *layer = layer_path(id),
                                    *promise = xasprintf("../work/%s/%s/rw/data", path_basename(w.path), WORK_NEW);
                if (symlinkat(promise, s->root_fd, layer) == 0)
                        return freeze_exchange(c, &w, layer, e);
                r = -errno;
        }
        return store_failed(s, r, e, "share the present state of", i->name);
}

/* Another state with the layers of a machine or image: a clone, or a snapshot, which has no writable layer. */
typedef struct Derivation {
        bool snapshot;
        Stack stack;
        Place place;
        Work work;
} Derivation;

static void derivation_done(Derivation *d)
{
        work_end(&d->work);
        stack_done(&d->stack);
        place_done(&d->place);
}

/* From here on WORK_NEW keeps the layers from being collected, also while the store is not held. */
static int derive_begin(const StoreChange *c, Derivation *d, Error *e)
{
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : entries_place(c, d->snapshot, &d->place, e);

        if (r == 0)
                r = load_shareable(c->image, &d->stack, e);
        if (r == 0 && c->image->upper && !image_is_running(c->quiesce))
                r = freeze(c, &d->stack, e);
        if (r == 0)
                r = work_begin(c->store, c->image->name, &d->work, e);
        if (r < 0)
                return r;
        r = stack_write(&d->work, WORK_NEW, &d->stack, d->place.dir);
        return r < 0 ? store_failed(c->store, r, e, "share the layers of", c->image->name) : 0;
}

/* A running machine keeps its writable layer, and what is in it is copied. Returns 1 when there is a copy, in WORK_TREE. */
static int copy_running(const StoreChange *c, Derivation *d, Error *e)
{
        if (!c->image->upper || !image_is_running(c->quiesce))
                return 0;
        int r = upper_is_untouched(c->image);
        if (r != 0)
                return r < 0 ? store_failed(c->store, r, e, "read", c->image->name) : 0;
        r = check_depth(c, d->stack.n + 1, e);
        if (r == 0)
                r = copy_frozen(c, c->image->upper, &d->work, WORK_TREE, e);
        return r < 0 ? r : 1;
}

/* Makes WORK_TREE a shared layer, the topmost of WORK_NEW. */
static int publish(Derivation *d)
{
        char id[33];

        layer_new_id(id);
        _cleanup_free_ char *layer = layer_path(id);
        if (renameat(d->work.fd, WORK_TREE, d->work.store->root_fd, layer) < 0)
                return -errno;
        d->work.collect = true; /* if it does not come to be used */
        stack_push(&d->stack, id);
        return stack_write(&d->work, WORK_NEW, &d->stack, d->place.dir);
}

static int derive_commit(const StoreChange *c, Derivation *d, bool copied, Error *e)
{
        _cleanup_close_ int root = open_image_root(c->image), hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : 0;

        if (r == 0 && !d->snapshot)
                r = entries_machine_is_free(c->store, c->name, e);
        if (r < 0)
                return r;
        if (copied)
                r = publish(d);
        if (r == 0 && !d->snapshot)
                r = root < 0 ? root : write_upper(&d->work, root);
        if (r == 0)
                r = set_created(&d->work, clock_realtime());
        if (r < 0)
                return store_failed(c->store, r, e, "copy", c->image->name);
        r = d->snapshot ? 0 : edit_new(c, &d->work, e);
        return r < 0 ? r : entries_commit(c->store, &d->work, &d->place, e);
}

static int derive(const StoreChange *c, bool snapshot, Error *e)
{
        _cleanup_(derivation_done) Derivation d = {.snapshot = snapshot, .work = WORK_NONE};
        int r = derive_begin(c, &d, e);

        if (r == 0)
                r = copy_running(c, &d, e);
        return r < 0 ? r : derive_commit(c, &d, r > 0, e);
}

static int overlay_clone(const StoreChange *c, Error *e)
{
        return derive(c, false, e);
}

static int overlay_snapshot(const StoreChange *c, Error *e)
{
        return derive(c, true, e);
}

static int overlay_rollback(const StoreChange *c, Error *e)
{
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_(stack_done) Stack stack = {0};
        _cleanup_(store_image_done) StoreImage snapshot = {0};
        _cleanup_close_ int hold = store_hold(c->store, e), root = -1;
        int r = hold < 0 ? hold : entries_snapshot_find(c, &snapshot, e);

        if (r == 0)
                r = load_shareable(&snapshot, &stack, e);
        if (r == 0)
                r = work_begin(c->store, c->image->name, &w, e);
        if (r < 0)
                return r;
        r = root = open_image_root(&snapshot);
        if (r >= 0)
                r = stack_write(&w, WORK_NEW, &stack, ".");
        if (r == 0 && c->image->upper)
                r = write_upper(&w, root);
        if (r == 0)
                r = set_created(&w, c->image->created_usec);
        if (r < 0)
                return store_failed(c->store, r, e, "roll back", c->image->name);
        w.collect = true;
        return entries_exchange(c, &w, e);
}

/* What it has changed becomes a layer first: clones and snapshots can share it then, and need no change of the stack. */
static int overlay_read_only(const StoreChange *c, bool on, Error *e)
{
        _cleanup_(stack_done) Stack stack = {0};
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : 0;

        if (r == 0 && on && c->image->upper && !c->image->read_only) {
                r = load_shareable(c->image, &stack, e);
                if (r == 0)
                        r = freeze(c, &stack, e);
                else if (r == -EOPNOTSUPP)
                        r = 0;
        }
        return r < 0 ? r : image_set_immutable(c, on, e);
}

/* The first layer of a new image is the tree that was filled. */
static int overlay_finish(StoreBuild *b, const Work *w, Error *e)
{
        _cleanup_(stack_done) Stack stack = {0};
        char id[33];

        layer_new_id(id);
        stack_push(&stack, id);
        _cleanup_free_ char *layer = layer_path(id);
        int r = renameat(w->fd, WORK_TREE, b->store->root_fd, layer) < 0 ? -errno : 0;
        if (r == 0)
                r = stack_write(w, WORK_NEW, &stack, b->kind == STORE_IMAGE ? STORE_IMAGES : ".");
        if (r == 0 && b->kind == STORE_MACHINE)
                r = write_upper(w, b->dirfd);
        if (r == 0)
                r = set_created(w, clock_realtime());
        return r < 0 ? store_failed(b->store, r, e, "make", b->name) : 0;
}

static bool can_mount(const Work *w)
{
        if (mkdirat(w->fd, "lower", 0700) < 0 || mkdirat(w->fd, "upper", 0700) < 0 || mkdirat(w->fd, "work", 0700) < 0)
                return false;
        _cleanup_close_ int lower = open_directory(w->fd, "lower"), upper = open_directory(w->fd, "upper"),
                            work = open_directory(w->fd, "work");
        if (lower < 0 || upper < 0 || work < 0)
                return false;
        _cleanup_close_ int mount =
                        sys_mount_overlay(&(SysOverlay){.lower = &lower, .n_lower = 1, .upper = upper, .work = work}, 0, NULL);
        return mount >= 0;
}

/* Without these the kernel mounts it all the same, and fails later: attributes of its own, whiteouts; and what we ask: exchanges. */
static bool can_carry(const Work *w)
{
        struct statfs fs;

        if (fstatfs(w->fd, &fs) < 0 || fs.f_type == OVERLAYFS_SUPER_MAGIC || fs.f_type == NFS_SUPER_MAGIC)
                return false;
        return mkdirat(w->fd, "directory", 0700) == 0 && mknodat(w->fd, "whiteout", S_IFCHR, makedev(0, 0)) == 0 &&
               fsetxattr(w->fd, "trusted.overlay.opaque", "y", 1, 0) == 0 &&
               renameat2(w->fd, "directory", w->fd, "whiteout", RENAME_EXCHANGE) == 0;
}

static bool overlay_available(Store *s)
{
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(s, NULL);

        return hold >= 0 && work_begin(s, "probe", &w, NULL) == 0 && can_carry(&w) && can_mount(&w);
}

const StoreDriver driver_overlay = {
                .id = STORE_OVERLAY,
                .name = "overlay",
                .type = "mstack",
                .suffix = ".mstack",
                .available = overlay_available,
                .load = overlay_load,
                .finish = overlay_finish,
                .clone = overlay_clone,
                .snapshot = overlay_snapshot,
                .rollback = overlay_rollback,
                .snapshot_remove = entries_snapshot_remove,
                .remove = entries_remove,
                .snapshot_find = entries_snapshot_find,
                .snapshots = entries_snapshots,
                .rename = entries_rename,
                .read_only = overlay_read_only,
};
