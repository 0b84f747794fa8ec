/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The mount API of Linux 5.2 and its additions, one function per operation. All descriptors are close-on-exec; all return an fd
 * or 0, or -errno. Attributes are MOUNT_ATTR_* of mount_setattr(2). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/mount.h>

#include "base/error.h"

/* A detached copy of the mount tree at path (open_tree(2) OPEN_TREE_CLONE). path "" means dirfd itself. */
int sys_mount_clone(int dirfd, const char *path, bool recursive);
/* Attaches a detached mount at (dirfd, path), path "" meaning dirfd itself (move_mount(2)). */
int sys_mount_attach(int mount_fd, int dirfd, const char *path);
/* What is mounted at path goes once nobody uses it any more (umount2 MNT_DETACH); a link is not followed. */
int sys_umount(const char *path);
/* mount_setattr(2) (Linux 5.12) on what fd refers to. propagation is 0 or MS_PRIVATE, MS_SLAVE, …; userns_fd is used with
 * MOUNT_ATTR_IDMAP, else -1. */
int sys_mount_setattr(int dirfd, const char *path, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation,
                      int userns_fd);

typedef struct SysMountOption {
        const char *key;
        const char *value; /* NULL and fd < 0: a flag */
        int fd;            /* >= 0: FSCONFIG_SET_FD, else -1 */
} SysMountOption;

/* A new detached mount of a file system (fsopen, fsconfig…, fsmount). On failure the kernel's own explanation, read from the
 * fs context's log, goes into e. `source` may be NULL. */
int sys_mount_new(const char *fstype, const char *source, const SysMountOption *options, size_t n, uint64_t attrs, Error *e);

typedef struct SysOverlay {
        const int *lower; /* O_PATH or detached-mount descriptors of directories, topmost layer first */
        size_t n_lower;
        int upper, work; /* -1, -1: read-only */
        uint32_t owner;  /* the kernel-side UID and GID the overlay acts as: where the ID maps of the layers' mounts put ID 0 */
        bool user_attributes; /* what overlayfs notes goes to user.overlay.*, in a namespace that may not set trusted.overlay.* */
        bool volatile_upper;  /* no syncs: for trees that are thrown away when the machine crashes */
} SysOverlay;

/* A detached overlayfs mount over layers that may be ID-mapped mounts (Linux 5.19). The layers go in as descriptors (Linux 6.13,
 * detached ones 6.15); before that a helper process attaches them in a mount namespace of its own, which uses detached layers up:
 * they serve for this one overlay only. Upper and work must be directories of one mount. Needs the init user namespace. The
 * overlay keeps the mounter's file-system IDs for its own work, so they are switched to `owner` with all capabilities kept while
 * it is made: as init user namespace's root it could not create anything in an ID-mapped upper directory (EOVERFLOW). */
int sys_mount_overlay(const SysOverlay *o, uint64_t attrs, Error *e);

/* Makes `new_root_fd` the root of the calling process's mount namespace and drops the old one (pivot_root(".", "."), umount2
 * MNT_DETACH). */
int sys_pivot_root(int new_root_fd);
