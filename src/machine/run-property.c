/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-property.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-bus.h"
#include "plan/property.h"

static void put_limit(Buf *b, const Property *p, const char *name)
{
        _cleanup_free_ char *scale = xasprintf("%sScale", name); /* a share is another property, of 32 bits */

        bus_put_property(b, p->scaled ? scale : name, p->scaled ? "u" : "t");
        if (p->scaled)
                bus_put_u32(b, (uint32_t)p->number);
        else
                bus_put_u64(b, p->number);
}

static void put_words(Buf *b, const char *text)
{
        _cleanup_strv_ char **words = strv_split(text, " \t");

        bus_put_u32(b, 0);
        size_t length_at = b->len - 4;
        STRV_FOREACH (w, words)
                bus_put_string(b, *w);
        memcpy(b->data + length_at, &(uint32_t){(uint32_t)(b->len - length_at - 4)}, 4);
}

static void put_addresses(Buf *b, const char *text)
{
        _cleanup_strv_ char **words = strv_split(text, " \t");
        size_t array = bus_array_open(b);

        STRV_FOREACH (w, words) {
                PropertyAddress addresses[2];
                int n = property_parse_address(*w, addresses);
                for (int i = 0; i < n; i++) {
                        bus_align(b, 8);
                        bus_put_u32(b, (uint32_t)addresses[i].family);
                        bus_put_bytes(b, addresses[i].bytes, addresses[i].family == AF_INET ? 4 : 16);
                        bus_put_u32(b, addresses[i].prefix);
                }
        }
        bus_array_close(b, array);
}

static void put_device(Buf *b, const Property *p)
{
        size_t array = bus_array_open(b);

        bus_put_string(b, p->path);
        if (p->row->kind == PROPERTY_DEVICE)
                bus_put_string(b, p->text);
        else
                bus_put_u64(b, p->number);
        bus_array_close(b, array);
}

static const char *const signatures[] = {
                [PROPERTY_BYTES] = "t",
                [PROPERTY_COUNT] = "t",
                [PROPERTY_QUOTA] = "t",
                [PROPERTY_WEIGHT] = "t",
                [PROPERTY_BOOL] = "b",
                [PROPERTY_SECONDS] = "t",
                [PROPERTY_SIGNAL] = "i",
                [PROPERTY_TEXT] = "s",
                [PROPERTY_UNITS] = "as",
                [PROPERTY_SET] = "ay",
                [PROPERTY_DEVICE] = "a(ss)",
                [PROPERTY_DEVICE_RATE] = "a(st)",
                [PROPERTY_ADDRESSES] = "a(iayu)",
};

static void put_property(Buf *b, const Property *p)
{
        const char *name = p->row->wire ?: p->row->name;

        if (p->row->kind == PROPERTY_BYTES || p->row->kind == PROPERTY_COUNT) {
                put_limit(b, p, name);
                return;
        }
        bus_put_property(b, name, signatures[p->row->kind]);
        switch ((int)p->row->kind) {
        case PROPERTY_TEXT:
                bus_put_string(b, p->text);
                break;
        case PROPERTY_UNITS:
                put_words(b, p->text);
                break;
        case PROPERTY_SET:
                bus_put_bytes(b, p->bits, (p->n_bits + 7) / 8);
                break;
        case PROPERTY_DEVICE:
        case PROPERTY_DEVICE_RATE:
                put_device(b, p);
                break;
        case PROPERTY_ADDRESSES:
                put_addresses(b, p->text);
                break;
        case PROPERTY_BOOL:
        case PROPERTY_SIGNAL:
                bus_put_u32(b, (uint32_t)p->number);
                break;
        default:
                bus_put_u64(b, p->number);
        }
}

/* As soon as a unit's devices are limited it may use no others: those that each machine has are added, like systemd-nspawn does it. */
static void put_own_devices(Buf *b)
{
        static const char *const own[][2] = {
                        {"/dev/null", "m"},   {"/dev/zero", "m"},      {"/dev/full", "m"},
                        {"/dev/random", "m"}, {"/dev/urandom", "m"},   {"/dev/tty", "m"},
                        {"/dev/fuse", "rwm"}, {"/dev/net/tun", "rwm"}, {"char-pts", "rw"},
        };

        bus_put_property(b, "DeviceAllow", "a(ss)");
        size_t array = bus_array_open(b);
        for (size_t i = 0; i < ELEMENTSOF(own); i++) {
                bus_align(b, 8);
                bus_put_string(b, own[i][0]);
                bus_put_string(b, own[i][1]);
        }
        bus_array_close(b, array);
}

void property_put_all(Buf *b, char *const *settings)
{
        bool limited = false;

        STRV_FOREACH (s, settings)
                limited |= str_startswith(*s, "DeviceAllow=") || str_startswith(*s, "DevicePolicy=");
        if (limited)
                put_own_devices(b);
        STRV_FOREACH (s, settings) {
                Property p;
                if (property_parse(*s, "--property", &p, NULL) >= 0)
                        put_property(b, &p);
        }
}
