/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

static int open_directory(const char *path)
{
        return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* upper, work: NULL where it is only read. */
static int open_stack(const StoreImage *i, char *const *layers, const char *upper, const char *work, Error *e)
{
        size_t n = strv_len(layers), opened = 0;
        _cleanup_free_ int *fds = xnew(int, n);
        _cleanup_close_ int upper_fd = upper ? open_directory(upper) : -1, work_fd = work ? open_directory(work) : -1;
        int r = 0;

        for (; opened < n; opened++) {
                fds[opened] = open_directory(layers[opened]);
                if (fds[opened] < 0) {
                        r = error_sys(e, -errno, "cannot open '%s'", layers[opened]);
                        break;
                }
        }
        if (r == 0) {
                r = sys_mount_overlay(&(SysOverlay){.lower = fds, .n_lower = n, .upper = upper_fd, .work = work_fd},
                                      upper ? 0 : READ_ONLY, e);
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
        if (i->dataset)
                return error_set(e, -EOPNOTSUPP, "the files of '%s' cannot be read: its dataset is not mounted", i->name);
        if (!i->upper && !i->layers)
                return error_set(e, -EOPNOTSUPP, "'%s' is a disk image, whose files cannot be read one by one here", i->name);
        if (i->upper && access(i->upper, F_OK) == 0)
                strv_push(&layers, i->upper);
        strv_extend(&layers, i->layers);
        return strv_len(layers) == 1 ? open_single(i, layers[0], e) : open_stack(i, layers, NULL, NULL, e);
}

int store_tree_open_writable(const StoreImage *i, Error *e)
{
        if (i->upper)
                return open_stack(i, i->layers, i->upper, i->work, e);
        if (i->read_only || !i->directory)
                return error_set(e, -EROFS, "the files of '%s' cannot be changed here", i->name);
        int fd = open(i->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_sys(e, -errno, "cannot open '%s'", i->directory) : fd;
}

static int open_clone(Store *s, const StoreImage *i, StoreTree *t, Error *e)
{
        _cleanup_(store_image_done) StoreImage clone = {0};
        _cleanup_free_ char *name = store_new_name(s);
        int r = store_journal_begin(s, name, &t->journal, e);

        if (r == 0) {
                store_journal_add(&t->journal, "remove", name, NULL);
                r = store_journal_write(&t->journal, e);
        }
        if (r == 0)
                r = store_clone(s, i, name, NULL, NULL, NULL, e);
        if (r == 0)
                r = store_find(s, STORE_MACHINE, name, &clone, e);
        return r < 0 ? r : store_tree_open(&clone, e);
}

int store_tree_begin(Store *s, const StoreImage *i, StoreTree *ret, Error *e)
{
        bool closed = i->dataset && strchr(i->dataset, '@') && !i->directory;

        *ret = STORE_TREE_NONE;
        ret->fd = closed ? open_clone(s, i, ret, e) : store_tree_open(i, e);
        if (ret->fd >= 0)
                return 0;
        int r = ret->fd;
        store_tree_end(ret);
        return r;
}

void store_tree_end(StoreTree *t)
{
        t->fd = fd_close(t->fd);
        (void)store_journal_end(&t->journal, NULL); /* if it cannot go now, it goes with the next command */
}
