/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the EAPI of a package decides, as far as installing its binary needs it. Source: Package Manager Specification 8, chapters 5 to
 * 11. */

#include <stdbool.h>

#include "distro/slice.h"

typedef struct GentooEapi {
        const char *name;
        bool slot_deps;      /* cat/pkg:slot */
        bool use_deps;       /* cat/pkg[flag] */
        bool strong_blocks;  /* !!cat/pkg */
        bool use_defaults;   /* cat/pkg[flag(+)] */
        bool slot_operators; /* :=, :*, :slot=, and sub-slots */
        bool empty_any_true; /* || ( ) whose children have all gone is satisfied; else it never is */
        bool idepend;        /* IDEPEND: what pkg_*inst need on the running system */
        bool root_slash;     /* ROOT, D and their kin end in a slash */
        bool directories;    /* files of a profile may be directories */
        const char *bash;    /* BASH_COMPAT of the phases */
} GentooEapi;

const GentooEapi *gentoo_eapi(Slice name); /* empty: EAPI 0; NULL: none that is known */
