/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/disk-layers.h"
#include "sys/mount.h"

/* ---- check ---- */

/* fsck(8): 0 clean, 1 repaired; from 4 on something is left to be done by a human. */
static int check(const char *program, const char *device, const char *path, Error *e)
{
        char *argv[] = {(char *)program, (char *)"-a", (char *)device, NULL};
        int status = disk_run(argv, -1);

        if (status < 0)
                return error_sys(e, status, "cannot run '%s'", program);
        if (WIFEXITED(status) && WEXITSTATUS(status) < 4)
                return 0;
        return error_set(e, -EUCLEAN,
                         "a file system of '%s' is damaged, and '%s -a' cannot repair it without being told how; run it by hand "
                         "on a "
                         "loop device (losetup --partscan --find --show)",
                         path, program);
}

/* ---- grow ---- */

#define EXT4_RESIZE   _IOW('f', 16, uint64_t)
#define EXT4_MAGIC    0xef53
#define XFS_MAGIC     0x58465342
#define BTRFS_MAGIC   0x9123683e
#define XFS_GEOMETRY  _IOR('X', 126, struct XfsGeometry)
#define XFS_GROW_DATA _IOW('X', 110, struct XfsGrow)
struct XfsGeometry {                  /* xfs_fsop_geom of xfs_fs.h, which is not part of the kernel's own headers */
        uint32_t block_size, rest[7]; /* the last one: how much of it may be inodes, in percent */
        uint64_t blocks;
        uint8_t more[216];
};
struct XfsGrow {
        uint64_t blocks;
        uint32_t max_percent;
};

static int grow_xfs(int fd, uint64_t size)
{
        struct XfsGeometry g;

        if (ioctl(fd, XFS_GEOMETRY, &g) < 0)
                return -errno;
        struct XfsGrow grow = {.blocks = size / g.block_size, .max_percent = g.rest[6]};
        return grow.blocks <= g.blocks || ioctl(fd, XFS_GROW_DATA, &grow) >= 0 ? 0 : -errno;
}

/* To the size of its device. A file system that cannot do that, or may not (ext4 asks for CAP_SYS_RESOURCE), stays as it is. */
static int grow(int tree, uint64_t size, const char *path, Error *e)
{
        _cleanup_close_ int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct btrfs_ioctl_vol_args all = {.name = "1:max"};
        struct statfs fs;
        int r = 0;

        if (fd < 0 || fstatfs(fd, &fs) < 0)
                return error_sys(e, -errno, "cannot open a file system of '%s'", path);
        uint64_t blocks = size / (uint64_t)fs.f_bsize;
        if ((uint32_t)fs.f_type == EXT4_MAGIC)
                r = ioctl(fd, EXT4_RESIZE, &blocks) < 0 ? -errno : 0;
        else if ((uint32_t)fs.f_type == XFS_MAGIC)
                r = grow_xfs(fd, size);
        else if ((uint32_t)fs.f_type == BTRFS_MAGIC)
                r = ioctl(fd, BTRFS_IOC_RESIZE, &all) < 0 ? -errno : 0;
        if (r == -EPERM || r == -EOPNOTSUPP || r == -ENOTTY)
                return 0;
        return r < 0 ? error_sys(e, r, "cannot grow a file system of '%s' to the size of its partition", path) : 0;
}

/* ---- mount ---- */

static int mount_device(const char *device, const char *type, char *const *words, const char *path, Error *e)
{
        SysMountOption options[8];
        char *copies[ELEMENTSOF(options)];
        size_t n = 0;

        for (; n < ELEMENTSOF(options) && words && words[n]; n++) {
                copies[n] = xstrdup(words[n]);
                char *value = copies[n];
                options[n].key = strsep(&value, "=");
                options[n].value = value;
                options[n].fd = -1;
        }
        int tree = sys_mount_new(type, device, options, n, 0, e);
        for (size_t i = 0; i < n; i++)
                free(copies[i]);
        return tree < 0 ? error_prefix(e, tree, "disk image '%s'", path) : tree;
}

int disk_mount(const char *path, const PlanDisk *disk, const char *type, char *const *options, Error *e)
{
        SysDevicePath device;
        char found[32];
        _cleanup_close_ int held = disk_open(path, disk, &device, e);
        if (held < 0)
                return held;
        if (!type) {
                int r = disk_type_of(held, path, found, e);
                if (r < 0)
                        return r;
                type = found;
        }
        int r = disk->check ? check(disk->check, device.s, path, e) : 0;
        if (r < 0)
                return r;
        _cleanup_close_ int tree = mount_device(device.s, type, options, path, e);
        if (tree < 0)
                return tree;
        r = disk->grow ? grow(tree, disk->size, path, e) : 0;
        return r < 0 ? r : TAKE_FD(tree);
}
