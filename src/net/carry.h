/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The addresses and routes of one interface, to be carried to another: the kernel's own messages with another index in them, so that
 * nothing of a route is lost that nobody here knows. */

#include <stdbool.h>

#include "base/error.h"
#include "net/message.h"

typedef struct NetCarry {
        NetMessage *items; /* addresses, then routes: what is needed comes before what needs it */
        size_t n;
        bool lent_ipv4, lent_ipv6; /* some of them are on loan, by DHCP or a router's word */
} NetCarry;
void net_carry_done(NetCarry *c);

/* Those that somebody gave it: not link-local ones, nor routes that the kernel makes of addresses or learns from routers. */
int net_carry_list(int fd, int index, NetCarry *ret, Error *e);
int net_carry_add(int fd, const NetCarry *c, int index); /* 0 also when they are there */
int net_carry_delete(int fd, const NetCarry *c, int index);

char *net_carry_text(const NetCarry *c); /* for a file; one word */
int net_carry_parse(const char *text, NetCarry *ret);
/* For a file of systemd.network(5): what is not on loan. */
char *net_carry_networkd(const NetCarry *c);
