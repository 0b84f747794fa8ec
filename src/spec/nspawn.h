/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reader of systemd.nspawn(5) files: bytes to MachineSpec, no file access. */

#include "base/events.h"
#include "spec/spec.h"

typedef struct SpecNspawnFile {
        const char *name; /* for origins and messages */
        const char *text;
        size_t len;
        bool trusted; /* false: settings that need trust are left out, each with an EVENT_WARNING, as systemd-nspawn does */
        const Events *events; /* NULL: silent */
} SpecNspawnFile;

int spec_read_nspawn(MachineSpec *s, const SpecNspawnFile *file, Error *e);
