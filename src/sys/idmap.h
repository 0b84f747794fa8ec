/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct SysIdRange {
        uint32_t inside, outside, count;
} SysIdRange;

/* Writes /proc/PID/uid_map and gid_map (same ranges for both) for a process that has just entered a new user namespace. */
int sys_idmap_write(pid_t pid, const SysIdRange *ranges, size_t n);
/* With groups mapped otherwise than users. */
typedef struct SysIdMaps {
        const SysIdRange *uids, *gids;
        size_t n_uids, n_gids;
} SysIdMaps;
int sys_idmap_write_maps(pid_t pid, const SysIdMaps *maps);
int sys_idmap_userns_maps(const SysIdMaps *maps);
/* A user namespace descriptor with the given map, held open by a helper process that is gone on return. For ID-mapped mounts
 * outside an engine run. */
int sys_idmap_userns(const SysIdRange *ranges, size_t n);
/* Whether the file system at fd supports ID-mapped mounts: 1, 0 or -errno. */
int sys_idmap_supported(int dirfd);
