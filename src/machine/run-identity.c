/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "sys/open.h"

/* A new machine always gets its name; a clone when the file holds that of the machine it was made from. */
static bool wants_name(const StoreImage *image, const char *old_name)
{
        if (!old_name)
                return true;
        _cleanup_close_ int fd = store_image_open(image, "/etc/hostname", O_RDONLY | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ char *text = NULL;
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || file_read_fd(fd, 4096, &text, NULL) < 0)
                return false;
        return str_eq(str_strip(text), old_name);
}

/* etc of the topmost layer, made as the layers below have it when it is not there yet. */
static int open_etc(const StoreImage *image, int root)
{
        struct stat st;
        int fd = sys_open_in_root(root, "etc", O_RDONLY | O_DIRECTORY, 0);
        if (fd != -ENOENT)
                return fd;
        _cleanup_close_ int below = store_image_open(image, "/etc", O_PATH | O_DIRECTORY);
        if (below < 0 || fstat(below, &st) < 0)
                return below < 0 ? below : -errno;
        if (mkdirat(root, "etc", 0700) < 0)
                return -errno;
        fd = sys_open_in_root(root, "etc", O_RDONLY | O_DIRECTORY, 0);
        if (fd >= 0 && (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0))
                return fd_close(fd), -errno;
        return fd;
}

int machine_image_rename(const StoreImage *image, const char *old_name, const char *new_name, Error *e)
{
        const char *top = image->driver == STORE_OVERLAY ? image->upper : image->directory;
        if (!top || !wants_name(image, old_name))
                return 0;
        _cleanup_close_ int root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int etc = root < 0 ? -errno : open_etc(image, root);
        _cleanup_free_ char *text = xasprintf("%s\n", new_name);
        int r = etc < 0 ? etc : file_write_atomic_at(etc, "hostname", text, strlen(text), 0644, true);
        return r < 0 ? error_sys(e, r, "cannot write /etc/hostname of machine '%s'", new_name) : 0;
}
