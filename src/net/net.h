/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network of machines: their interfaces by rtnetlink(7), what the packet filter does for them by nfnetlink. The host's side is the
 * network namespace of the calling process, which is never changed; the machine's is one that the caller hands in. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plan/plan.h"

typedef struct NetAddress {
        unsigned index;
        char interface[16];
        int family;        /* AF_INET, AF_INET6 */
        uint8_t prefix;    /* length */
        uint8_t scope;     /* RT_SCOPE_* of rtnetlink(7): RT_SCOPE_UNIVERSE is global, RT_SCOPE_LINK, RT_SCOPE_HOST */
        bool permanent;    /* not a lease, nor of a router's making */
        uint8_t bytes[16]; /* in network order, the first 4 for AF_INET */
} NetAddress;

#define NET_ADDRESS_TEXT_MAX 46 /* INET6_ADDRSTRLEN */

/* All addresses of all interfaces of a network namespace: netns_fd is an open /proc/PID/ns/net, or a pidfd (Linux 5.8) of a
 * process in it.
 * *ret is to be freed by the caller. */
int net_addresses(int netns_fd, NetAddress **ret, size_t *ret_n, Error *e);

/* "10.0.0.1", "fd00::1"; returns buf. */
char *net_address_text(const NetAddress *a, char buf[static NET_ADDRESS_TEXT_MAX]);

/* A netlink socket of another network namespace. */
int net_socket_in(int netns_fd, int protocol, Error *e);

/* Answers of the kernel to a dump of addresses, n bytes: appends to *list what it finds. 1 when the dump is over, 0 when more
 * follows, -errno. */
typedef struct NetAddresses {
        NetAddress *items;
        size_t n;
} NetAddresses;
int net_parse_addresses(const void *data, size_t n, NetAddresses *list);
int net_addresses_on(int fd, NetAddresses *list); /* the same as net_addresses(), by a socket of the namespace in question */

/* ---- a machine's interfaces (setup.c, undo.c) ---- */

/* Runs PHASE_NETWORK of a plan, but for OP_NET_PORT: net_ports_keep(). netns_fd is the machine's network namespace. */
int net_setup(const MachinePlan *plan, int netns_fd, Error *e);

typedef struct NetUndo { /* what a plan leaves on the host, in words that a record can keep */
        char **links;    /* interfaces to delete */
        char **moved;    /* "INSIDE HOST": to bring home */
        char **tables;   /* of nftables */
        char *zone;      /* a bridge that goes when it has no port any more, with its table; NULL: none */
} NetUndo;
void net_undo_of(const MachinePlan *plan, NetUndo *ret);
void net_undo_done(NetUndo *u);
/* All of it that is there, in spite of errors; the first is returned. netns_fd: what the machine's interfaces are in, -1 when it is
 * gone. 1: the zone went, too. */
int net_undo(const NetUndo *u, int netns_fd, Error *e);

/* ---- what the host has (facts.c) ---- */
/* Only what the spec asks for. */
int net_facts(const MachineSpec *spec, FactNetwork *ret, Error *e);

/* ---- published ports (ports.c) ---- */
/* Leaves a process behind that keeps the rules as the machine's addresses change, and answers on ::1, until the machine's first
 * process is gone. *ret_pidfd is of that process, -1 when the plan has no port. */
int net_ports_keep(const MachinePlan *plan, int leader_pidfd, int netns_fd, int *ret_pidfd, Error *e);
