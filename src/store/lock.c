/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "sys/lock.h"

#define GLOBAL_LOCKS "/run/systemd/nspawn/locks"

static int in_use(const StoreImage *i, Error *e)
{
        return error_set(e, -EBUSY, "'%s' is in use: it runs, or another command changes it; stop it or try again later",
                         i->name);
}

static int lock_in(const char *dir, const char *name, bool exclusive, bool block)
{
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : sys_lock_at(fd, name, exclusive, block);
}

static int lock_local(const StoreImage *i, bool exclusive, bool block)
{
        _cleanup_free_ char *dir = path_dirname(i->path), *name = xasprintf(".#%s.lck", path_basename(i->path));

        return lock_in(dir, name, exclusive, block);
}

static int lock_global(const struct stat *st, bool exclusive, bool block)
{
        _cleanup_free_ char *name =
                        S_ISBLK(st->st_mode) ? xasprintf("block-%u:%u", major(st->st_rdev), minor(st->st_rdev))
                                             : xasprintf("inode-%lu:%lu", (unsigned long)st->st_dev, (unsigned long)st->st_ino);
        int r = file_mkdir_p(GLOBAL_LOCKS, 0755);

        return r < 0 ? r : lock_in(GLOBAL_LOCKS, name, exclusive, block);
}

/* The tree's own top directory: of no use to anybody else's systemd-nspawn, but the user's own next start sees it. */
static int lock_itself(const StoreImage *i, bool exclusive, bool block)
{
        _cleanup_close_ int fd = open(i->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (block ? 0 : LOCK_NB)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Nobody else could change a read-only file system either; without privilege /run is out of reach, for others' systemd-nspawn too. */
static bool may_do_without(int code)
{
        return code == -EROFS || code == -EACCES || code == -EPERM;
}

static int make_upper(const StoreImage *i, Error *e)
{
        int r = file_mkdir_p(i->upper, 0755);

        if (r == 0)
                r = file_mkdir_p(i->work, 0700);
        return r < 0 ? error_sys(e, r, "cannot make the writable layer of '%s'", i->name) : 0;
}

/* Whether another host may have the same file system. A list of those that only one has: anything else may be shared. */
static bool may_be_shared(const char *path)
{
        static const uint32_t one_host[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC};
        struct statfs fs;

        if (statfs(path, &fs) < 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(one_host); i++)
                if ((uint32_t)fs.f_type == one_host[i])
                        return false;
        return true;
}

static int lock_both(const StoreImage *i, bool local, bool exclusive, bool block, StoreLock *ret, Error *e)
{
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        struct stat st;

        lock.local_fd = local ? lock_local(i, exclusive, block) : -EROFS;
        if (lock.local_fd == -EAGAIN)
                return in_use(i, e);
        if (lock.local_fd < 0 && !may_do_without(lock.local_fd))
                return error_sys(e, lock.local_fd, "cannot lock '%s'", i->path);
        if (stat(i->path, &st) < 0 || st.st_dev != i->dev || st.st_ino != i->ino)
                return error_set(e, -EBUSY, "'%s' was changed by another command just now; try again", i->name);

        lock.global_fd = lock_global(&st, exclusive, block);
        if (lock.global_fd == -EAGAIN)
                return in_use(i, e);
        if (lock.global_fd < 0 && !may_do_without(lock.global_fd))
                return error_sys(e, lock.global_fd, "cannot lock '%s' below '%s'", i->path, GLOBAL_LOCKS);
        if (lock.global_fd < 0 && lock.local_fd < 0)
                lock.local_fd = lock_itself(i, exclusive, block);
        if (lock.local_fd == -EAGAIN)
                return in_use(i, e);

        int r = i->upper && exclusive ? make_upper(i, e) : 0;
        if (r < 0)
                return r;
        *ret = lock;
        lock = STORE_LOCK_NONE;
        return 0;
}

int image_lock(const StoreImage *i, bool exclusive, bool block, StoreLock *ret, Error *e)
{
        return lock_both(i, true, exclusive, block, ret, e);
}

/* Within a host everybody takes the global lock too. So the one beside a tree that somebody keeps anywhere is left out where no other
 * host can see it: it would cost the start of a small machine more than many a mount, and leave dirt when it is killed. */
int store_lock(Store *s, const StoreImage *i, bool exclusive, StoreLock *ret, Error *e)
{
        if (i->dataset && strchr(i->dataset, '@')) /* it cannot change, and ZFS keeps what is in use */
                return 0;
        return lock_both(i, s || may_be_shared(i->path), exclusive, false, ret, e);
}

static void clear_stale_in(int dirfd, const char *prefix, const char *suffix)
{
        _cleanup_strv_ char **names = NULL;

        if (dirfd < 0 || dir_entries(dirfd, ".", &names) < 0)
                return;
        STRV_FOREACH (name, names) {
                if (!str_startswith(*name, prefix) || !str_endswith(*name, suffix))
                        continue;
                _cleanup_close_ int fd = sys_lock_at(dirfd, *name, true, false);
                if (fd >= 0)
                        unlinkat(dirfd, *name, 0);
        }
}

void locks_clear_stale(Store *s)
{
        _cleanup_close_ int global = open(GLOBAL_LOCKS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        clear_stale_in(s->root_fd, ".#", ".lck");
        clear_stale_in(global, "inode-", "");
        clear_stale_in(global, "block-", "");
}

/* As systemd does: whoever is the last user takes the file away. Everybody checks after locking that the file still has its name. */
static int unlock(int fd)
{
        char path[PATH_MAX];
        ssize_t n = fd < 0 ? -1 : readlink(fd_path(fd).s, path, sizeof(path) - 1);

        if (n > 0 && sys_lock_file(fd, true, false) == 0) {
                path[n] = '\0';
                unlink(path);
        }
        return fd_close(fd);
}

void store_unlock(StoreLock *l)
{
        l->global_fd = unlock(l->global_fd);
        l->local_fd = unlock(l->local_fd);
}
