/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's device mapper, without a library: dm-verity, which checks every block that is read against a tree of hashes. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "sys/loop.h"

bool sys_dm_available(void);

typedef struct SysVerity {
        const char *data, *hashes; /* block devices; may be one and the same */
        const char *root_hash;     /* hexadecimal */
        const char *key; /* description of a "user" key with the signature of the hash, which the kernel checks; NULL without */
} SysVerity;

/* A read-only device that is checked. It takes itself away when its last user is gone (deferred removal): this descriptor, or a mount. */
int sys_verity_open(const SysVerity *v, SysDevicePath *ret, Error *e);
/* Says of a device that cryptsetup made that it goes with its last user. */
int sys_dm_remove_deferred(const char *name, Error *e);
