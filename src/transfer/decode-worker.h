/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child of decode_open(): decompresses `in` into `out` and ends; why it failed goes to `report` as an Error.
 *
 * Who: the process just cloned into namespaces of its own, of nobody's IDs. Before it sees the first byte it has closed every other
 * descriptor, given up what it may, and can open nothing. */

#include "base/macro.h"

_noreturn_ void decode_worker_main(int in, int out, int report);
