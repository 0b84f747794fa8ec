/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Archives (ustar) in memory, of what berth itself puts into a new root: the unpack worker writes it, which cannot leave the
 * tree whatever links stand there, and gives everything its owner. Everything belongs to the tree's root. */

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

typedef struct Tar {
        Buf out;
        int64_t mtime;
        int error; /* -ENAMETOOLONG once a path did not fit */
} Tar;

void tar_directory(Tar *t, const char *path, mode_t mode);
void tar_file(Tar *t, const char *path, const void *data, size_t len, mode_t mode);
void tar_symlink(Tar *t, const char *path, const char *target);
/* Ends the archive: a memory file to read from the start; empties `t`. */
int tar_take_fd(Tar *t, Error *e);
void tar_done(Tar *t);
