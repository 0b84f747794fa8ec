/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One builder for one source at a time: files in RUN/locks, each named like the machine that package scripts run in, and
 * with that machine's cgroup as its content, for who finds it after the builder was killed. */

#include "machine/machine.h"

/* Waits for another that builds the same. The descriptor, or -errno. */
int create_lock(const MachineHost *h, const char *name, Error *e);
void create_unlock(const MachineHost *h, const char *name, int *take_fd);
/* Whose lock nobody holds was killed: its processes died with it, its cgroup goes here. */
void create_clear_killed(const MachineHost *h);
