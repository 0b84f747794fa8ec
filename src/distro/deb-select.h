/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a variant and the user's wishes to the packages that make up a root. */

#include <stdbool.h>

#include "base/error.h"
#include "distro/deb-packages.h"

typedef struct DebSelection {
        const char *variant; /* NULL: boot */
        const char *arch;
        char *const *include; /* "name" or "name=version" */
        char *const *exclude;
} DebSelection;

/* Indexes of records, in an order that satisfies dependencies. -EINVAL with the variants that exist, -ENOENT for names,
 * -ENOPKG with the chain. */
typedef struct DebChoice {
        const DebRecord **items;
        bool *base; /* essential, or needed by what is */
        /* neither asked for nor needed by the essential packages: apt may remove it when nothing needs it any more */
        bool *automatic;
        size_t n;
} DebChoice;

int deb_select(DebPackages *p, const DebSelection *s, DebChoice *ret, Error *e);
void deb_choice_done(DebChoice *c);

/* Adds to the chosen packages in `set` (a flag for each item) all chosen ones that they depend on; `fields` ends with NULL. */
void deb_choice_close(const DebChoice *c, bool *set, const char *const *fields);
