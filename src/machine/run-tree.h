/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of an image, whatever driver has it: store_tree_begin(), and disk images mounted where nobody sees them. */

#include "machine/run-target.h"

typedef struct MachineTree {
        int fd; /* of one of the two; -1: none */
        StoreTree files;
        Target disk; /* looked into */
} MachineTree;
#define MACHINE_TREE_NONE ((MachineTree){.fd = -1, .files = STORE_TREE_NONE, .disk = TARGET_NONE})

/* The store stays open as long as that. Nothing may run from a disk image. */
int machine_tree_open(const MachineHost *h, Store *s, const StoreImage *i, MachineTree *ret, Error *e);
void machine_tree_close(MachineTree *t);

/* A StoreEdit.edit for copies: identity_renew(), in disk images too. One that cannot be looked into keeps the identity it has, and a
 * warning says so. */
typedef struct Renewal {
        const MachineHost *host;
        void *identity;
} Renewal;
int machine_renew(void *renewal, const StoreImage *made, Error *e);
