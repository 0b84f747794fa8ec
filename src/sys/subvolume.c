/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/subvolume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/strv.h"
#include "sys/open.h"
#include "sys/quota-private.h"

#define ROOT_INODE  256 /* BTRFS_FIRST_FREE_OBJECTID */
#define NESTING_MAX 64

bool sys_is_btrfs(int fd)
{
        struct statfs fs;

        return fstatfs(fd, &fs) == 0 && (uint32_t)fs.f_type == BTRFS_SUPER_MAGIC;
}

bool sys_is_subvolume(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_ino == ROOT_INODE && sys_is_btrfs(fd);
}

static int set_name(char *field, size_t size, const char *name)
{
        size_t n = strlen(name);

        if (n >= size)
                return -ENAMETOOLONG;
        memcpy(field, name, n + 1);
        return 0;
}

int sys_subvolume_create(int dirfd, const char *name)
{
        struct btrfs_ioctl_vol_args_v2 args = {0};
        int r = set_name(args.name, sizeof(args.name), name);

        if (r < 0)
                return r;
        return ioctl(dirfd, BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0 ? -errno : 0;
}

int sys_subvolume_info(int fd, SysSubvolume *ret)
{
        struct btrfs_ioctl_get_subvol_info_args args = {0};

        if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &args) < 0)
                return -errno;
        *ret = (SysSubvolume){
                        .id = args.treeid,
                        .created_usec = args.otime.sec * USEC_PER_SEC + args.otime.nsec / 1000,
                        .read_only = (args.flags & 1) != 0, /* BTRFS_ROOT_SUBVOL_RDONLY of the item on disk */
        };
        return 0;
}

int sys_subvolume_set_read_only(int fd, bool on)
{
        uint64_t old, flags;

        if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &old) < 0)
                return -errno;
        flags = on ? old | BTRFS_SUBVOL_RDONLY : old & ~BTRFS_SUBVOL_RDONLY;
        return flags != old && ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags) < 0 ? -errno : 0;
}

/* ---- what is nested ---- */

static int add_child(int fd, uint64_t directory, uint64_t id, char ***paths)
{
        struct btrfs_ioctl_ino_lookup_user_args args = {.dirid = directory, .treeid = id};

        if (ioctl(fd, BTRFS_IOC_INO_LOOKUP_USER, &args) < 0)
                return errno == ENOENT ? 0 : -errno; /* it has just gone */
        strv_pushf(paths, "%s%s", args.path, args.name);
        return 0;
}

/* Paths of the subvolumes right below; `first`: one is enough. */
static int children(int fd, bool first, char ***ret)
{
        struct btrfs_ioctl_get_subvol_rootref_args args = {0};
        _cleanup_strv_ char **paths = NULL;
        bool more;

        do {
                more = ioctl(fd, BTRFS_IOC_GET_SUBVOL_ROOTREF, &args) < 0;
                if (more && errno != EOVERFLOW)
                        return -errno;
                for (size_t i = 0; i < args.num_items; i++) {
                        int r = add_child(fd, args.rootref[i].dirid, args.rootref[i].treeid, &paths);
                        if (r < 0)
                                return r;
                }
        } while (more && !(first && paths));
        *ret = TAKE_PTR(paths);
        return 0;
}

bool sys_subvolume_has_nested(int fd)
{
        _cleanup_strv_ char **paths = NULL;

        return children(fd, true, &paths) < 0 || paths;
}

static int snapshot_one(int source_fd, int dirfd, const char *name)
{
        struct btrfs_ioctl_vol_args_v2 args = {.fd = source_fd};
        int r = set_name(args.name, sizeof(args.name), name);

        if (r < 0)
                return r;
        return ioctl(dirfd, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0 ? -errno : 0;
}

static int snapshot_with_nested(int source_fd, int dirfd, const char *name, unsigned depth);

/* Where a subvolume was nested, the snapshot has an empty directory. */
static int snapshot_child(int source_fd, int new_fd, const char *path, unsigned depth)
{
        _cleanup_close_ int child = sys_open_in_root(source_fd, path, O_RDONLY | O_DIRECTORY, 0);
        const char *name;

        if (child == -ENOENT)
                return 0;
        _cleanup_close_ int parent_path = child < 0 ? child : sys_open_parent_in_root(new_fd, path, &name);
        if (parent_path < 0)
                return parent_path;
        _cleanup_close_ int parent = openat(parent_path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* ioctl() refuses O_PATH */
        if (parent < 0 || (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT))
                return -errno;
        int r = snapshot_with_nested(child, parent, name, depth + 1);
        SysSubvolume info;
        if (r == 0)
                r = sys_subvolume_info(child, &info);
        if (r < 0 || !info.read_only)
                return r;
        _cleanup_close_ int copy = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return copy < 0 ? -errno : sys_subvolume_set_read_only(copy, true);
}

static int snapshot_with_nested(int source_fd, int dirfd, const char *name, unsigned depth)
{
        _cleanup_strv_ char **paths = NULL;
        int r = depth > NESTING_MAX ? -ELOOP : snapshot_one(source_fd, dirfd, name);

        if (r == 0)
                r = children(source_fd, false, &paths);
        if (r < 0 || !paths)
                return r;
        _cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        STRV_FOREACH (path, paths) {
                r = snapshot_child(source_fd, fd, *path, depth);
                if (r < 0)
                        return r;
        }
        return 0;
}

int sys_subvolume_snapshot(int source_fd, int dirfd, const char *name)
{
        return snapshot_with_nested(source_fd, dirfd, name, 0);
}

/* ---- removal ---- */

static int destroy(int dirfd, const char *name)
{
        struct btrfs_ioctl_vol_args args = {0};
        SysSubvolume info = {0};
        int r = set_name(args.name, sizeof(args.name), name);
        _cleanup_close_ int fd = r < 0 ? r : openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return r < 0 ? r : -errno;
        (void)sys_subvolume_info(fd, &info); /* a quota group that stays is no reason to keep its subvolume */
        fd = fd_close(fd);
        if (ioctl(dirfd, BTRFS_IOC_SNAP_DESTROY, &args) < 0)
                return -errno;
        quota_forget(dirfd, info.id);
        return 0;
}

/* Destroys the subvolume, or else one of those that are nested deepest in it: returns 1 then. Only one is open at a time, since guests nest
 * as deep as they like. */
static int destroy_deepest(int dirfd, const char *top)
{
        _cleanup_close_ int at = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *name = xstrdup(top);

        if (at < 0)
                return -errno;
        for (int nested = 0;; nested = 1) {
                int r = destroy(at, name);
                if (r != -ENOTEMPTY)
                        return r < 0 ? r : nested;
                _cleanup_close_ int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                _cleanup_strv_ char **paths = NULL;
                const char *child;
                r = fd < 0 ? -errno : sys_subvolume_set_read_only(fd, false);
                if (r == 0)
                        r = children(fd, true, &paths);
                if (r < 0 || !paths)
                        return r < 0 ? r : -ENOTEMPTY;
                _cleanup_close_ int parent = sys_open_parent_in_root(fd, paths[0], &child);
                if (parent < 0)
                        return parent;
                fd_close(at);
                at = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (at < 0)
                        return -errno;
                free(name);
                name = xstrdup(child);
        }
}

int sys_subvolume_remove(int dirfd, const char *name)
{
        int r;

        do
                r = destroy_deepest(dirfd, name);
        while (r > 0);
        return r;
}
