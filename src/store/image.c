/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/store.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/libc.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"

/* systemd's name for it, so that machinectl shows the same: a little-endian uint64_t. */
#define CREATED_XATTR "user.crtime_usec"

void store_image_done(StoreImage *i)
{
        free(i->name);
        free(i->path);
        free(i->directory);
        free(i->dataset);
        free(i->locked);
        strv_free(i->layers);
        free(i->upper);
        free(i->work);
        *i = (StoreImage){0};
}

void store_images_free(StoreImage *v, size_t n)
{
        for (size_t i = 0; i < n; i++)
                store_image_done(&v[i]);
        free(v);
}

uint64_t image_noted_created(int fd)
{
        uint64_t noted;

        return fgetxattr(fd, CREATED_XATTR, &noted, sizeof(noted)) == sizeof(noted) ? le64toh(noted) : 0;
}

/* The earlier of birth and attribute: copies and exchanged directories are born later than what they stand for. */
static uint64_t image_created(int fd)
{
        uint64_t born = 0, noted = image_noted_created(fd);
        struct statx sx;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &sx) == 0 && (sx.stx_mask & STATX_BTIME))
                born = (uint64_t)sx.stx_btime.tv_sec * USEC_PER_SEC + sx.stx_btime.tv_nsec / 1000;
        if (noted == 0)
                return born;
        return born == 0 ? noted : MIN(born, noted);
}

void image_set_created(int fd, uint64_t usec)
{
        uint64_t value = htole64(usec);

        if (usec > 0)
                (void)fsetxattr(fd, CREATED_XATTR, &value, sizeof(value),
                                0); /* tmpfs before Linux 6.6 has no user.*; a date is no reason to fail */
}

static bool is_immutable(int fd)
{
        struct statvfs fs;
        int flags = 0;

        if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY))
                return true;
        return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL);
}

int image_set_immutable(const StoreChange *c, bool on, Error *e)
{
        _cleanup_close_ int fd = open(c->image->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        int flags = 0, r = 0;

        if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                r = -errno;
        int wanted = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
        if (r == 0 && wanted != flags && ioctl(fd, FS_IOC_SETFLAGS, &wanted) < 0)
                r = -errno;
        if (r == -ENOTTY || r == -EOPNOTSUPP)
                return error_set(e, -EOPNOTSUPP, "the file system of '%s' has no mark for read-only directories (chattr +i)",
                                 c->image->path);
        return r < 0 ? error_sys(e, r, "cannot mark '%s'", c->image->path) : 0;
}

static int load(Store *s, const StoreDriver *d, StoreImage *i, int fd, Error *e)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot read '%s'", i->path);
        i->dev = st.st_dev;
        i->ino = st.st_ino;
        i->created_usec = image_created(fd);
        i->modified_usec = (uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec / 1000;
        i->read_only = is_immutable(fd);
        return d->load(s, i, fd, e);
}

/* A file is looked at before it is opened: it could be a device or a pipe. */
static int open_entry(const StoreDriver *d, const char *path)
{
        struct stat st;

        if (d->is_file && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return errno = ENOENT, -1;
        return open(path, O_RDONLY | O_CLOEXEC | (d->is_file ? O_NONBLOCK | O_NOCTTY : O_DIRECTORY));
}

static int load_entry(Store *s, const StoreDriver *d, const char *dir, StoreImage *i, Error *e)
{
        _cleanup_close_ int fd = open_entry(d, i->path);
        _cleanup_free_ char *name = NULL;

        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                return -ENOENT;
        if (fd < 0)
                return error_sys(e, -errno, "cannot open '%s'", i->path);
        if (driver_of_entry(s, dir, path_basename(i->path), fd, &name) != d)
                return -ENOENT;
        return load(s, d, i, fd, e);
}

int image_load_new(const StoreChange *c, const Work *w, StoreImage *ret, Error *e)
{
        _cleanup_(store_image_done) StoreImage image = {
                        .name = xstrdup(c->name),
                        .driver = c->image->driver,
                        .path = xasprintf("%s/%s/%s", c->store->root, w->path, WORK_NEW),
        };
        const StoreDriver *d = driver_by_id(image.driver);
        _cleanup_close_ int fd = openat(w->fd, WORK_NEW, O_RDONLY | (d->is_file ? 0 : O_DIRECTORY) | O_CLOEXEC);

        if (fd < 0)
                return error_sys(e, -errno, "cannot open '%s'", image.path);
        int r = load(c->store, d, &image, fd, e);
        if (r < 0)
                return r;
        *ret = image;
        image = (StoreImage){0};
        return 0;
}

int image_load(Store *s, const char *dir, const char *name, StoreImage *ret, Error *e)
{
        const StoreDriver *d;

        for (size_t n = 0; (d = driver_at(n)); n++) {
                _cleanup_(store_image_done) StoreImage image = {
                                .name = xstrdup(name),
                                .driver = d->id,
                                .path = path_simplify(xasprintf("%s/%s/%s%s", s->root, dir, name, d->suffix)),
                };
                int r = load_entry(s, d, dir, &image, e);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                *ret = image;
                image = (StoreImage){0};
                return 0;
        }
        return -ENOENT;
}

int store_stack_at(const char *path, StoreImage *ret, Error *e)
{
        _cleanup_free_ char *parent = path_dirname(path);
        const char *base = path_basename(path), *suffix = str_endswith(base, driver_overlay.suffix);
        Store s = {.root = parent, .root_fd = -1}; /* shared layers are beside it */
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_sys(e, -errno, "cannot open the stack '%s'", path);
        if (!suffix || suffix == base)
                return error_set(e, -EINVAL, "'%s' is no stack of layers: its name must end in '%s'", path,
                                 driver_overlay.suffix);
        _cleanup_(store_image_done) StoreImage image = {
                        .name = xstrndup(base, (size_t)(suffix - base)), .driver = STORE_OVERLAY, .path = xstrdup(path)};
        int r = load(&s, &driver_overlay, &image, fd, e);
        if (r < 0)
                return r;
        *ret = image;
        image = (StoreImage){0};
        return 0;
}
