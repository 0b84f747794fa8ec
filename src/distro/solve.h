/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One solver for all distributions: libsolv over an index in one of the formats it reads, or over packages that were read already. What
 * a distribution prefers is a hint (a weak job); what is possible, and why not, is libsolv's word. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef enum SolveFormat {
        /* Debian Packages paragraphs; dependencies without a version of what is provided count as Debian counts them */
        SOLVE_DEB,
        SOLVE_PACKAGES, /* SolveRequest.packages */
        _SOLVE_FORMAT_MAX,
} SolveFormat;

typedef struct SolveNeed {
        char **any_of; /* one of these has to be provided */
        bool before;   /* and installed before, where there is no cycle */
} SolveNeed;

/* One of each name at most is installed. A name that is needed is one that a package provides; it means nothing by itself. */
typedef struct SolvePackage {
        char *name;
        char *label;      /* what messages call it; NULL: its name */
        unsigned version; /* among those of its name and among those that provide the same: the higher is preferred */
        char **provides;
        struct {
                SolveNeed *items;
                size_t n;
        } needs;
        char **conflicts;
} SolvePackage;

typedef struct SolveRequest {
        SolveFormat format;
        const char *arch; /* in the distribution's spelling */
        const char *text; /* the index, one version per name */
        size_t len;
        const SolvePackage *packages; /* instead of a text; `install` names some of them */
        size_t n_packages;
        char *const *install;  /* names */
        size_t n_first;        /* so many of `install` are settled, with what they need, before the rest is looked at */
        char *const *excluded; /* names that are not in the index because the user does not want them; for the messages */
        /* Which of several providers of a name comes first: the lower rank. */
        int (*rank)(void *ctx, const char *name);
        /* Why nothing provides a name that is needed, as the end of a sentence after the name; NULL: that no package provides it. */
        char *(*missing)(void *ctx, const char *name);
        void *ctx;
} SolveRequest;

/* The names to install, each after what it must have before (as far as there are no cycles). -ENOPKG with the chain that leads
 * to what is missing or in conflict. */
int solve_install(const SolveRequest *r, char ***ret_names, Error *e);
/* The same for SOLVE_PACKAGES, as indexes into `packages`. */
int solve_packages(const SolveRequest *r, size_t **ret, size_t *ret_n, Error *e);
