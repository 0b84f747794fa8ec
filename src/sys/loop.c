/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

#define TRIES_MAX 64 /* another process may take a device between being told that it is free and having it */

static int configure(int device, int backing, uint64_t offset, uint64_t size, bool read_only)
{
        struct loop_config config = {
                        .fd = (uint32_t)backing,
                        .info = {.lo_offset = offset,
                                 .lo_sizelimit = size,
                                 .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO | (read_only ? LO_FLAGS_READ_ONLY : 0)},
        };

        if (ioctl(device, LOOP_CONFIGURE, &config) >= 0)
                return 0;
        if (errno != EINVAL)
                return -errno;
        config.info.lo_flags &= ~(uint32_t)LO_FLAGS_DIRECT_IO;
        return ioctl(device, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

/* -EAGAIN: somebody else was faster. */
static int try_one(int control, int backing, uint64_t offset, uint64_t size, bool read_only, SysDevicePath *ret, Error *e)
{
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
                return error_sys(e, -errno, "cannot get a loop device");
        snprintf(ret->s, sizeof(ret->s), "/dev/loop%d", number);
        _cleanup_close_ int device = open(ret->s, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (device < 0 && errno == ENOENT)
                return error_set(e, -ENOENT,
                                 "the loop device '%s' does not exist; /dev must be a devtmpfs, or make it with "
                                 "'mknod %s b 7 %d'",
                                 ret->s, ret->s, number);
        if (device < 0)
                return errno == EBUSY || errno == ENXIO ? -EAGAIN
                                                        : error_sys(e, -errno, "cannot open the loop device '%s'", ret->s);
        int r = configure(device, backing, offset, size, read_only);
        if (r == -EBUSY)
                return -EAGAIN;
        if (r == -EINVAL || r == -ENOTTY)
                return error_set(e, -EOPNOTSUPP, "this kernel cannot set up the loop device '%s'; disk images need Linux 5.8",
                                 ret->s);
        return r < 0 ? error_sys(e, r, "cannot set up the loop device '%s'", ret->s) : TAKE_FD(device);
}

int sys_loop_open(const char *path, uint64_t offset, uint64_t size, bool read_only, SysDevicePath *ret, Error *e)
{
        _cleanup_close_ int backing = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
        if (backing < 0)
                return error_sys(e, -errno, "cannot open the disk image '%s'", path);
        _cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        if (control < 0)
                return error_sys(e, -errno,
                                 "disk images need loop devices; cannot open '/dev/loop-control' (try 'modprobe loop')");

        for (unsigned i = 0; i < TRIES_MAX; i++) {
                int r = try_one(control, backing, offset, size, read_only, ret, e);
                if (r != -EAGAIN)
                        return r < 0 ? error_prefix(e, r, "disk image '%s'", path) : r;
                (void)usleep(1000 * (i + 1));
        }
        return error_set(e, -EBUSY, "other programs took every free loop device; try again");
}
