/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is sent to a published port on the host's 127.0.0.1 and ::1 goes to the machine by hand: the packet filter cannot do it for ::1, and
 * for 127.0.0.1 only at a price (net/rules.c). No allocation; one process, with a child for each TCP connection. */

#include <stdbool.h>
#include <sys/socket.h>

#include "net/rules.h"

typedef struct RelayAddress { /* for the system calls */
        struct sockaddr_storage s;
        socklen_t n;
} RelayAddress;

/* A socket on a port of loopback; -EAFNOSUPPORT: the host has no such family. */
int relay_listen(bool ipv6, const NetPort *p);
/* Takes a connection and serves it in a child, which ends with it or with `leader`. */
void relay_accept(int listener, bool ipv6, const NetPort *p, const NetTargets *targets, int leader);

#define RELAY_FLOWS 64
typedef struct RelayFlow { /* UDP: one asker */
        int fd;            /* connected to the machine; -1: unused */
        int listener;
        uint64_t used_usec;
        RelayAddress asker;
} RelayFlow;
void relay_datagram(RelayFlow *flows, int listener, bool ipv6, const NetPort *p, const NetTargets *targets);
void relay_answer(RelayFlow *flow);
