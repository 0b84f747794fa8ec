/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/overlay-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/libc.h"
#include "sys/credentials.h"
#include "sys/process.h"

/* index=off: a layer is used below another one once it is cloned. redirect_dir=on: renaming a directory of a lower layer
 * must work as on any file system. Both say what the kernel may otherwise have been built or loaded to do differently. */
static size_t writable_options(const SysOverlay *o, SysMountOption *options)
{
        size_t n = 0;

        options[n++] = (SysMountOption){"index", "off", -1};
        if (!o->user_attributes) /* whoever may set those could lead a redirect anywhere, so that overlayfs has none of them then */
                options[n++] = (SysMountOption){"redirect_dir", "on", -1};
        if (o->volatile_upper)
                options[n++] = (SysMountOption){"volatile", NULL, -1};
        return n;
}

static int new_as_owner(const SysOverlay *o, SysMountOption *options, size_t n, uint64_t attrs, Error *e)
{
        if (o->user_attributes)
                options[n++] = (SysMountOption){"userxattr", NULL, -1};
        _cleanup_(sys_credentials_restore)
                        SysCredentials saved = {}; /* what an overlay does on its layers it does with its maker's */
        int r = sys_credentials_switch(&saved, o->owner);

        if (r < 0)
                return error_sys(e, r, "cannot act as user %u to make an overlay", o->owner);
        return sys_mount_new("overlay", "overlay", options, n, attrs, e);
}

int overlay_by_descriptors(const SysOverlay *o, uint64_t attrs, Error *e)
{
        _cleanup_free_ SysMountOption *options = xnew(SysMountOption, o->n_lower + 6);
        size_t n = 0;

        for (size_t i = 0; i < o->n_lower; i++)
                options[n++] = (SysMountOption){"lowerdir+", NULL, o->lower[i]};
        if (o->upper >= 0) {
                options[n++] = (SysMountOption){"upperdir", NULL, o->upper};
                options[n++] = (SysMountOption){"workdir", NULL, o->work};
                n += writable_options(o, options + n);
        }
        return new_as_owner(o, options, n, attrs, e);
}

/* Where a layer is inside the helper's mount namespace. */
typedef struct Layer {
        int fd;
        bool attached; /* a mount of the caller's namespace, whose copy has the same path */
        uint64_t mount;
        char *path;
} Layer;

static int mount_id(int dirfd, const char *path, uint64_t *ret)
{
        struct statx sx;

        if (statx(dirfd, path, AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
                return -errno;
        if (!(sx.stx_mask & STATX_MNT_ID))
                return -EOPNOTSUPP;
        *ret = sx.stx_mnt_id;
        return 0;
}

/* The topmost directory that ".." leads to: the root of a detached mount, or "/". */
static int open_top(int dir)
{
        _cleanup_close_ int fd = openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        for (;;) {
                struct stat here, above;
                uint64_t mount = 0, mount_above = 0;
                int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (up < 0)
                        return -errno;
                int r = fstat(fd, &here) < 0 || fstat(up, &above) < 0 ? -errno : mount_id(fd, "", &mount);
                if (r == 0)
                        r = mount_id(up, "", &mount_above);
                bool top = r == 0 && mount == mount_above && here.st_dev == above.st_dev && here.st_ino == above.st_ino;
                fd_close(fd);
                fd = up;
                if (r < 0)
                        return r;
                if (top)
                        return TAKE_FD(fd);
        }
}

static int layer_find(int dir, Layer *ret)
{
        char path[4096];
        uint64_t top_mount = 0, root_mount = 0;
        _cleanup_close_ int top = open_top(dir);
        if (top < 0)
                return top;

        int r = mount_id(dir, "", &ret->mount);
        if (r == 0)
                r = mount_id(top, "", &top_mount);
        if (r == 0)
                r = mount_id(AT_FDCWD, "/", &root_mount);
        if (r < 0)
                return r;
        ret->fd = dir;
        ret->attached = top_mount == root_mount;
        if (ret->attached) {
                ssize_t n = readlink(fd_path(dir).s, path, sizeof(path) - 1);
                if (n < 0)
                        return -errno;
                path[n] = '\0';
                ret->path = xstrdup(path);
        }
        return 0;
}

static void layers_done(Layer **layers)
{
        for (Layer *l = *layers; l && l->fd >= 0; l++)
                free(l->path);
        free(*layers);
}

/* Upper, work and the lower layers; fd -1 ends the list. */
static int layers_find(const SysOverlay *o, Layer **ret)
{
        _cleanup_(layers_done) Layer *layers = xnew(Layer, o->n_lower + 3);
        size_t n = 0, first = o->upper >= 0 ? 2 : 0;

        for (size_t i = 0; i < o->n_lower + first; i++) {
                int dir = i >= first ? o->lower[i - first] : i == 0 ? o->upper : o->work;
                layers[n].fd = layers[n + 1].fd = -1;
                int r = layer_find(dir, &layers[n]);
                if (r < 0) {
                        free(layers[n].path);
                        return r;
                }
                n++;
        }
        layers[n].fd = -1;
        *ret = TAKE_PTR(layers);
        return 0;
}

/* In the helper. A layer of the caller's namespace is opened again by its path in ours; a detached mount is attached, anywhere:
 * on top of "/", one over the other, since they are only ever used by descriptor. */
static int layer_adopt(const Layer *layers, size_t i)
{
        const Layer *l = &layers[i];

        if (l->attached) {
                struct stat old, new;
                _cleanup_close_ int fd = open(l->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0 || fstat(l->fd, &old) < 0 || fstat(fd, &new) < 0)
                        return -errno;
                if (old.st_dev != new.st_dev || old.st_ino != new.st_ino)
                        return -ESTALE;
                return TAKE_FD(fd);
        }
        for (size_t k = 0; k < i; k++)
                if (!layers[k].attached && layers[k].mount == l->mount)
                        return l->fd; /* the work directory beside its upper one */

        _cleanup_close_ int top = open_top(l->fd);
        if (top < 0)
                return top;
        int r = sys_mount_attach(top, AT_FDCWD, "/");
        return r < 0 ? r : l->fd;
}

static size_t lower_options(const int *fds, size_t n_fds, Buf *text, SysMountOption *options)
{
        size_t n = 0;

        for (size_t i = 0; i < n_fds; i++)
                buf_addf(text, i ? ":%d" : "%d", fds[i]);
        if (text->len < 256) { /* what one fsconfig(2) takes */
                options[n++] = (SysMountOption){"lowerdir", text->data, -1};
                return n;
        }
        for (char *p = text->data; p && n < n_fds;) { /* Linux 6.5 */
                char *word = strsep(&p, ":");
                options[n++] = (SysMountOption){"lowerdir+", word, -1};
        }
        return n;
}

static int overlay_in_namespace(const SysOverlay *o, const Layer *layers, uint64_t attrs, Error *e)
{
        size_t first = o->upper >= 0 ? 2 : 0, total = o->n_lower + first;
        _cleanup_free_ int *fds = xnew(int, total);
        _cleanup_free_ SysMountOption *options = xnew(SysMountOption, o->n_lower + 6);
        _cleanup_buf_ Buf lower = {};
        char upper[16], work[16];

        int r = sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, MS_PRIVATE, -1);
        if (r == 0 && chdir("/proc/self/fd") < 0) /* so that a descriptor's number is its path */
                r = -errno;
        for (size_t pass = 0; pass < 2; pass++) /* paths first: attaching hides what is at "/" */
                for (size_t i = 0; r >= 0 && i < total; i++)
                        if (layers[i].attached == (pass == 0))
                                r = fds[i] = layer_adopt(layers, i);
        if (r < 0)
                return error_sys(e, r, "cannot attach the layers of an overlay");

        size_t n = lower_options(fds + first, o->n_lower, &lower, options);
        if (o->upper >= 0) {
                snprintf(upper, sizeof(upper), "%d", fds[0]);
                snprintf(work, sizeof(work), "%d", fds[1]);
                options[n++] = (SysMountOption){"upperdir", upper, -1};
                options[n++] = (SysMountOption){"workdir", work, -1};
                n += writable_options(o, options + n);
        }
        return new_as_owner(o, options, n, attrs, e);
}

typedef struct Answer {
        int result;
        Error error;
} Answer;

int overlay_by_helper(const SysOverlay *o, uint64_t attrs, Error *e)
{
        _cleanup_(layers_done) Layer *layers = NULL;
        _cleanup_close_ int pidfd = -1, ours = -1, theirs = -1;
        int pair[2], mount = -1;
        Answer answer = {};
        size_t n_fds = 0;

        int r = layers_find(o, &layers);
        if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                r = -errno;
        if (r < 0)
                return error_sys(e, r, "cannot find the layers of an overlay");
        ours = pair[0];
        theirs = pair[1];

        pid_t pid = sys_clone(CLONE_NEWNS, -1, &pidfd);
        if (pid < 0)
                return error_sys(e, pid, "cannot make a mount namespace for an overlay");
        if (pid == 0) {
                mount = answer.result = overlay_in_namespace(o, layers, attrs, &answer.error);
                _exit(sys_send_fds(theirs, &answer, sizeof(answer), &mount, mount >= 0) < 0);
        }
        theirs = fd_close(theirs);
        ssize_t got = sys_recv_fds(ours, &answer, sizeof(answer), &mount, 1, &n_fds);
        (void)sys_pidfd_wait(pidfd, NULL);
        if (got != sizeof(answer) || (answer.result >= 0 && n_fds != 1)) {
                fd_close(n_fds > 0 ? mount : -1);
                return error_set(e, -EIO, "the process that makes an overlay mount died");
        }
        if (answer.result < 0 && e)
                *e = answer.error;
        return answer.result < 0 ? answer.result : mount;
}

int sys_mount_overlay(const SysOverlay *o, uint64_t attrs, Error *e)
{
        int r = overlay_by_descriptors(o, attrs, e);

        if (r != -EINVAL && r != -EBADF && r != -EOPNOTSUPP)
                return r;
        /* The kernel takes no descriptors, or none of detached mounts, or the overlay is impossible: then this says so again. */
        return overlay_by_helper(o, attrs, e);
}
