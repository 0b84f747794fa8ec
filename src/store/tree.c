/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "store/driver.h"
#include "sys/mount.h"

#define READ_ONLY (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* What is mounted on it on the host stays outside. */
static int open_single(const StoreImage *i, const char *path, Error *e)
{
        _cleanup_close_ int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_close_ int mount = dir < 0 ? -errno : sys_mount_clone(dir, "", false);
        int r = mount < 0 ? mount : sys_mount_setattr(mount, "", false, READ_ONLY, 0, 0, -1);

        return r < 0 ? error_sys(e, r, "cannot open the files of '%s'", i->name) : TAKE_FD(mount);
}

static int open_stack(const StoreImage *i, char *const *layers, Error *e)
{
        size_t n = strv_len(layers), opened = 0;
        _cleanup_free_ int *fds = xnew(int, n);
        int r = 0;

        for (; opened < n; opened++) {
                fds[opened] = open(layers[opened], O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (fds[opened] < 0) {
                        r = error_sys(e, -errno, "cannot open '%s'", layers[opened]);
                        break;
                }
        }
        if (r == 0) {
                r = sys_mount_overlay(&(SysOverlay){.lower = fds, .n_lower = n, .upper = -1, .work = -1}, READ_ONLY, e);
                if (r < 0)
                        (void)error_prefix(e, r, "cannot open the files of '%s'", i->name);
        }
        for (size_t k = 0; k < opened; k++)
                fd_close(fds[k]);
        return r;
}

int store_tree_open(const StoreImage *i, Error *e)
{
        _cleanup_strv_ char **layers = NULL;

        if (i->directory)
                return open_single(i, i->directory, e);
        if (!i->upper && !i->layers)
                return error_set(e, -EOPNOTSUPP, "'%s' is a disk image, whose files cannot be read one by one here", i->name);
        if (i->upper && access(i->upper, F_OK) == 0)
                strv_push(&layers, i->upper);
        strv_extend(&layers, i->layers);
        return strv_len(layers) == 1 ? open_single(i, layers[0], e) : open_stack(i, layers, e);
}
