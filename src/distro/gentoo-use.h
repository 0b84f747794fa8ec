/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which flags a package would be built with, by the profile and the settings: Package Manager Specification, chapter 5, and Portage's
 * USE_ORDER. Later is stronger: the defaults in IUSE, the profile's USE and USE_EXPAND variables, its package.use, make.conf, package.use
 * of the settings; what is forced and what is masked has the last word. */

#include "distro/gentoo-profile.h"

typedef struct GentooUseSettings {
        const GentooProfile *profile, *user;
        char *const *make_conf; /* KEY=VALUE */
} GentooUseSettings;

/* Of the flags in the package's own IUSE those that it was built with otherwise, as they should be: "x -y". NULL: it fits. */
char *gentoo_use_differs(const GentooUseSettings *s, const GentooPackage *p);
/* Whether "ATOM …" of a line is about the package; "*" may stand for a category and a name. ret_rest: what is behind it. */
bool gentoo_line_matches(const char *line, const GentooPackage *p, Slice *ret_rest);
