/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/machine.h"

/* Removes what is left of a machine whose leader is gone: cgroup with all in it, record. The caller holds its lock. */
void machine_registry_forget(const MachineHost *h, const Machine *m);
/* The cgroup that $BERTH_CGROUP named, or machine.slice where no systemd owns it, goes with its last machine. */
void machine_registry_remove_parent(const MachineHost *h);
/* 0, or -EINVAL with the rules. */
int machine_check_name(const char *name, Error *e);
/* Where its processes are, below its own; NULL: it has none. */
char *machine_payload_cgroup(const Machine *m);
/* -EBUSY with the way out when it is paused: who would enter it now would be held still, too. */
int machine_check_awake(const Machine *m, Error *e);
