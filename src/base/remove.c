/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/libc.h"

/* Guests make trees of any depth. So there is no recursion, and only the directory at hand is open: the way back is "..",
 * believed only when it is the directory we came from. */

typedef struct Names {
        char **items;
        size_t n;
} Names;

typedef struct Level {
        Names children; /* directories still to be removed, the next one last */
        dev_t dev;
        ino_t ino;
} Level;

typedef struct Walk {
        Level *items;
        size_t n;
        bool only_dirs;
        int fd;    /* of the last level */
        dev_t dev; /* of the top: where the kernel does not tell mount points (before Linux 5.8), another device is one */
} Walk;

static void level_done(Level *level)
{
        for (size_t i = 0; i < level->children.n; i++)
                free(level->children.items[i]);
        free(level->children.items);
}

static void walk_done(Walk *w)
{
        for (size_t i = 0; i < w->n; i++)
                level_done(&w->items[i]);
        free(w->items);
        fd_close(w->fd);
}

/* Unlinks what is no directory and collects the directories. */
static int unlink_files(int fd, bool only_dirs, Names *ret_directories)
{
        _cleanup_closedir_ DIR *dir = NULL;
        int r = fd_opendir(fd, ".", &dir);

        if (r < 0)
                return r;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d)
                        return -errno;
                if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                        continue;
                if (d->d_type != DT_DIR && (only_dirs || unlinkat(fd, d->d_name, 0) == 0 || errno == ENOENT))
                        continue;
                if (d->d_type != DT_DIR && errno != EISDIR)
                        return -errno;
                *vec_push(ret_directories) = xstrdup(d->d_name);
        }
}

static int walk_enter(Walk *w, int dirfd, const char *name)
{
        _cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct statx sx;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (w->n == 0)
                w->dev = st.st_dev;
        bool told = statx(fd, "", AT_EMPTY_PATH, 0, &sx) == 0 && (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
        if (told ? (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 : st.st_dev != w->dev)
                return -EBUSY;

        Level *level = vec_push(w);
        level->dev = st.st_dev;
        level->ino = st.st_ino;
        fd_close(w->fd);
        w->fd = TAKE_FD(fd);
        return unlink_files(w->fd, w->only_dirs, &level->children);
}

/* Back to the level before the last one. */
static int walk_leave(Walk *w)
{
        const Level *parent = &w->items[w->n - 2];
        _cleanup_close_ int up = openat(w->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (up < 0 || fstat(up, &st) < 0)
                return -errno;
        if (st.st_dev != parent->dev || st.st_ino != parent->ino)
                return -ESTALE; /* somebody moves directories about in there */
        level_done(&w->items[--w->n]);
        fd_close(w->fd);
        w->fd = TAKE_FD(up);
        return 0;
}

static int remove_directory(int dirfd, const char *name, bool only_dirs)
{
        _cleanup_(walk_done) Walk w = {.only_dirs = only_dirs, .fd = -1};
        int r = walk_enter(&w, dirfd, name);

        while (r == 0) {
                const Names *children = &w.items[w.n - 1].children;
                if (children->n > 0) {
                        r = walk_enter(&w, w.fd, children->items[children->n - 1]);
                        continue;
                }
                if (w.n == 1)
                        break;
                r = walk_leave(&w);
                if (r < 0)
                        break;
                Names *siblings = &w.items[w.n - 1].children;
                _cleanup_free_ char *child = siblings->items[--siblings->n];
                if (unlinkat(w.fd, child, AT_REMOVEDIR) < 0 && errno != ENOENT)
                        r = -errno;
        }
        if (r < 0)
                return r;
        return unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int file_remove_tree_at(int dirfd, const char *name)
{
        if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR)
                return -errno;
        return remove_directory(dirfd, name, false);
}

int file_remove_dirs_at(int dirfd, const char *name)
{
        int r = remove_directory(dirfd, name, true);

        return r == -ENOENT ? 0 : r;
}
