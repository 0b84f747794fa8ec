/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* dpkg's name of the architecture this program was built for, allocated; NULL: Debian has none. */
char *deb_arch_host(void);
/* The directory besides /lib that has an architecture's program loader, "" where that is in /lib. */
const char *deb_arch_libdir(const char *arch);
