/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/machine.h"
#include "plan/plan.h"

/* systemd-machined is told of the machine, so that machinectl(1) and whoever else asks it knows of it. The unit that it belongs to is the
 * scope it runs in. Returns 1, or 0: there is none on this host. */
int machined_register(const MachineHost *h, const Machine *m, Error *e);
/* Done or not: machined forgets a machine by itself when its scope has ended. */
void machined_unregister(const MachineHost *h, const char *name);
