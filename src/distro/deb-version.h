/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "distro/deb822.h"

/* deb-version(7): <0, 0 or >0. */
int deb_version_compare(Slice a, Slice b);
