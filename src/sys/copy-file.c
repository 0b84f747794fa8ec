/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/copy-private.h"
#include "sys/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

#define BLOCK (128 * 1024)

void copy_file_done(CopyFile *c)
{
        free(c->list);
        free(c->value);
        *c = (CopyFile){};
}

static bool is_unsupported(int error)
{
        return error == EOPNOTSUPP || error == EXDEV || error == EINVAL || error == ENOSYS || error == ENOTTY || error == EPERM;
}

/* By read and write, for pairs of file systems without copy_file_range(2). */
static int copy_block(CopyFile *c, int from, int to, off_t offset, size_t len)
{
        if (!c->value)
                c->value = xmalloc(MAX(BLOCK, XATTR_SIZE_MAX));

        ssize_t n = pread(from, c->value, MIN(len, (size_t)BLOCK), offset);
        for (ssize_t done = 0; n > 0 && done < n;) {
                ssize_t written = pwrite(to, c->value + done, (size_t)(n - done), offset + done);
                if (written < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                done += written;
        }
        return n < 0 ? -errno : (int)n;
}

static int copy_extent(CopyFile *c, int from, int to, off_t offset, off_t end)
{
        while (offset < end) {
                ssize_t n = -1;
                if (!c->no_range) {
                        off_t in = offset, out = offset;
                        n = copy_file_range(from, &in, to, &out, (size_t)MIN(end - offset, (off_t)1 << 30), 0);
                        if (n < 0 && errno == EINTR)
                                continue;
                        if (n < 0 && !is_unsupported(errno))
                                return -errno;
                        if (n <= 0)
                                c->no_range = n < 0;
                }
                if (n <= 0)
                        n = copy_block(c, from, to, offset, (size_t)MIN(end - offset, (off_t)BLOCK));
                if (n == -EINTR)
                        continue;
                if (n <= 0)
                        return (int)n; /* 0: the file became shorter meanwhile */
                offset += n;
        }
        return 0;
}

static int copy_extents(CopyFile *c, int from, int to, off_t size)
{
        for (off_t hole = 0; hole < size;) {
                off_t data = lseek(from, hole, SEEK_DATA);
                if (data < 0 && errno == ENXIO) /* only a hole is left */
                        break;
                if (data < 0)
                        return errno == EINVAL ? copy_extent(c, from, to, 0, size) : -errno;
                hole = lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                int r = copy_extent(c, from, to, data, MIN(hole, size));
                if (r < 0)
                        return r;
        }
        return ftruncate(to, size) < 0 ? -errno : 0;
}

int copy_file_data(CopyFile *c, int from, int to, const struct statx *sx)
{
        off_t size = (off_t)sx->stx_size;

        if (size == 0)
                return 0;
        if (!c->no_clone) {
                if (ioctl(to, FICLONE, from) == 0)
                        return 0;
                if (!is_unsupported(errno) && errno != ETXTBSY)
                        return -errno;
                /* EINVAL is about this file (btrfs: inline or nodatacow), the rest about the file systems. */
                c->no_clone = errno != EINVAL && errno != ETXTBSY;
        }
        bool sparse = sx->stx_blocks * 512 < sx->stx_size;
        return sparse ? copy_extents(c, from, to, size) : copy_extent(c, from, to, 0, size);
}

/* The l…xattr functions know only paths. The directory's descriptor in /proc makes one that works at any depth and for any file
 * type. */
typedef struct XattrPath {
        char s[sizeof(FdPath) + 1 + NAME_MAX + 1];
} XattrPath;

static XattrPath xattr_path(int dirfd, const char *name)
{
        XattrPath p;

        snprintf(p.s, sizeof(p.s), "%s/%s", fd_path(dirfd).s, name);
        return p;
}

static int copy_xattr(CopyFile *c, const char *from, const char *to, const char *attribute)
{
        ssize_t n = lgetxattr(from, attribute, c->value, XATTR_SIZE_MAX);

        if (n < 0)
                return errno == ENODATA ? 0 : -errno;
        if (lsetxattr(to, attribute, c->value, (size_t)n, 0) == 0)
                return 0;
        if (errno != EOPNOTSUPP)
                return -errno;
        c->lost_xattrs = true;
        return 0;
}

static int copy_xattrs(CopyFile *c, const char *from, const char *to)
{
        if (!c->list)
                c->list = xmalloc(XATTR_LIST_MAX);
        if (!c->value)
                c->value = xmalloc(MAX(BLOCK, XATTR_SIZE_MAX));

        ssize_t n = llistxattr(from, c->list, XATTR_LIST_MAX);
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;
        for (const char *a = c->list; a < c->list + n; a += strlen(a) + 1) {
                if (c->across && !str_startswith(a, "user."))
                        continue;
                int r = copy_xattr(c, from, to, a);
                if (r < 0)
                        return r;
        }
        return 0;
}

static struct timespec timespec_of(const struct statx_timestamp *t)
{
        return (struct timespec){.tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec};
}

static uint32_t mapped(const CopyFile *c, uint32_t id)
{
        const SysCopyAcross *a = c->across;

        if (!a || a->count == 0)
                return id;
        return a->to + (id >= a->from && id - a->from < a->count ? id - a->from : 0);
}

/* By what is there, and not by its name: in a machine that runs it may be a link by now, to anywhere. */
static int set_mode(int dirfd, const char *name, mode_t mode)
{
        _cleanup_close_ int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ESTALE;
        return chmod(fd_path(fd).s, mode) < 0 ? -errno : 0;
}

int copy_file_metadata(CopyFile *c, int from_dirfd, const char *from, int to_dirfd, const char *to, const struct statx *sx)
{
        struct timespec times[2] = {timespec_of(&sx->stx_atime), timespec_of(&sx->stx_mtime)};
        XattrPath from_path = xattr_path(from_dirfd, from), to_path = xattr_path(to_dirfd, to);

        /* chown first: it takes set-ID bits and file capabilities away. */
        if (fchownat(to_dirfd, to, mapped(c, sx->stx_uid), mapped(c, sx->stx_gid), AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        int r = S_ISLNK(sx->stx_mode) ? 0 : set_mode(to_dirfd, to, sx->stx_mode & (c->across ? 01777 : 07777));
        if (r < 0)
                return r;
        r = copy_xattrs(c, from_path.s, to_path.s);
        if (r < 0)
                return r;
        return utimensat(to_dirfd, to, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int sys_copy_file(int src_dirfd, const char *src, int dst_dirfd, const char *dst)
{
        _cleanup_(copy_file_done) CopyFile c = {0};
        _cleanup_close_ int from = openat(src_dirfd, src, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        _cleanup_close_ int to = openat(dst_dirfd, dst, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct statx sx;

        if (from < 0 || to < 0 || statx(from, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx) < 0)
                return -errno;
        int r = copy_file_data(&c, from, to, &sx);
        if (r == 0 && ftruncate(to, (off_t)sx.stx_size) < 0) /* a hole at the end */
                r = -errno;
        return r < 0 ? r : copy_file_metadata(&c, src_dirfd, src, dst_dirfd, dst, &sx);
}
