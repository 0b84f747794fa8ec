/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Packages whose images are in the new root: whose files are whose, and what Portage would have written down of them. */

#include "distro/gentoo-package.h"
#include "distro/gentoo-protect.h"
#include "distro/tar.h"
#include "transfer/transfer.h"

typedef struct GentooMerged {
        const GentooPackage *package;
        Slice pf;             /* "zlib-1.2.13-r1" */
        UnpackFile *metadata; /* all of the package's, as they go to /var/db/pkg */
        size_t n_metadata;
        char **contents;          /* lines of CONTENTS */
        const char *install_mask; /* the mask that was in force, NULL: none */
        char md5[33];             /* of the package file */
} GentooMerged;

/* Takes what the unpack worker found. -EBADMSG: the package says it is another one. */
int gentoo_merged_take(GentooMerged *m, UnpackResult *result, Error *e);
const UnpackFile *gentoo_merged_get(const GentooMerged *m, const char *key); /* NULL */
void gentoo_merged_done(GentooMerged *m);

/* The path in a line of CONTENTS: "obj PATH MD5 MTIME", "sym PATH -> TARGET MTIME", "fif PATH", "dir PATH". */
bool gentoo_contents_path(const char *line, Slice *ret);

/* A protected file that two packages have: the second's goes beside the first's. */
typedef struct GentooConflict {
        size_t first, second; /* indexes of the packages */
        Slice path;
        bool same;        /* they have the same in it */
        const char *line; /* of the second */
} GentooConflict;
typedef struct GentooConflicts {
        GentooConflict *items;
        size_t n;
} GentooConflicts;

/* A file that two packages have, and that is not protected: -EEXIST with both. Paths are compared where they lead to, so that /bin/x and
 * /usr/bin/x are one in a root with a merged /usr; a package that has such a pair itself has to have the same file twice. */
int gentoo_merged_check(const GentooMerged *m, size_t n, int root_dirfd, const GentooProtect *protect, GentooConflicts *ret,
                        Error *e);

/* /var/db/pkg of all of them, in the order of their installation, which the counters say again. */
void gentoo_vdb_write(Tar *tar, const GentooMerged *m, size_t n);
