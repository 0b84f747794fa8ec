/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/libc.h"

/* The second names of files: (device, inode) of the source -> where its first copy is, relative to the top of the copy. */
typedef struct CopyLinks {
        struct CopyLink *items;
        size_t n, cap; /* cap is a power of two, at most half full */
} CopyLinks;

const char *copy_links_get(const CopyLinks *links, uint64_t dev, uint64_t ino);
void copy_links_put(CopyLinks *links, uint64_t dev, uint64_t ino, const char *path);
void copy_links_done(CopyLinks *links);

/* What was found out about the pair of file systems, and the buffers for attributes. */
typedef struct CopyFile {
        bool no_clone, no_range; /* FICLONE and copy_file_range(2) do not work here */
        bool lost_xattrs;        /* some attribute was refused by the target's file system */
        char *list, *value;
        const struct SysCopyAcross *across; /* NULL: all as it is */
} CopyFile;

void copy_file_done(CopyFile *c);
int copy_file_data(CopyFile *c, int from, int to, const struct statx *sx);
/* Owner, mode, attributes, times of (dirfd, name), in an order in which none undoes another. name may be "." */
int copy_file_metadata(CopyFile *c, int from_dirfd, const char *from, int to_dirfd, const char *to, const struct statx *sx);
