/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a process that was just cloned into namespaces of its own, of nobody's IDs, becomes one that can do nothing but work on the
 * descriptors it was given: before it sees the first byte. */

#include <stddef.h>

/* Closes every other descriptor (those that stay get new numbers, in *fds[i]), handlers and rights, and has `filter` (unpack-seccomp.h)
 * installed; ends with the thread that made it. 0 or -errno. */
int worker_confine(int *const *fds, size_t n, int (*filter)(void));
unsigned worker_cpus(void); /* at most 64 */
