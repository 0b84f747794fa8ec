/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Machines of an ordinary user. All that changes something runs in a user namespace around it, where the user is root: 0 is its own ID, 1
 * and more are its subordinate ones, if newuidmap(1) may map any. The machine's user namespace is one more inside, with the same IDs, so
 * that its root cannot undo what was mounted for it. */

#include "machine/machine.h"

typedef struct Rootless {
        SpecIdRanges uids, gids; /* as the host knows them; the first is the user's own */
        char *user;
        bool subordinate;
        char *newuidmap, *newgidmap; /* NULL: not installed */
} Rootless;
void machine_rootless_find(const MachineHost *h, Rootless *ret);
void machine_rootless_done(Rootless *r);

/* Into the namespace around a machine that runs: whoever is root there may enter it. */
int machine_rootless_join(const Machine *m, Error *e);

/* The maps of the namespace that was entered. */
int machine_rootless_maps(SpecIdRanges *uids, SpecIdRanges *gids);

/* In PATH; NULL: nowhere. */
char *machine_find_program(const char *name);
