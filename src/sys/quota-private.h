/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Drops the quota group of a subvolume that is gone. What fails is tried by the kernel itself (Linux 6.11), or stays: an empty number. */
void quota_forget(int fd, uint64_t id);
