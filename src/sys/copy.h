/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/events.h"

/* Copies the directory tree at (src_dirfd, src) to the new directory (dst_dirfd, dst): types, modes, owners, times, all xattrs
 * (trusted.* too), hard links, holes, device nodes; contents by FICLONE when the file system can, else copy_file_range(2). Does
 * not cross into other file systems and does not follow links. What a failure left in dst is the
 * caller's to remove. */
int sys_copy_tree(int src_dirfd, const char *src, int dst_dirfd, const char *dst, const Events *events, Error *e);
/* A regular file in the same way, to a new one. Both directories are open ones, and the names have no slash. */
int sys_copy_file(int src_dirfd, const char *src, int dst_dirfd, const char *dst);
/* The same into a directory that is there already, empty. */
int sys_copy_tree_into(int src_dirfd, const char *src, int dst_dirfd, const Events *events, Error *e);

/* Between a running machine and the host. Owners are counted from `from` in the source and from `to` in the copy; those beyond `count` are
 * `to`'s root. No device nodes, no set-ID bits, and of the attributes user.* alone: what is trusted on one side is not on the other.
 * src may be a file of any type; into a directory that is there its entries are added. */
typedef struct SysCopyAcross {
        uint32_t from, to, count; /* count 0: owners as they are */
        bool replace;             /* files that are there; else -EEXIST */
} SysCopyAcross;
int sys_copy_across(int src_dirfd, const char *src, int dst_dirfd, const char *dst, const SysCopyAcross *how,
                    const Events *events, Error *e);
