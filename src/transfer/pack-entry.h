/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The header of a tar entry from a file: all that unpack-attr.h sets again, and nothing that differs between two copies of the same
 * tree. */

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

typedef struct PackSource {
        struct archive *disk; /* libarchive's reader of attributes */
        int root_dirfd;
        const char *path; /* below root_dirfd; "." for the top */
        int fd;           /* of a regular file or directory, else -1 */
        const struct stat *st;
} PackSource;

int pack_entry_fill(struct archive_entry *entry, const PackSource *s); /* 0 or -errno */
/* After hard links are recognised by device and inode: these, too, differ from host to host. */
void pack_entry_finish(struct archive_entry *entry);
