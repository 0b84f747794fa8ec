/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"

int sys_lock_at(int dirfd, const char *name, bool exclusive, bool block)
{
        int operation = (exclusive ? LOCK_EX : LOCK_SH) | (block ? 0 : LOCK_NB);

        for (;;) {
                _cleanup_close_ int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
                struct stat held, named;

                if (fd < 0 || flock(fd, operation) < 0 || fstat(fd, &held) < 0)
                        return -errno; /* EWOULDBLOCK is EAGAIN */
                int r = fstatat(dirfd, name, &named, AT_SYMLINK_NOFOLLOW);
                if (r < 0 && errno != ENOENT)
                        return -errno;
                if (r == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino)
                        return TAKE_FD(fd);
        }
}
