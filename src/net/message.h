/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Netlink messages: built attribute by attribute, sent, and their answers read. rtnetlink(7) and nfnetlink share the form. */

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define NET_MESSAGE_MAX 2048 /* of what is sent here: names, addresses, one rule */

typedef struct NetMessage {
        _Alignas(4) char data[NET_MESSAGE_MAX];
        size_t len;
} NetMessage;

/* Begins one with its fixed part; NLM_F_REQUEST is added. */
void net_begin(NetMessage *m, uint16_t type, uint16_t flags, const void *body, size_t size);
void net_put(NetMessage *m, uint16_t attribute, const void *value, size_t size);
void net_put_u32(NetMessage *m, uint16_t attribute, uint32_t value); /* in host byte order */
void net_put_be32(NetMessage *m, uint16_t attribute, uint32_t value);
void net_put_str(NetMessage *m, uint16_t attribute, const char *value);
/* Attributes within one: what the first returns goes to the second. */
size_t net_nest(NetMessage *m, uint16_t attribute);
void net_nest_end(NetMessage *m, size_t nest);

/* Sends it and waits for the kernel's word: 0 or -errno. Each message of an answer goes to `take`, which may be NULL. */
typedef void (*NetTake)(void *ctx, const struct nlmsghdr *h);
int net_talk(int fd, NetMessage *m, NetTake take, void *ctx);

/* The attribute in what follows the fixed part of `size` bytes; NULL: it is not there. */
const struct nlattr *net_attribute(const struct nlmsghdr *h, size_t size, uint16_t type);
const struct nlattr *net_attribute_in(const struct nlattr *outer, uint16_t type);
const void *net_attribute_data(const struct nlattr *a);
size_t net_attribute_size(const struct nlattr *a);

int net_open(int protocol, Error *e); /* a socket of the calling process's network namespace */
