/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/libc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/layers.h"
#include "store/zfs.h"
#include "sys/lock.h"
#include "sys/subvolume.h"

#define RANDOM_BYTES 8

int dir_entries(int dirfd, const char *path, char ***ret)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_closedir_ DIR *dir = NULL;
        int r = fd_opendir(dirfd, path, &dir);

        *ret = NULL;
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d && errno != 0)
                        return -errno;
                if (!d)
                        break;
                if (!str_eq(d->d_name, ".") && !str_eq(d->d_name, ".."))
                        strv_push(&names, d->d_name);
        }
        strv_sort(names);
        *ret = TAKE_PTR(names);
        return 0;
}

int rename_exclusive(int from_fd, const char *from, int to_fd, const char *to)
{
        if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL && errno != ENOSYS)
                return -errno;
        /* NFS cannot; all who make names here hold the store's lock meanwhile. */
        if (faccessat(to_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return -EEXIST;
        return renameat(from_fd, from, to_fd, to) < 0 ? -errno : 0;
}

/* Others' transactions that nobody works at any more, locked. */
typedef struct Works {
        Work *items;
        size_t n;
} Works;

static void works_done(Works *v)
{
        for (size_t i = 0; i < v->n; i++)
                work_abandon(&v->items[i]);
        free(v->items);
}

static int works_dead(Store *s, Works *ret)
{
        _cleanup_strv_ char **names = NULL;
        int r = dir_entries(s->root_fd, STORE_WORK, &names);

        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = path_join(STORE_WORK, *name);
                _cleanup_close_ int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                        continue;
                *vec_push(ret) = (Work){.store = s, .path = TAKE_PTR(path), .fd = TAKE_FD(fd)};
        }
        return r;
}

/* A machine that was renamed away is removed, and so are its snapshots: else the next machine of that name would inherit them. */
static int settle_removal(const Work *w)
{
        const char *entry = path_basename(w->path) + strlen(".#");
        size_t n = strlen(entry);

        if (n <= 2 * RANDOM_BYTES + 1 || faccessat(w->fd, WORK_REMOVED, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        _cleanup_free_ char *path = xasprintf("%s/%.*s", STORE_SNAPSHOTS, (int)(n - 2 * RANDOM_BYTES - 1), entry);
        if (renameat(w->store->root_fd, path, w->fd, WORK_SNAPSHOTS) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

static int settle(Store *s, const Works *dead, int hold)
{
        int r = 0;

        if (dead->n > 0)
                r = layers_settle(s);
        for (size_t i = 0; r == 0 && i < dead->n; i++)
                zfs_settle(&dead->items[i], hold); /* a busy dataset is no reason to stop everything: it is tried again */
        for (size_t i = 0; r == 0 && i < dead->n; i++)
                r = settle_removal(&dead->items[i]);
        for (size_t i = 0; r == 0 && i < dead->n; i++)
                r = rename_settle(&dead->items[i]);
        return r;
}

static int make_private(Store *s)
{
        static const char *const directories[] = {STORE_PRIVATE, STORE_WORK, STORE_LAYERS, STORE_SNAPSHOTS, STORE_IMAGES};

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                if (mkdirat(s->root_fd, directories[i], 0700) < 0 && errno != EEXIST)
                        return -errno;
        (void)mkdirat(s->root_fd, STORE_GUARD, 0700);
        (void)mkdirat(s->root_fd, STORE_SPARE, 0700); /* comes when there is room */
        return 0;
}

static int hold_raw(Store *s, Error *e)
{
        int r = make_private(s);

        if (r == 0)
                r = sys_lock_at(s->root_fd, STORE_PRIVATE "/lock", true, true);
        return r < 0 ? error_sys(e, r, "cannot lock the store '%s'", s->root) : r;
}

int store_hold(Store *s, Error *e)
{
        _cleanup_(works_done) Works dead = {0};
        _cleanup_close_ int hold = hold_raw(s, e);

        if (hold < 0)
                return hold;
        int r = works_dead(s, &dead);
        if (r == 0)
                r = settle(s, &dead, hold);
        if (r < 0)
                return error_sys(e, r, "cannot complete what an interrupted command left in '%s/%s'", s->root, STORE_WORK);
        return TAKE_FD(hold);
}

static int make_work(Store *s, const char *path)
{
        int r = mkdirat(s->root_fd, path, 0700) < 0 ? -errno : 0;

        if ((r == -ENOSPC || r == -EDQUOT) && renameat(s->root_fd, STORE_SPARE, s->root_fd, path) == 0)
                return 0;
        return r;
}

int work_begin(Store *s, const char *name, Work *ret, Error *e)
{
        uint8_t random[RANDOM_BYTES];
        char hex[2 * RANDOM_BYTES + 1];

        hash_random(random, sizeof(random));
        hash_hex(random, sizeof(random), hex);
        _cleanup_free_ char *path = xasprintf("%s/.#%s.%s", STORE_WORK, name, hex);
        int r = make_work(s, path);
        if (r < 0)
                return store_failed(s, r, e, "begin a change of", name);
        int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
                r = -errno;
                fd_close(fd);
                unlinkat(s->root_fd, path, AT_REMOVEDIR);
                return store_failed(s, r, e, "begin a change of", name);
        }
        *ret = (Work){.store = s, .path = TAKE_PTR(path), .fd = fd};
        return 0;
}

/* Subvolumes go at once, and those that are read-only could not be emptied file by file. */
static void remove_subvolumes(int dirfd, const char *path)
{
        _cleanup_close_ int dir = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        _cleanup_strv_ char **names = NULL;

        if (dir < 0 || !sys_is_btrfs(dir) || dir_entries(dir, ".", &names) < 0)
                return;
        STRV_FOREACH (name, names) {
                _cleanup_close_ int fd = openat(dir, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd >= 0 && sys_is_subvolume(fd))
                        (void)sys_subvolume_remove(dir, *name);
        }
}

static void remove_tree(Store *s, const Work *w)
{
        if (!zfs_discard(w))
                return;
        remove_subvolumes(w->fd, ".");
        remove_subvolumes(w->fd, WORK_SNAPSHOTS);
        (void)file_remove_tree_at(s->root_fd, w->path);
}

void work_abandon(Work *w)
{
        free(TAKE_PTR(w->path));
        w->fd = fd_close(w->fd);
}

void work_end(Work *w)
{
        if (!w->path)
                return;
        if (w->collect) {
                _cleanup_close_ int hold = store_hold(w->store, NULL);
                if (hold >= 0)
                        layers_collect(w->store, w);
        }
        remove_tree(w->store, w);                            /* what cannot go now is debris, tried again by every command */
        (void)mkdirat(w->store->root_fd, STORE_SPARE, 0700); /* in the place that has just become free */
        work_abandon(w);
}

void work_clear_debris(Store *s)
{
        _cleanup_(works_done) Works dead = {0};

        if (file_dir_is_empty_at(s->root_fd, STORE_WORK) != 0)
                return;
        {
                _cleanup_close_ int hold = hold_raw(s, NULL);
                if (hold < 0 || works_dead(s, &dead) < 0 || dead.n == 0 || settle(s, &dead, hold) < 0)
                        return;
                for (size_t i = 0; i < dead.n; i++)
                        (void)renameat(dead.items[i].fd, WORK_NEW, dead.items[i].fd, WORK_DEAD); /* uses its layers no more */
                layers_collect(s, &dead.items[0]);
        }
        for (size_t i = 0; i < dead.n; i++)
                if (journal_settle(s, dead.items[i].fd, NULL) == 0)
                        remove_tree(s, &dead.items[i]);
        locks_clear_stale(s);
}

int work_place(const Work *w, const char *name, const char *dir, const char *entry)
{
        Store *s = w->store;
        _cleanup_close_ int fd = openat(s->root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || fsync(w->fd) < 0)
                return -errno;
        int r = rename_exclusive(w->fd, name, fd, entry);
        if (r < 0)
                return r;
        return fsync(fd) < 0 ? -errno : 0;
}
