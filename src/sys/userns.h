/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The user namespace in which an ordinary user is root: over its own IDs and nothing else. Whoever is in it may mount, and make further
 * namespaces, as root may on the host. */

#include <stdbool.h>

#include "base/error.h"
#include "sys/idmap.h"

/* The calling process (which has one thread) moves into a new user namespace and a mount namespace of its own. With `helpers`, the paths of
 * newuidmap(1) and newgidmap(1), these write the maps; NULL: the maps are the caller's own single IDs, and setgroups(2) is given up. */
typedef struct SysMapHelpers {
        const char *newuidmap, *newgidmap;
} SysMapHelpers;
int sys_userns_enter(const SysIdMaps *maps, const SysMapHelpers *helpers, Error *e);

bool sys_userns_can_enter(void); /* tried by a process that ends at once */

/* Into the one that the process's user namespace was made in. */
int sys_userns_join_parent(pid_t pid, Error *e);

/* What /proc/self/uid_map or gid_map says; outside: as the namespace around it knows them. */
int sys_userns_read_map(const char *file, SysIdRange **ret, size_t *ret_n);

/* Whether this is the host's own: overlayfs keeps its notes in attributes that only this one may set. */
bool sys_userns_is_initial(void);
