/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "sys/mount.h"

/* The two ways of sys_mount_overlay(), for the tests: by descriptors (Linux 6.15 for detached layers), and by a helper process
 * with a mount namespace of its own, where the layers have paths. */
int overlay_by_descriptors(const SysOverlay *o, uint64_t attrs, Error *e);
int overlay_by_helper(const SysOverlay *o, uint64_t attrs, Error *e);
