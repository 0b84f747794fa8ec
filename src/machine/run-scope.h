/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "machine/machine.h"

/* On a host whose PID 1 is systemd, cgroups are its to make: asks it for a scope unit of this process in slice (NULL:
 * machine.slice), with all controllers and these properties (NAME=VALUE), so that the machine outlives the service or session
 * that started it. By systemd's own socket: no D-Bus daemon is needed. An ordinary user asks its own systemd, if there is one.
 * Returns 1 and the scope's cgroup2 path, or 0: there is none to ask. */
int scope_enter(const MachineHost *h, const char *machine, const char *slice, char *const *properties, char **ret_cgroup,
                Error *e);

/* Whether scopes of this host are its systemd's to make. */
bool scope_is_possible(const MachineHost *h);

/* The other end, for a machine whose supervisor was killed and whose processes are dead: removes what berth made below the scope and
 * waits for systemd to remove the scope itself. Who removes a scope's directory under systemd's eyes may take it the message that
 * nobody is in it any more, and the unit stays for ever. false: cgroup is no scope of ours, the caller removes it. */
bool scope_leave(const MachineHost *h, const char *cgroup);
