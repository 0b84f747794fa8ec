/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The field table: one row for each SpecField. */

#include "spec/spec.h"

struct ValueType;

typedef enum SpecGroup {                    /* what a higher layer replaces as a whole (systemd-nspawn's SettingsMask) */
                         SPEC_GROUP_SINGLE, /* on its own */
                         SPEC_GROUP_START,  /* what runs, and how */
                         SPEC_GROUP_CAPABILITY,
                         SPEC_GROUP_FILTER,
                         SPEC_GROUP_NETWORK,
                         SPEC_GROUP_USERS,
                         SPEC_GROUP_MOUNTS,
                         _SPEC_GROUP_MAX,
} SpecGroup;

typedef struct FieldRow {
        const char *name;             /* as messages and JSON call it */
        const struct ValueType *type; /* parse, format, take, clear */
        size_t offset;                /* of the member in MachineSpec; for types of several members, of the first */
        SpecGroup group;
        bool trusted; /* honoured only from a trusted .nspawn file */
} FieldRow;

const FieldRow *field_row(SpecField f);
