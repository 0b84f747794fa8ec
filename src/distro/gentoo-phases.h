/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* pkg_setup, pkg_preinst and pkg_postinst of the packages, run inside the new root from each package's saved environment. */

#include "distro/distro.h"
#include "distro/gentoo-merge.h"

/* Adds to the root what the phases need there: each package's environment, the driver. */
void gentoo_phases_write(const GentooMerged *m, size_t n, Tar *tar);
/* In the order of the packages. -EREMOTEIO names the package and the phase that failed, with its last lines. */
int gentoo_phases_run(const GentooMerged *m, size_t n, const DistroRunner *runner, Error *e);
