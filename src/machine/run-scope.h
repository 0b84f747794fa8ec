/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/* On a host whose PID 1 is systemd, cgroups are its to make: asks it for a scope unit of this process in slice (NULL:
 * machine.slice), with all controllers, so that the machine outlives the service or session that started it. By systemd's
 * own socket: no D-Bus daemon is needed. Returns 1 and the scope's cgroup2 path, or 0: PID 1 is not systemd. */
int scope_enter(const char *machine, const char *slice, char **ret_cgroup, Error *e);
