/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The network of machines, by rtnetlink(7) on the network namespace a caller hands in. The caller's own namespace is never
 * changed. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct NetAddress {
        unsigned index;
        char interface[16];
        int family;        /* AF_INET, AF_INET6 */
        uint8_t prefix;    /* length */
        uint8_t scope;     /* RT_SCOPE_* of rtnetlink(7): RT_SCOPE_UNIVERSE is global, RT_SCOPE_LINK, RT_SCOPE_HOST */
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
