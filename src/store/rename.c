/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "sys/lock.h"

/* A machine has its name in several places: the image, the directory of its snapshots, settings and hashes beside it and in /etc. One
 * rename decides, that of the image; WORK_RENAME, a symlink "OLD-ENTRY/NEW-ENTRY" in the transaction's directory, says what follows. */

static const char *const settings_dirs[] = {"/etc/systemd/nspawn", "/run/systemd/nspawn"};
static const char *const beside_suffixes[] = {".nspawn",      ".roothash", ".roothash.p7s", ".usrhash",
                                              ".usrhash.p7s", ".verity",   ".roothash.sig"};

typedef int (*SideFunc)(void *ctx, int dirfd, const char *dir, const char *old, const char *new);

static int each_side_file(Store *s, const char *old, const char *new, SideFunc f, void *ctx)
{
        for (size_t d = 0; d <= ELEMENTSOF(settings_dirs); d++) {
                const char *dir = d < ELEMENTSOF(settings_dirs) ? settings_dirs[d] : s->root;
                _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                for (size_t i = 0; fd >= 0 && i < (d < ELEMENTSOF(settings_dirs) ? 1 : ELEMENTSOF(beside_suffixes)); i++) {
                        _cleanup_free_ char *from = xasprintf("%s%s", old, beside_suffixes[i]),
                                            *to = xasprintf("%s%s", new, beside_suffixes[i]);
                        int r = f(ctx, fd, dir, from, to);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int is_in_the_way(void *ctx, int dirfd, const char *dir, const char *old, const char *new)
{
        if (faccessat(dirfd, old, F_OK, AT_SYMLINK_NOFOLLOW) < 0 || faccessat(dirfd, new, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        return error_set(ctx, -EEXIST, "'%s/%s' exists, so '%s' cannot get that name; remove one of them", dir, new, old);
}

static int move_side_file(void *ctx, int dirfd, const char *dir, const char *old, const char *new)
{
        int r = rename_exclusive(dirfd, old, dirfd, new);

        return r == -ENOENT || r == -EEXIST || r == -EROFS ? 0 : r;
}

/* The image has its new name: everything else follows. Every step may have been done before. */
static int follow(const Work *w, const char *old_entry, const char *new_entry)
{
        Store *s = w->store;
        _cleanup_free_ char *old = entry_name(old_entry), *new = entry_name(new_entry), *from = path_join(STORE_SNAPSHOTS, old),
                            *to = path_join(STORE_SNAPSHOTS, new);

        if (renameat(s->root_fd, from, s->root_fd, to) < 0 && errno != ENOENT)
                return -errno;
        int r = each_side_file(s, old, new, move_side_file, NULL);
        if (r < 0)
                return r;
        return unlinkat(w->fd, WORK_RENAME, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int rename_settle(const Work *w)
{
        char target[2 * NAME_MAX + 2];
        ssize_t n = readlinkat(w->fd, WORK_RENAME, target, sizeof(target) - 1);
        char *new;

        if (n < 0)
                return errno == ENOENT ? 0 : -errno;
        target[n] = '\0';
        new = strchr(target, '/');
        if (!new)
                return 0;
        *new ++ = '\0';
        if (faccessat(w->store->root_fd, target, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
            faccessat(w->store->root_fd, new, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0; /* it never came to that */
        return follow(w, target, new);
}

/* Nobody makes a machine of the new name meanwhile. */
static int lock_new_name(const StoreChange *c, const char *entry, StoreLock *ret, Error *e)
{
        _cleanup_free_ char *name = xasprintf(".#%s.lck", entry);

        ret->local_fd = sys_lock_at(c->store->root_fd, name, true, false);
        if (ret->local_fd == -EAGAIN)
                return error_set(e, -EBUSY, "machine '%s' is being made by another command; choose another name", c->name);
        return ret->local_fd < 0 ? error_sys(e, ret->local_fd, "cannot lock the name '%s'", c->name) : 0;
}

static int note(const StoreChange *c, const Work *w, const Place *place)
{
        _cleanup_free_ char *target = path_join(path_basename(c->image->path), place->entry);
        int r = entries_clear_stale_snapshots(c->store, w, place->entry);

        if (r == 0 && (symlinkat(target, w->fd, WORK_RENAME) < 0 || fsync(w->fd) < 0))
                r = -errno;
        return r;
}

static int rename_entry(const StoreChange *c, const Work *w, const Place *place, int hold, Error *e)
{
        int root = c->store->root_fd;
        const char *old = path_basename(c->image->path);
        int r = rename_exclusive(root, old, root, place->entry);

        return r < 0 ? entries_moved_away(c, r, e) : 0;
}

int entries_rename_by(const StoreChange *c, RenameFunc rename, Error *e)
{
        _cleanup_(place_done) Place place = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        _cleanup_(work_end) Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : entries_place(c, false, &place, e);

        if (r == 0)
                r = lock_new_name(c, place.entry, &lock, e);
        if (r == 0)
                r = each_side_file(c->store, c->image->name, c->name, is_in_the_way, e);
        if (r == 0)
                r = work_begin(c->store, c->image->name, &w, e);
        if (r < 0)
                return r;
        r = note(c, &w, &place);
        if (r < 0)
                return entries_moved_away(c, r, e);
        r = rename(c, &w, &place, hold, e);
        if (r < 0)
                return r;
        r = follow(&w, path_basename(c->image->path), place.entry);
        if (r == 0 && fsync(c->store->root_fd) < 0)
                r = -errno;
        return r < 0 ? error_sys(e, r, "machine '%s' is now called '%s', but its settings or snapshots are not yet",
                                 c->image->name, c->name)
                     : 0;
}

int entries_rename(const StoreChange *c, Error *e)
{
        return entries_rename_by(c, rename_entry, e);
}
