/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/strv.h"
#include "store/attrs.h"
#include "store/driver.h"

/* Writes to the topmost layer of a stack as overlayfs does, without a mount: directories on the way are copied up, what lies below is
 * hidden by a whiteout. A plain tree is a stack of one layer, where there is nothing to copy or to hide. The image may be hostile:
 * what is opened in the layer is known to be no link, and is opened as none. */

static int open_top(const StoreImage *i)
{
        const char *top = i->directory ?: i->upper;
        int fd = top ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        return fd >= 0 ? fd : top ? -errno : -EROFS;
}

static bool is_there(const StoreImage *i, const char *path)
{
        _cleanup_close_ int fd = store_image_open(i, path, O_PATH | O_NOFOLLOW);

        return fd >= 0;
}

static int enter(int dirfd, const char *name)
{
        int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int belongs_to_root(const StoreImage *i, int dirfd, const char *name)
{
        _cleanup_close_ int top = open_top(i);
        struct stat st;

        if (top < 0 || fstat(top, &st) < 0 || fchownat(dirfd, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
                return top < 0 ? top : -errno;
        return 0;
}

/* A directory that only layers below have. */
static int copy_up(const StoreImage *i, int dirfd, const char *name, const char *path)
{
        _cleanup_close_ int below = store_image_open(i, path, O_RDONLY | O_DIRECTORY);

        if (below < 0)
                return below;
        if (mkdirat(dirfd, name, 0700) < 0)
                return -errno;
        int fd = enter(dirfd, name);
        int r = fd < 0 ? fd : attrs_copy(below, fd);
        if (r == 0)
                return fd;
        fd_close(fd);
        return r;
}

/* The directory at that path of the image, in the topmost layer. */
static int open_upper(const StoreImage *i, char *const *components)
{
        _cleanup_free_ char *path = xstrdup("");
        int at = open_top(i);

        STRV_FOREACH (name, components) {
                char *longer = xasprintf("%s/%s", path, *name);
                free(path);
                path = longer;
                _cleanup_close_ int dir = at;
                if (dir < 0)
                        break;
                at = enter(dir, *name);
                if (at == -ENOENT)
                        at = copy_up(i, dir, *name, path);
        }
        return at;
}

/* A new one hides what a layer below had there before the whiteout. */
static int make_directory(const StoreImage *i, int dirfd, const char *name)
{
        bool opaque = unlinkat(dirfd, name, 0) == 0; /* nothing is there but a whiteout */

        if (mkdirat(dirfd, name, 0755) < 0)
                return -errno;
        _cleanup_close_ int fd = enter(dirfd, name);
        if (fd < 0)
                return fd;
        if (fchmod(fd, 0755) < 0 || (opaque && fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0))
                return -errno;
        return belongs_to_root(i, dirfd, name);
}

static int open_directory(const StoreImage *i, const char *path, bool make)
{
        _cleanup_strv_ char **components = NULL;
        int r = image_resolve(i, path, 0, &components);

        if (r == 0)
                return open_upper(i, components);
        if (r != -ENOENT || !make || is_there(i, path)) /* that would be a link to nowhere */
                return r;
        _cleanup_free_ char *above = path_dirname(path);
        _cleanup_close_ int dir = open_directory(i, above, true);
        r = dir < 0 ? dir : make_directory(i, dir, path_basename(path));
        return r < 0 ? r : enter(dir, path_basename(path));
}

int store_image_write(const StoreImage *i, const char *path, const char *text, mode_t mode)
{
        _cleanup_free_ char *above = path_dirname(path);
        _cleanup_close_ int dir = open_directory(i, above, true);
        int r = dir < 0 ? dir : file_write_atomic_at(dir, path_basename(path), text, strlen(text), mode, *text != 0);

        return r < 0 ? r : belongs_to_root(i, dir, path_basename(path));
}

int store_image_symlink(const StoreImage *i, const char *target, const char *path)
{
        _cleanup_free_ char *above = path_dirname(path);
        const char *name = path_basename(path);

        if (is_there(i, path))
                return -EEXIST;
        _cleanup_close_ int dir = open_directory(i, above, true);
        if (dir < 0)
                return dir;
        (void)unlinkat(dir, name, 0); /* a whiteout */
        return symlinkat(target, dir, name) < 0 ? -errno : belongs_to_root(i, dir, name);
}

int store_image_unlink(const StoreImage *i, const char *path)
{
        _cleanup_free_ char *above = path_dirname(path);
        const char *name = path_basename(path);

        if (!is_there(i, path))
                return -ENOENT;
        _cleanup_close_ int dir = open_directory(i, above, false);
        if (dir < 0)
                return dir;
        int r = unlinkat(dir, name, 0) < 0 ? -errno : 0;
        if (r < 0 && r != -ENOENT)
                return r;
        bool below = r == -ENOENT || is_there(i, path);
        return below && mknodat(dir, name, S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
}
