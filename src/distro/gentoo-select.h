/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From sets of atoms (@system, @profile, what the user names) to the binary packages that make up a root. Build dependencies do not count:
 * what is in an index is built. */

#include "base/error.h"
#include "distro/gentoo-package.h"

typedef struct GentooWish {
        const char *label; /* for messages: "@system" */
        char *const *atoms;
} GentooWish;

typedef struct GentooSelection {
        const GentooPackage *packages; /* of all indexes, those of the preferred one last */
        size_t n;
        char *const *hidden; /* for each package why it must not be taken, as the end of a sentence: "is masked"; NULL: it may be */
        char *const *implicit; /* flags that every package knows, sorted */
        const GentooWish *wishes;
        size_t n_wishes;
} GentooSelection;

typedef struct GentooChoice {
        const GentooPackage **
                        items; /* each after what it needs at run time, as far as there are no cycles; the layout of / comes first */
        size_t n;
} GentooChoice;

/* -ENOPKG with the chain that leads to what is missing, blocked or in conflict. */
int gentoo_select(const GentooSelection *s, GentooChoice *ret, Error *e);
void gentoo_choice_done(GentooChoice *c);
