/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transfers run in the foreground, each in its own command. While one runs it has a record RUN/transfers/ID, so that others can list and
 * cancel it: KEY=VALUE lines, locked by the command. A record that nobody locks belongs to a command that was killed. */

#include "machine/create.h"

typedef struct TransferRecord {
        MachineHost host; /* what the transfer works with: reports its progress to the record, too */
        const Events *outer;
        char *path, *text;
        int fd;         /* holds the lock; -1: none */
        uint64_t noted; /* monotonic: when the progress was last written */
} TransferRecord;

/* kind: "import-tar"; local, remote may be NULL. A record that cannot be made is no reason to fail: nobody can see the transfer then.
 * The record must not move. */
void transfer_begin(TransferRecord *t, const MachineHost *h, const char *kind, const char *local, const char *remote);
void transfer_end(TransferRecord *t);
