/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "sys/mount.h"
#include "sys/process.h"

static int write_map(pid_t pid, const char *file, const SysIdRange *ranges, size_t n)
{
        _cleanup_buf_ Buf map = {};
        char path[64];

        if (n == 0)
                return -EINVAL;
        for (size_t i = 0; i < n; i++)
                buf_addf(&map, "%u %u %u\n", ranges[i].inside, ranges[i].outside, ranges[i].count);
        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        return file_write_at(AT_FDCWD, path, map.data, 0);
}

int sys_idmap_write_maps(pid_t pid, const SysIdMaps *maps)
{
        int r = write_map(pid, "uid_map", maps->uids, maps->n_uids);

        return r < 0 ? r : write_map(pid, "gid_map", maps->gids, maps->n_gids);
}

int sys_idmap_write(pid_t pid, const SysIdRange *ranges, size_t n)
{
        return sys_idmap_write_maps(pid, &(SysIdMaps){ranges, ranges, n, n});
}

/* Stays until the parent lets go of its end of the pipe, be it by dying. */
_noreturn_ static void hold_namespace(const int pipe[static 2])
{
        char byte;

        (void)close(pipe[1]);
        while (read(pipe[0], &byte, 1) < 0 && errno == EINTR)
                ;
        _exit(0);
}

int sys_idmap_userns(const SysIdRange *ranges, size_t n)
{
        return sys_idmap_userns_maps(&(SysIdMaps){ranges, ranges, n, n});
}

int sys_idmap_userns_maps(const SysIdMaps *maps)
{
        _cleanup_close_ int pidfd = -1, userns = -1;
        int pipe[2];

        if (pipe2(pipe, O_CLOEXEC) < 0)
                return -errno;
        pid_t pid = sys_clone(CLONE_NEWUSER, -1, &pidfd);
        if (pid == 0)
                hold_namespace(pipe);
        (void)close(pipe[0]);

        int r = pid < 0 ? pid : sys_idmap_write_maps(pid, maps);
        if (r == 0) {
                char path[64];
                snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
                userns = open(path, O_RDONLY | O_CLOEXEC);
                if (userns < 0)
                        r = -errno;
        }
        (void)close(pipe[1]);
        if (pid > 0)
                (void)sys_pidfd_wait(pidfd, NULL);
        return r < 0 ? r : TAKE_FD(userns);
}

int sys_idmap_supported(int dirfd)
{
        _cleanup_close_ int mount = sys_mount_clone(dirfd, "", false);
        if (mount < 0)
                return mount == -ENOSYS ? 0 : mount;
        _cleanup_close_ int userns = sys_idmap_userns(&(SysIdRange){.inside = 0, .outside = 1, .count = 1}, 1);
        if (userns < 0)
                return userns;

        int r = sys_mount_setattr(mount, "", false, MOUNT_ATTR_IDMAP, 0, 0, userns);
        if (r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP)
                return 0;
        return r < 0 ? r : 1;
}
