/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network of a machine from its plan to its end, whoever cleans up: its supervisor, or the command that finds it dead. */

#include "machine/run-target.h"

bool machine_network_is_wanted(const MachineSpec *s);
int machine_facts_network(const Target *t, HostFacts *f, Error *e);
/* /etc/machine-id of the host, where there is one. */
void machine_facts_host_id(HostFacts *f);

/* Notes in run_dir/addresses that the plan's addresses are this machine's; -EEXIST when another one was given one of them meanwhile. */
int machine_network_reserve(const MachineHost *h, const MachinePlan *p, Error *e);
/* What will have to be undone, for the record. */
void machine_network_note(const MachinePlan *p, Machine *m);
/* After the record is on disk: makes the interfaces. *ret_ports_pidfd: of the process that keeps the published ports, -1: there are
 * none. */
int machine_network_begin(const MachineHost *h, const MachinePlan *p, const Machine *m, int leader_pidfd, int *ret_ports_pidfd,
                          Error *e);
/* All of it that is still there. The machine's first process is gone. */
void machine_network_end(const MachineHost *h, const Machine *m);
