/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The environment that a package was built in, as its environment.bz2 has it: what `declare -p` and `declare -f` of bash print. */

#include "base/buf.h"
#include "distro/slice.h"

/* Everything but the variables that belong to whoever runs a phase: paths of the build, bash's own, the build host's locale and features.
 * Functions are taken as they are. No I/O, nothing is run. */
void gentoo_environ_filter(Slice environment, Buf *ret);
