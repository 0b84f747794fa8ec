/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --property=NAME=VALUE: settings of the unit that a machine is, as systemd.resource-control(5), systemd.scope(5) and systemd.unit(5) have
 * them. Where systemd makes the scope it gets them all; else those that are a control group's are berth's to apply. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum PropertyKind {
        PROPERTY_BYTES,       /* number, or UINT64_MAX; scaled: 32-bit fraction of the host's memory */
        PROPERTY_COUNT,       /* the same, of the host's limit */
        PROPERTY_QUOTA,       /* number: µs of CPU time per second, or UINT64_MAX */
        PROPERTY_WEIGHT,      /* number: 1 to 10000 */
        PROPERTY_BOOL,        /* number */
        PROPERTY_SECONDS,     /* number: µs, or UINT64_MAX */
        PROPERTY_SIGNAL,      /* number */
        PROPERTY_TEXT,        /* text */
        PROPERTY_UNITS,       /* text: words */
        PROPERTY_SET,         /* bits */
        PROPERTY_DEVICE_RATE, /* path, number */
        PROPERTY_DEVICE,      /* path, text: "rwm" */
        PROPERTY_ADDRESSES,   /* text: words, each of which property_parse_address() knows */
} PropertyKind;

#define PROPERTY_SET_MAX 8192

typedef struct PropertyRow {
        const char *name;
        PropertyKind kind;
        const char *wire;       /* what D-Bus calls it; NULL: the same */
        const char *controller; /* of a control group; NULL: only systemd can do it */
        const char *v2, *v1;    /* its file; NULL: that version has none */
} PropertyRow;

typedef struct Property {
        const PropertyRow *row;
        bool scaled;
        uint64_t number;
        const char *text; /* in the setting's own text */
        char path[4096];
        uint8_t bits[PROPERTY_SET_MAX / 8];
        unsigned n_bits; /* up to the last that is set */
} Property;

/* Refuses by name what is not known or cannot be. `option` names the option in messages. */
int property_parse(const char *setting, const char *option, Property *ret, Error *e);

typedef struct PropertyAddress {
        int family; /* AF_INET, AF_INET6 */
        uint8_t bytes[16];
        uint32_t prefix;
} PropertyAddress;
/* "any", "localhost", "link-local", "multicast", ADDRESS or ADDRESS/PREFIX; a word may stand for one of each family. Returns how many. */
int property_parse_address(const char *word, PropertyAddress ret[static 2]);
