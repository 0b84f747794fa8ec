/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Packages whose images are in the new root: whose files are whose, and what Portage would have written down of them. */

#include "distro/gentoo-package.h"
#include "distro/tar.h"
#include "transfer/transfer.h"

typedef struct GentooMerged {
        const GentooPackage *package;
        Slice pf;             /* "zlib-1.2.13-r1" */
        UnpackFile *metadata; /* all of the package's, as they go to /var/db/pkg */
        size_t n_metadata;
        char **contents; /* lines of CONTENTS */
        char md5[33];    /* of the package file */
} GentooMerged;

/* Takes what the unpack worker found. -EBADMSG: the package says it is another one. */
int gentoo_merged_take(GentooMerged *m, UnpackResult *result, Error *e);
const UnpackFile *gentoo_merged_get(const GentooMerged *m, const char *key); /* NULL */
void gentoo_merged_done(GentooMerged *m);

/* A file that two packages have: -EEXIST with both. Paths are compared where they lead to, so that /bin/x and /usr/bin/x are one in a root
 * with a merged /usr; a package that has such a pair itself has to have the same file twice. */
int gentoo_merged_check(const GentooMerged *m, size_t n, int root_dirfd, Error *e);

/* /var/db/pkg of all of them, in the order of their installation, which the counters say again. */
void gentoo_vdb_write(Tar *tar, const GentooMerged *m, size_t n);
