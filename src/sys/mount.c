/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

/* By syscall(2) throughout: glibc has these functions since 2.36, musl has not. For the same reason no <sys/mount.h>, which
 * cannot be included together with <linux/mount.h> everywhere. */

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

int sys_mount_clone(int dirfd, const char *path, bool recursive)
{
        unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
        long fd = syscall(SYS_open_tree, dirfd, path, flags);

        return fd < 0 ? -errno : (int)fd;
}

int sys_mount_attach(int mount_fd, int dirfd, const char *path)
{
        unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

        return syscall(SYS_move_mount, mount_fd, "", dirfd, path, flags) < 0 ? -errno : 0;
}

int sys_mount_setattr(int dirfd, const char *path, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation,
                      int userns_fd)
{
        struct mount_attr attr = {
                        .attr_set = set,
                        .attr_clr = clear,
                        .propagation = propagation,
                        .userns_fd = userns_fd >= 0 ? (uint64_t)userns_fd : 0,
        };
        unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

        return syscall(SYS_mount_setattr, dirfd, path, flags, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

static int fs_config(int fs, const SysMountOption *o)
{
        long r = o->fd >= 0 ? syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, o->key, NULL, o->fd)
                 : o->value ? syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, o->key, o->value, 0)
                            : syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, o->key, NULL, 0);

        return r < 0 ? -errno : 0;
}

/* The kernel's messages, one with each read(2): "e overlay: upperdir is not a directory". Information ("i ") is left out. */
static int fs_error(int fs, const char *fstype, const char *key, int code, Error *e)
{
        _cleanup_buf_ Buf text = {};
        char line[512];
        ssize_t n;

        while ((n = read(fs, line, sizeof(line))) > 0) {
                if (line[n - 1] == '\n')
                        n--;
                if (n < 3 || line[0] == 'i')
                        continue;
                if (text.len > 0)
                        buf_adds(&text, "; ");
                buf_append(&text, line + 2, (size_t)n - 2);
        }
        if (text.len > 0)
                return error_set(e, code, "cannot mount a file system of type %s: %s", fstype, text.data);
        if (key)
                return error_sys(e, code, "cannot mount a file system of type %s: option '%s'", fstype, key);
        const char *hint = code == -EINVAL ? " (the kernel's log, see dmesg(1), may say why)" : "";
        return error_sys(e, code, "cannot mount a file system of type %s%s", fstype, hint);
}

int sys_mount_new(const char *fstype, const char *source, const SysMountOption *options, size_t n, uint64_t attrs, Error *e)
{
        _cleanup_close_ int fs = (int)syscall(SYS_fsopen, fstype, FSOPEN_CLOEXEC);
        if (fs < 0)
                return errno == ENODEV ? error_set(e, -ENODEV, "the kernel has no file system of type %s", fstype)
                                       : error_sys(e, -errno, "cannot mount a file system of type %s", fstype);

        SysMountOption source_option = {.key = "source", .value = source, .fd = -1};
        int r = source ? fs_config(fs, &source_option) : 0;
        if (r < 0)
                return fs_error(fs, fstype, source_option.key, r, e);
        for (size_t i = 0; i < n; i++) {
                r = fs_config(fs, &options[i]);
                if (r < 0)
                        return fs_error(fs, fstype, options[i].key, r, e);
        }
        if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return fs_error(fs, fstype, NULL, -errno, e);
        long fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attrs);
        return fd < 0 ? fs_error(fs, fstype, NULL, -errno, e) : (int)fd;
}

int sys_umount(const char *path)
{
        return syscall(SYS_umount2, path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 ? -errno : 0;
}

int sys_pivot_root(int new_root_fd)
{
        if (fchdir(new_root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || syscall(SYS_umount2, ".", MNT_DETACH) < 0 ||
            chdir("/") < 0)
                return -errno;
        return 0;
}
