/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/* dpkg's name of the architecture this program was built for, allocated; NULL: Debian has none. */
char *deb_arch_host(void);
/* Package scripts are programs of that architecture: -ENOEXEC with the way out when this host is known not to run them. */
int deb_arch_check(const char *arch, Error *e);
/* The directory besides /lib that has an architecture's program loader, "" where that is in /lib. */
const char *deb_arch_libdir(const char *arch);
