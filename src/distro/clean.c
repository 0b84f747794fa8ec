/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/clean.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/lock.h"

void clean_file(const char *dir, const char *name, DistroCleaned *ret)
{
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int lock = str_endswith(name, ".part") ? sys_lock_at(fd, name, true, false) : -1;
        struct stat st;

        if (fd < 0 || lock == -EAGAIN || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
            unlinkat(fd, name, 0) < 0)
                return;
        ret->files++;
        ret->bytes += (uint64_t)st.st_size;
}
