/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* What sys_open_in_root() falls back to; here for the unit tests. With `make` (not 0) missing directories are made with that
 * mode, those that a dangling symlink names too. */
int open_in_root_walk(int rootfd, const char *path, int flags, mode_t mode, mode_t make);
