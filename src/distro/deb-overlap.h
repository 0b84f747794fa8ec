/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that more than one package has. */

#include <stddef.h>

#include "base/error.h"
#include "distro/deb-database.h"
#include "distro/deb-select.h"

typedef struct DebOverlap {
        const char *path;
        size_t a, b; /* whose, by index; a < b */
} DebOverlap;

typedef struct DebOverlaps {
        DebOverlap *items;
        size_t n;
} DebOverlaps;

/* Paths in several of the n lists that no list shows to be a directory. Borrowed from the lists. */
DebOverlaps deb_overlaps(char **const *lists, size_t n);

/* Lets each such file belong to the package that Replaces the other, as dpkg does, and forgets it in the other's list. `again`
 * gets a flag for each package whose files must be unpacked once more to be the ones that stay. Where neither replaces the other, one
 * whose preinst diverts files is deferred, and what only it has is taken out of the tree again; -EEXIST when there is none. */
int deb_overlaps_settle(const DebChoice *c, DebUnpacked *unpacked, int root_dirfd, bool *again, Error *e);
