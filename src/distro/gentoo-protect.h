/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two lists of paths that decide what a merge writes: CONFIG_PROTECT, whose files are not replaced, and INSTALL_MASK, whose files are not
 * installed. No I/O. */

#include <stdbool.h>

#include "distro/slice.h"

typedef struct GentooProtect {
        char **paths, **mask; /* CONFIG_PROTECT, CONFIG_PROTECT_MASK */
} GentooProtect;

/* line: of CONTENTS. The longer match counts; an empty file ".keep…" never is. */
bool gentoo_is_protected(const GentooProtect *p, const char *line);

/* path "/usr/share/doc/x"; directory: whether it is one. Of the patterns that match, the last one decides; "-" in front: it stays. */
bool gentoo_is_masked(char *const *patterns, const char *path, bool directory);
