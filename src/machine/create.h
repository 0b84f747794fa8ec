/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The half of src/machine that makes machines (create-*.c): store, transfer and distro meet here. It lives in a program of its own
 * (berth-create, started by `berth create`), so that starting a machine never loads the solver, the archive or the HTTP libraries. */

#include "distro/distro.h"
#include "machine/machine.h"

typedef struct CreateRequest {
        const char *name;
        const char *source;
        DistroRequest distro;        /* the parts that options set; distribution and suite come from source */
        StoreDriverId driver;        /* _STORE_DRIVER_INVALID = the store's default */
        char *const *zfs_properties; /* PROPERTY=VALUE */
        bool rebuild;                /* do not use a finished image */
} CreateRequest;

/* Of the cache what the newest indexes do not name, and images that no request leads to any more. */
int machine_clean_cache(const MachineHost *h, Error *e);

int machine_create(const MachineHost *h, const CreateRequest *r, Error *e);
