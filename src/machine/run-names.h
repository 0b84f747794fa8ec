/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names of machines that berth gave addresses: on the host by a part of /etc/hosts, in a zone by a dnsmasq(8) of its own, which also
 * gives leases of these same addresses. run_dir/names/NAME has the addresses of a machine; all else is made of these files anew whenever
 * one comes or goes. */

#include "machine/machine.h"

/* After the interfaces are there. What fails is warned of: the machine runs without a name. */
void machine_names_begin(const MachineHost *h, const MachinePlan *p);
void machine_names_end(const MachineHost *h, const char *machine);

/* `text` with the part that berth keeps replaced by `lines`, or without it when there are none. */
char *names_hosts_text(const char *text, const char *lines);
