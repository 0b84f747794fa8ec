/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The block devices below a file system of a disk image: loop device, LUKS, dm-verity. Private to src/engine. */

#include "base/error.h"
#include "plan/plan.h"
#include "sys/loop.h"

/* The topmost device; it and all below it are gone when this descriptor and its mount are. */
int disk_open(const char *path, const PlanDisk *disk, SysDevicePath *ret, Error *e);
/* The file system on an unlocked device. */
int disk_type_of(int device, const char *path, char ret[static 32], Error *e);
/* Runs a program of the host with standard input from `in` (-1: none), and its output thrown away: a status of wait(2), or -errno. */
int disk_run(char *const *argv, int in);
