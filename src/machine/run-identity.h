/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes a machine this one and no other: its name and what it must not share with the machine that it is a copy of. */

#include "machine/machine.h"

typedef struct Identity {
        const char *old_name; /* /etc/hostname is changed only when it holds that: what its owner chose stays. NULL: always */
        char **reset;         /* what it was, for people: "machine-id", "SSH host keys" */
        bool keys_missing;    /* SSH host keys went, and nothing was found in the image that would make new ones when it starts */
} Identity;
void identity_done(Identity *i);

/* StoreEdit.edit with an Identity: gives the copy its own. */
int identity_renew(void *identity, const StoreImage *made, Error *e);
