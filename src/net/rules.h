/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What berth wants of the packet filter, each in a table of its own that goes as a whole. */

#include "net/net.h"

#define NET_PORTS_TABLE "berth_ports_" /* and the machine's name */

typedef struct NetPort {
        uint8_t protocol; /* IPPROTO_* */
        uint16_t host, inside;
} NetPort;

/* What comes from these networks and goes elsewhere gets the host's address. */
int net_rules_masquerade(const char *table, const SpecAddresses *networks);
/* The host's ports lead to the machine at these addresses; family 0: it has none of that family. */
typedef struct NetTargets {
        NetAddress ipv4, ipv6;
} NetTargets;
int net_rules_ports(const char *table, const NetPort *ports, size_t n, const NetTargets *targets);
int net_rules_delete(const char *table);

/* Packets pass from one interface of the host to another. */
int net_forwarding_enable(void);
