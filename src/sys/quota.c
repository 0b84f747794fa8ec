/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/macro.h"
#include "sys/quota-private.h"
#include "sys/subvolume.h"

/* Only the group of a subvolume itself (level 0) is used: limits and numbers are of that subvolume, not of those nested in it. */

/* An item of the quota tree: -ENOENT when it has none of that type for the group. */
static int read_item(int fd, uint32_t type, uint64_t id, void *ret, size_t size)
{
        struct btrfs_ioctl_search_args args = {
                        .key = {.tree_id = BTRFS_QUOTA_TREE_OBJECTID,
                                .min_type = type,
                                .max_type = type,
                                .min_offset = id,
                                .max_offset = id,
                                .max_transid = UINT64_MAX,
                                .nr_items = 1},
        };
        struct btrfs_ioctl_search_header header;

        if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0)
                return -errno;
        if (args.key.nr_items == 0)
                return -ENOENT;
        memcpy(&header, args.buf, sizeof(header));
        if (header.type != type || header.offset != id || header.len < size)
                return -ENOENT;
        memcpy(ret, args.buf + sizeof(header), size);
        return 0;
}

static uint64_t limit_of(const struct btrfs_qgroup_limit_item *item, uint64_t flag, uint64_t value)
{
        return le64toh(item->flags) & flag ? le64toh(value) : SYS_NO_LIMIT;
}

int sys_quota_read(int fd, uint64_t id, SysQuota *ret)
{
        struct btrfs_qgroup_info_item info;
        struct btrfs_qgroup_limit_item limit = {0};
        int r = read_item(fd, BTRFS_QGROUP_INFO_KEY, id, &info, sizeof(info));

        if (r == 0)
                r = read_item(fd, BTRFS_QGROUP_LIMIT_KEY, id, &limit, sizeof(limit));
        if (r < 0)
                return r;
        *ret = (SysQuota){
                        .used = le64toh(info.rfer),
                        .exclusive = le64toh(info.excl),
                        .limit = limit_of(&limit, BTRFS_QGROUP_LIMIT_MAX_RFER, limit.max_rfer),
                        .exclusive_limit = limit_of(&limit, BTRFS_QGROUP_LIMIT_MAX_EXCL, limit.max_excl),
        };
        return 0;
}

int sys_quota_enable(int fd)
{
        struct btrfs_ioctl_quota_ctl_args args = {.cmd = BTRFS_QUOTA_CTL_ENABLE};

        if (ioctl(fd, BTRFS_IOC_QUOTA_CTL, &args) < 0 && errno != EEXIST)
                return -errno;
        /* Nothing to wait for where the kernel counts as it goes (simple quotas). */
        return ioctl(fd, BTRFS_IOC_QUOTA_RESCAN_WAIT) < 0 && errno != EINVAL ? -errno : 0;
}

int sys_quota_limit(int fd, uint64_t id, uint64_t bytes)
{
        struct btrfs_ioctl_qgroup_limit_args args = {
                        .qgroupid = id,
                        .lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = bytes},
        };

        /* All bits set is the kernel's own "clear it"; 0 would be a limit of nothing. */
        return ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args) < 0 ? -errno : 0;
}

void quota_forget(int fd, uint64_t id)
{
        struct btrfs_ioctl_qgroup_create_args args = {.create = 0, .qgroupid = id};

        if (id > 0)
                (void)ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &args);
}
