/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* pkg_pretend, pkg_setup, pkg_preinst and pkg_postinst of the packages, run inside the new root from each package's saved environment by
 * one bash, whose program is gentoo-phases.bash. */

#include "distro/distro.h"
#include "distro/gentoo-merge.h"
#include "distro/tar.h"

typedef struct GentooPhases {
        const GentooMerged *merged;
        size_t n;
        int root_dirfd;
        const DistroRunner *runner;
        const Events *events;
} GentooPhases;

/* Adds to the root what the phases need there: each package's environment, the driver. *ret_any: there is something to run, and a bash
 * to run it; where there is none, a warning says whose phases do not run. */
int gentoo_phases_write(const GentooPhases *p, Tar *tar, bool *ret_any, Error *e);
/* In the order of the packages. -EREMOTEIO names the package and the phase that failed; its last lines are reported before. */
int gentoo_phases_run(const GentooPhases *p, Error *e);
