/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Subvolumes of btrfs and their quotas, by ioctl(2). Paths inside a subvolume are a guest's: they are resolved below its root. */

#include <stdbool.h>
#include <stdint.h>

bool sys_is_btrfs(int fd);
/* A directory with inode number 256 on btrfs is the root of a subvolume: machinectl goes by the same. */
bool sys_is_subvolume(int fd);
int sys_subvolume_create(int dirfd, const char *name);

typedef struct SysSubvolume {
        uint64_t id;
        uint64_t created_usec; /* realtime */
        bool read_only;
} SysSubvolume;
int sys_subvolume_info(int fd, SysSubvolume *ret); /* Linux 4.18 */
int sys_subvolume_set_read_only(int fd, bool on);

/* A writable snapshot with the subvolumes nested in it (those that are read-only stay so), made at (dirfd, name). -ELOOP when they
 * are nested deeper than anybody would. What a failure left is the caller's to remove. */
int sys_subvolume_snapshot(int source_fd, int dirfd, const char *name);
bool sys_subvolume_has_nested(int fd);
/* With all that is nested in it, however deep, read-only or not, and their quota groups. */
int sys_subvolume_remove(int dirfd, const char *name);

#define SYS_NO_LIMIT UINT64_MAX

typedef struct SysQuota {
        uint64_t used, exclusive;        /* bytes it refers to, and those that no other one does */
        uint64_t limit, exclusive_limit; /* SYS_NO_LIMIT: none */
} SysQuota;
int sys_quota_read(int fd, uint64_t id, SysQuota *ret); /* -ENOENT: quotas are off, or nothing is known yet */
int sys_quota_enable(int fd);                           /* of the whole file system; waits until everything has been counted */
int sys_quota_limit(int fd, uint64_t id, uint64_t bytes);
