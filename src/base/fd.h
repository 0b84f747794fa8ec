/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/macro.h"

int fd_close(int fd); /* accepts -1, keeps errno, returns -1 */
static inline void fd_closep(int *fd)
{
        fd_close(*fd);
}
#define _cleanup_close_ _cleanup_(fd_closep)
static inline void fd_fclosep(FILE **f)
{
        if (*f)
                fclose(*f);
}
#define _cleanup_fclose_ _cleanup_(fd_fclosep)
static inline void fd_closedirp(DIR **d)
{
        if (*d)
                closedir(*d);
}
#define _cleanup_closedir_ _cleanup_(fd_closedirp)

int fd_write_all(int fd, const void *data, size_t len); /* restarts on EINTR and short writes */
ssize_t fd_read_full(int fd, void *data, size_t len);   /* up to len bytes; fewer only at the end of file */
int fd_nonblock(int fd, bool on);
int fd_opendir(int dirfd, const char *path, DIR **ret); /* a stream with a position of its own, also of "." */

/* "/proc/self/fd/N" for calls that want a path. */
typedef struct FdPath {
        char s[sizeof("/proc/self/fd/") + 12];
} FdPath;
FdPath fd_path(int fd);
