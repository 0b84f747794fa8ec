/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* NAME.nspawn where berth itself wrote it: it goes with the machine, and a clone gets one, too. What a person wrote there stays theirs. */

#include "machine/machine.h"

#define WRITTEN_MARK "# Written by 'berth create'"

char *written_path(const MachineHost *h, const char *name);
/* -EEXIST: there is one already. */
int written_make(const MachineHost *h, const char *name, const char *text);
/* Both do nothing where there is none, or it is not berth's. */
void written_remove(const MachineHost *h, const char *name);
int written_copy(const MachineHost *h, const char *name, const char *new_name, Error *e);
