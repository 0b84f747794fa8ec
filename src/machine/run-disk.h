/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A machine that is a disk image: what is in it, and a look into it before it is started. */

#include "machine/run-target.h"

/* Mounts the image's root (and /usr) where nobody else sees it, and reads it through t->image from then on; makes t->disk. With the image's
 * lock held it is mounted as the machine will have it, so that a journal is replayed; else nothing is written. Nothing happens when it is
 * open already, or the target is no disk. target_disk_close() is to be called before the machine mounts it. */
int target_disk_open(Target *t, Error *e);
void target_disk_close(Target *t);
