/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* D-Bus, as far as it takes to call systemd and its services: one connection for one call, the wire format by hand. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* What a message's body is put together from; each aligns itself. */
void bus_align(Buf *b, size_t to);
void bus_put_u32(Buf *b, uint32_t v);
void bus_put_u64(Buf *b, uint64_t v);
void bus_put_bytes(Buf *b, const void *data, size_t len); /* "ay" */
void bus_put_string(Buf *b, const char *s);
void bus_put_signature(Buf *b, const char *s);
/* An array of structures: its length is known at the end. */
size_t bus_array_open(Buf *b);
void bus_array_close(Buf *b, size_t length_at);
/* A structure of a name and a variant, whose value follows. */
void bus_put_property(Buf *b, const char *name, const char *signature);
void bus_put_string_property(Buf *b, const char *name, const char *value);

typedef struct BusCall {
        const char *socket;  /* of a service, or of the bus */
        bool broker;         /* the bus, which wants to be greeted */
        uid_t uid;           /* the caller's */
        const char *service; /* what it is called in messages: "systemd" */
        const char *object;  /* what is asked for, in messages: "unit 'a.scope'" */
        const char *destination, *path, *interface, *member, *signature;
        const Buf *body;
} BusCall;

/* 1: done; 0: there is nobody to ask. -EEXIST and -ENOENT: there is such an object, or there is none. */
int bus_call(const BusCall *c, Error *e);
