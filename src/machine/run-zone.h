/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/machine.h"

/* The server of a zone, made when it is missing. zone: the bridge; host: its IPv4 address with prefix; hosts: lines of hosts(5); dhcp:
 * lines of dnsmasq's --dhcp-hostsfile. A machine that came is made known to it; anew: after one that went it starts over, and has forgotten
 * its lease. */
void zone_serve(const MachineHost *h, const char *zone, const char *host, const char *hosts, const char *dhcp, bool anew);
/* After the last machine of the zone. */
void zone_end(const MachineHost *h, const char *zone);
