/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child of the pool and what the two say to each other over a SOCK_SEQPACKET socket, one message at a time:
 *
 *   parent                      worker
 *   WORKER_ENTER + tree mount ->
 *                             <- WorkerReply (ready, or why not)
 *   WORKER_TAR|DEB|… + archive ->
 *                             <- WorkerReply + memory file with the report (unpack-result.h), or the error alone
 *   end of file               -> exits */

#include <stdint.h>

#include "base/error.h"

typedef enum WorkerOrder { WORKER_ENTER, WORKER_TAR, WORKER_DEB, WORKER_XPAK, WORKER_GPKG, _WORKER_ORDER_MAX } WorkerOrder;

typedef struct WorkerRequest {
        uint32_t order;
        uint64_t limit; /* of this archive, 0 = none */
} WorkerRequest;

typedef struct WorkerReply {
        Error error; /* code 0: done */
} WorkerReply;

typedef struct WorkerShared {
        _Atomic uint64_t used; /* bytes written by all workers: memory that they share */
} WorkerShared;

/* Who: the process just cloned into new user, mount, PID, network, IPC and UTS namespaces; it closes every descriptor
 * but `sock`. */
_noreturn_ void unpack_worker_main(int sock, WorkerShared *shared, uint64_t limit);
