/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Writes archive entries into the tree whose top is the calling process's "/": runs in the unpack worker, whose root
 * that is, so that ".." and absolute links cannot lead out. Follows dpkg(1): links to directories on the way are
 * followed and kept when the archive has a directory there, a directory is never replaced, what else exists is replaced. */

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "transfer/md5.h"

#define TREE_DIRS 64

typedef struct TreeDir {
        char *path;
        int fd;      /* O_PATH */
        bool setgid; /* what is made in it inherits its group */
} TreeDir;

typedef struct TreeTime {
        char *path;
        struct timespec mtime;
} TreeTime;

typedef struct Tree {
        int root;                /* of the tree, O_PATH; borrowed */
        bool package;            /* dpkg's view of directories that exist, newlines refused; else those of an image */
        bool no_link_on_dir;     /* a symbolic link in place of a directory is refused (PMS 13.4), else the directory stays */
        uint64_t limit;          /* bytes of all archives, 0 = none */
        uint64_t own_limit;      /* of this archive, 0 = none */
        _Atomic uint64_t *used;  /* shared with the other workers */
        uint64_t bytes;          /* of regular files, this archive */
        bool stale;              /* something was replaced: perhaps a link to a directory in dirs */
        TreeDir dirs[TREE_DIRS]; /* direct-mapped by the path's hash */
        struct {
                TreeTime *items;
                size_t n;
        } times; /* image: directory times are set at the end, because filling a directory changes them */
} Tree;

/* The entry's place: "" for the top, else relative and normalized. -EBADMSG when it climbs or is too long. */
int tree_path(const char *name, char ret[static PATH_MAX], Error *e);

/* Writes one entry and its data; `path` is from tree_path(). md5 (may be NULL) gets the content of a regular file. */
int tree_write_entry(Tree *t, struct archive *a, struct archive_entry *entry, const char *path, Md5 *md5, Error *e);
/* After the last entry of an archive. */
int tree_finish(Tree *t, Error *e);
void tree_done(Tree *t);
