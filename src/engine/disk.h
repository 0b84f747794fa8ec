/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "plan/plan.h"

/* A detached mount of one file system of the disk image at `path`: loop device, unlocked, verified, checked and grown as the plan says.
 * What it takes goes when the mount goes, whoever is killed. type NULL: what is found there when it was unlocked. */
int disk_mount(const char *path, const PlanDisk *disk, const char *type, char *const *options, Error *e);
