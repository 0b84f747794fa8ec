/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One solver for all distributions: libsolv over an index in one of the formats it reads. What a distribution prefers is a
 * hint (a weak job); what is possible, and why not, is libsolv's word. */

#include <stddef.h>

#include "base/error.h"

typedef enum SolveFormat {
        /* Debian Packages paragraphs; dependencies without a version of what is provided count as Debian counts them */
        SOLVE_DEB,
        _SOLVE_FORMAT_MAX,
} SolveFormat;

typedef struct SolveRequest {
        SolveFormat format;
        const char *arch; /* in the distribution's spelling */
        const char *text; /* the index, one version per name */
        size_t len;
        char *const *install;  /* names */
        size_t n_first;        /* so many of `install` are settled, with what they need, before the rest is looked at */
        char *const *excluded; /* names that are not in the index because the user does not want them; for the messages */
        /* Which of several providers of a name comes first: the lower rank. */
        int (*rank)(void *ctx, const char *name);
        void *ctx;
} SolveRequest;

/* The names to install, each after what it must have before (as far as there are no cycles). -ENOPKG with the chain that leads
 * to what is missing or in conflict. */
int solve_install(const SolveRequest *r, char ***ret_names, Error *e);
