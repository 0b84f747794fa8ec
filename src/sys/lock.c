/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/macro.h"

/* Whether the locked file is still the one with that name: 1, 0 or -errno. */
static int is_named(int fd, int dirfd, const char *name)
{
        struct stat held, named;

        if (fstat(fd, &held) < 0)
                return -errno;
        if (fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

int sys_lock_file(int fd, bool exclusive, bool block)
{
        const struct flock whole = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

        return fcntl(fd, block ? F_OFD_SETLKW : F_OFD_SETLK, &whole) < 0 ? (errno == EACCES ? -EAGAIN : -errno) : 0;
}

int sys_lock_at(int dirfd, const char *name, bool exclusive, bool block)
{
        for (;;) {
                _cleanup_close_ int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);

                int r = fd < 0 ? -errno : sys_lock_file(fd, exclusive, block);
                if (r < 0)
                        return r;
                r = is_named(fd, dirfd, name);
                if (r != 0)
                        return r < 0 ? r : TAKE_FD(fd);
        }
}

int sys_lock_directory(const char *path)
{
        for (;;) {
                _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                if (fd < 0 && errno == ENOENT) {
                        int r = file_mkdir_p(path, 0755);
                        if (r < 0 && r != -ENOENT) /* another takes it away at the same time */
                                return r;
                        continue;
                }
                if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
                        return -errno;
                int r = is_named(fd, AT_FDCWD, path);
                if (r != 0)
                        return r < 0 ? r : TAKE_FD(fd);
        }
}

static int lock_uninterrupted(int dirfd, const char *path, bool block)
{
        int fd;

        do
                fd = sys_lock_at(dirfd, path, true, block);
        while (fd == -EINTR);
        return fd;
}

int sys_lock_making_dirs_at(int dirfd, const char *path, bool block)
{
        int fd = lock_uninterrupted(dirfd, path, block);

        if (fd != -ENOENT)
                return fd;
        _cleanup_free_ char *dir = path_dirname(path);
        int r = file_mkdir_p_at(dirfd, dir, 0755);
        return r < 0 ? r : lock_uninterrupted(dirfd, path, block);
}
