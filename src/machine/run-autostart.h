/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/machine.h"

/* What says that it starts with the host goes with a machine, and along with its name. */
void autostart_remove(const MachineHost *h, const char *name);
void autostart_rename(const MachineHost *h, const char *name, const char *new_name);
