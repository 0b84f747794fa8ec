/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* INSTALL_MASK of the profile and --make-conf, and what FEATURES nodoc, noman and noinfo add to it. */

#include "distro/gentoo-merge.h"
#include "distro/gentoo.h"

char **gentoo_mask_patterns(const GentooPlan *p); /* NULL: there are none */
/* Takes what is masked out of the new root and of the packages' CONTENTS. text is what /var/db/pkg keeps of it. */
int gentoo_mask_apply(GentooMerged *m, size_t n, char *const *patterns, const char *text, int root_dirfd, Error *e);
