/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Groups of cgroup v1 hierarchies, which have the controllers on hosts that are not all cgroup2. Directories are given by their whole path,
 * as each hierarchy is mounted on its own. Nothing is mounted here. */

#include <sys/types.h>

int sys_cgroup1_make(const char *directory); /* parents are made, and cpusets filled, as nobody can be in an empty one */
int sys_cgroup1_attach(const char *directory, pid_t pid); /* 0: the calling process */
/* With what is below; waits a moment for what is dying in it. 0 if absent. */
int sys_cgroup1_remove(const char *directory);
