/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a tree says is installed in it: the records of dpkg, apk, pacman and Portage, which are files. rpm's are a database of its own. */

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct Package {
        char *name, *version; /* name: NAME, NAME:ARCH of dpkg, CATEGORY/NAME of Portage */
} Package;

typedef struct Packages {
        Package *items; /* by name, then version */
        size_t n;
        bool has_rpm; /* there is a database that is not read here */
} Packages;
void packages_done(Packages *p);

int packages_read(int root_dirfd, Packages *ret, Error *e); /* nothing is no failure */
