/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child of disk_import(): reads an image, raw or qcow2, and writes it raw. Who: as decode-worker.h has it; of files it has those three,
 * and why it failed goes to `report` as an Error. */

#include <stdint.h>

#include "base/macro.h"

typedef struct DiskWork {
        int in;     /* a file, read from its position, which follows; or a pipe */
        int out;    /* the new file */
        int spool;  /* an empty one, for a qcow2 image that comes through a pipe */
        int report; /* a pipe */
        uint64_t data_limit, size_limit;
} DiskWork;

_noreturn_ void disk_worker_main(DiskWork w);
