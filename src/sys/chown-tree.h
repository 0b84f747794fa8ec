/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Gives every file of the tree at path, on its own file system only, the owner base + the low 16 bits of its present one; access control
 * lists and file capabilities go along. As systemd-nspawn does, the top directory belongs to 0xfffe0000 + its low bits meanwhile, so that
 * whoever comes after an interruption sees it; doing it again completes it. */
int sys_chown_tree(const char *path, uint32_t base, Error *e);
