/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Programs of a tree that is being built (maintainer scripts, dpkg), each in a machine of its own over that tree: all namespaces, an ID
 * range, no network, no registry. They end with this process, whatever ends it. */

#include "distro/distro.h"
#include "machine/run-range.h"

/* Programs of another root instead, in which changes are thrown away and which has this host's network. */
typedef struct TreeSeed {
        const StoreImage *image;
        const char *scratch; /* of the changes; NULL: memory */
        SpecMounts mounts;   /* the tree that is being built, and what is shared */
        const char *log;     /* what is said goes there */
} TreeSeed;

typedef struct TreeRunner {
        const MachineHost *host;
        const char *path; /* the tree */
        const char *name; /* host name inside, and of the cgroup */
        const IdRange *range;
        const TreeSeed *seed; /* NULL: programs of the tree itself */
} TreeRunner;

DistroRunner tree_runner(TreeRunner *t); /* t is borrowed */
