/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Portage writes down of a package's image while it merges it: the lines of CONTENTS. */

#include <archive_entry.h>
#include <stdbool.h>
#include <stddef.h>

#include "transfer/md5.h"

typedef struct WorkerImage {
        bool wanted;       /* an image of a Gentoo package */
        const char *below; /* the directory in the archive that stands for the top of the tree; NULL: none */
        struct {
                struct ImageFile {
                        char *path, *rest; /* rest: " MD5 MTIME" */
                } * items;
                size_t n;
        } files; /* for hard links: they have the digest of what they are links to */
} WorkerImage;

/* The line of an entry that was written to path ("/usr/bin/x"); md5: of a regular file's content. NULL: it has none, as the top. */
char *contents_line(WorkerImage *i, struct archive_entry *entry, const char *path, const Md5 *md5);
/* FEATURES=sfperms: what runs with another's rights is not for everyone to read. */
void contents_restrict_mode(struct archive_entry *entry);
void contents_done(WorkerImage *i);
