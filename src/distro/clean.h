/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "distro/distro.h"

/* Takes one file out of the cache, unless somebody fetches it: who does holds the lock of its part. */
void clean_file(const char *dir, const char *name, DistroCleaned *ret);
