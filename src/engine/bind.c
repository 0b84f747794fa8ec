/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mount more in a machine that runs. A process of its own goes in: first, for the kernel to lock what the mount may not be, through a
 * mount namespace of the machine's user namespace (engine.md, staging), then into the machine's mount namespace, where the path is the
 * machine's own. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "engine/child.h"
#include "engine/engine.h"
#include "sys/mount.h"

#define STAGING_DIRECTORY   "/dev" /* exists everywhere */
#define PROPAGATION_PRIVATE (1U << 18)
#define PLACE               "place"

static int make_place(int dir, const char *name, bool directory)
{
        int r = directory ? mkdirat(dir, name, 0755) : mknodat(dir, name, S_IFREG | 0644, 0);

        return r < 0 && errno != EEXIST ? -errno : 0;
}

static int clone_source(const EngineBind *b, int userns, struct stat *ret_st, Error *e)
{
        _cleanup_close_ int tree = sys_mount_clone(AT_FDCWD, b->source, true);
        uint64_t set = b->read_only ? MOUNT_ATTR_RDONLY : 0;

        if (tree < 0 || fstat(tree, ret_st) < 0)
                return error_sys(e, tree < 0 ? tree : -errno, "cannot open '%s'", b->source);
        int r = sys_mount_setattr(tree, "", true, set, 0, PROPAGATION_PRIVATE, -1);
        if (r < 0)
                return error_sys(e, r, "cannot prepare a mount of '%s'", b->source);
        if (userns < 0)
                return TAKE_FD(tree);
        r = sys_mount_setattr(tree, "", true, MOUNT_ATTR_IDMAP, 0, 0, userns);
        if (r < 0)
                return error_sys(
                                e, r,
                                "the file system of '%s', or one mounted below it, cannot be mapped to the user IDs of a machine",
                                b->source);
        return TAKE_FD(tree);
}

/* Leaves the process in the machine's user namespace. */
static int stage(int *tree, int userns, bool directory, Error *e)
{
        SysMountOption mode = {.key = "mode", .value = "0755", .fd = -1};
        _cleanup_close_ int tmpfs = sys_mount_new("tmpfs", "berth-staging", &mode, 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);

        if (tmpfs < 0)
                return tmpfs;
        int r = make_place(tmpfs, PLACE, directory);
        if (r >= 0)
                r = unshare(CLONE_NEWNS) < 0 ? -errno : sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, PROPAGATION_PRIVATE, -1);
        if (r >= 0)
                r = sys_mount_attach(tmpfs, AT_FDCWD, STAGING_DIRECTORY);
        if (r >= 0)
                r = sys_mount_attach(*tree, tmpfs, PLACE);
        if (r >= 0 && (fchdir(tmpfs) < 0 || setns(userns, CLONE_NEWUSER) < 0))
                r = -errno;
        if (r >= 0)
                r = child_become_root();
        if (r >= 0 && unshare(CLONE_NEWNS) < 0) /* what is mounted is locked in the copy */
                r = -errno;
        if (r < 0)
                return error_sys(e, r, "cannot hand a mount over to the machine");
        *tree = fd_close(*tree);
        *tree = sys_mount_clone(AT_FDCWD, PLACE, true);
        return *tree < 0 ? error_sys(e, *tree, "cannot hand a mount over to the machine") : 0;
}

static int attach(const EngineBind *b, int tree, bool directory, Error *e)
{
        if (b->make) {
                _cleanup_free_ char *parent = path_dirname(b->target);
                int r = file_mkdir_p(parent, 0755);
                if (r >= 0)
                        r = make_place(AT_FDCWD, b->target, directory);
                if (r < 0)
                        return error_sys(e, r, "cannot make '%s' in the machine", b->target);
        }
        struct stat st;
        if (stat(b->target, &st) < 0)
                return error_sys(e, -errno, "cannot mount on '%s' in the machine%s", b->target,
                                 errno == ENOENT ? "; --mkdir makes it" : "");
        if (S_ISDIR(st.st_mode) != directory)
                return error_set(e, directory ? -ENOTDIR : -EISDIR, "'%s' is %s directory, unlike '%s' in the machine", b->source,
                                 directory ? "a" : "no", b->target);
        int r = sys_mount_attach(tree, AT_FDCWD, b->target);
        return r < 0 ? error_sys(e, r, "cannot mount on '%s' in the machine", b->target) : 0;
}

static int bind_inside(const EngineBind *b, int mount_ns, int userns, Error *e)
{
        struct stat st;
        _cleanup_close_ int tree = clone_source(b, userns, &st, e);
        bool directory = tree >= 0 && S_ISDIR(st.st_mode);
        int r = tree;

        if (r >= 0 && userns >= 0)
                r = stage(&tree, userns, directory, e);
        if (r >= 0 && setns(mount_ns, CLONE_NEWNS) < 0)
                r = error_sys(e, -errno, "cannot join the machine's mounts");
        umask(0022);
        return r < 0 ? r : attach(b, tree, directory, e);
}

int engine_bind(const EngineBind *b, Error *e)
{
        _cleanup_free_ char *mnt = xasprintf("/proc/%d/ns/mnt", b->leader), *user = xasprintf("/proc/%d/ns/user", b->leader);
        _cleanup_close_ int mount_ns = open(mnt, O_RDONLY | O_CLOEXEC),
                            userns = b->mapped ? open(user, O_RDONLY | O_CLOEXEC) : -1;
        int p[2], status = 0;
        Error error = {0};

        if (mount_ns < 0 || (b->mapped && userns < 0))
                return error_sys(e, -errno, "cannot open the machine's namespaces");
        if (pipe2(p, O_CLOEXEC) < 0)
                return error_sys(e, -errno, "cannot make a pipe");
        _cleanup_close_ int from = p[0], to = p[1];
        pid_t pid = fork();
        if (pid == 0) {
                int r = bind_inside(b, mount_ns, userns, &error);
                if (r < 0)
                        (void)fd_write_all(to, &error, sizeof(error));
                _exit(r < 0);
        }
        int r = pid < 0 ? -errno : 0;
        to = fd_close(to);
        if (r < 0)
                return error_sys(e, r, "cannot start a process");
        bool told = fd_read_full(from, &error, sizeof(error)) == sizeof(error);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (status == 0)
                return 0;
        error.message[ERROR_MESSAGE_MAX - 1] = '\0';
        return error_set(e, told && error.code ? error.code : -EIO, "%s",
                         told ? error.message : "the process that goes into the machine was killed");
}
