/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What musl lacked for long: statx(2) until 1.2.4, renameat2(2) until 1.2.6. */

#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __GLIBC__
#include <linux/fs.h>
#define renameat2(from_dir, from, to_dir, to, flags) ((int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags))
#ifndef STATX_BASIC_STATS
#include <linux/stat.h>
#define statx(dir, path, flags, mask, ret) ((int)syscall(SYS_statx, dir, path, flags, mask, ret))
#endif
#endif
