/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Ranges of 65536 user and group IDs. Each machine of the store has one of its own, noted in MachineHost.state_dir/id-ranges/NAME, so that
 * it keeps the same range from start to start. Files on disk never belong to it (their IDs are mapped), so a note that is
 * lost or whose range is taken meanwhile costs nothing: another one is chosen. While a range is in use its lock file below
 * /run/systemd/nspawn-uid is held, as systemd-nspawn does for its containers: neither takes a range the other uses. */

#include "machine/machine.h"

#define RANGE_COUNT 65536U

typedef struct IdRange {
        uint32_t base;
        int lock_fd; /* -1: not in use, only computed */
} IdRange;

/* Takes the machine's range, choosing one when it has none. keep: note it for the next start. */
int machine_range_take(const MachineHost *h, const char *name, bool keep, IdRange *ret, Error *e);
/* A range given by hand is locked, too; -EBUSY when it is in use. */
int machine_range_lock(uint32_t base, IdRange *ret, Error *e);
void machine_range_release(IdRange *r);
/* What take would choose, without any change. */
uint32_t machine_range_peek(const MachineHost *h, const char *name);
/* The name under which a range that it delegates is taken; the caller frees it. */
char *machine_range_delegated(const char *name, uint32_t index);
/* When the machine is renamed: it keeps its range. */
void machine_range_rename(const MachineHost *h, const char *name, const char *new_name);
/* When the machine is removed. */
void machine_range_forget(const MachineHost *h, const char *name);
