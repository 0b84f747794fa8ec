/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reader of an OCI bundle's config.json: bytes to MachineSpec, no file access. Each object has a table of its keys. What the runtime
 * specification says must be ignored (unknown keys, annotations) is, all else is taken or refused by its JSON path. */

#include "base/events.h"
#include "spec/spec.h"

typedef struct SpecOciFile {
        const char *name; /* for origins and messages: "/srv/web/config.json" */
        const char *text;
        size_t len;
        const char *directory; /* of the bundle, absolute: what relative paths are relative to */
        const Events *events;  /* NULL: silent */
} SpecOciFile;

int spec_read_oci(MachineSpec *s, const SpecOciFile *file, Error *e);
