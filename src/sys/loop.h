/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Loop devices: a part of a file as a block device. */

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct SysDevicePath {
        char s[32]; /* "/dev/loop12" */
} SysDevicePath;

/* A new one over `size` bytes of the file at `path` (which may be a block device) from `offset` on. It takes itself away when its last
 * user is gone: this descriptor, a mount, or a device on top of it, whatever kills them (LO_FLAGS_AUTOCLEAR). Past the page cache where the
 * file system can do that. LOOP_CONFIGURE, Linux 5.8. */
int sys_loop_open(const char *path, uint64_t offset, uint64_t size, bool read_only, SysDevicePath *ret, Error *e);
