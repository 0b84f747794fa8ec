/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a root needs to be at home in a container, as rows: each looks whether the new machine needs it, and says in one line what it
 * did. */

#include "machine/create.h"

/* What is wrong with the options, before anything is built: names, the password's file, values that would break a line. */
int create_fixups_check(const CreateFixups *f, Error *e);
/* Of a new machine that is not there yet. */
int create_fixups_apply(const MachineHost *h, const CreateFixups *f, const StoreImage *made, Error *e);
