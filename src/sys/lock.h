/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* A lock of the open file description (fcntl(2), F_OFD_SETLK), which is what systemd's lock files have; flock(2) does not see
 * them. The file has to be open for writing. 0, -EAGAIN when taken and !block, -EINTR. */
int sys_lock_file(int fd, bool exclusive, bool block);

/* The same on a lock file below dirfd, created 0600 when missing; the directory may be re-created by others, so the lock counts
 * only when the file is still the one with that name. Returns the fd that holds it, -EAGAIN when taken and !block,
 * -EINTR when a signal handler ran while it waited, or another -errno. */
int sys_lock_at(int dirfd, const char *name, bool exclusive, bool block);

/* flock(2), never blocking and exclusive, of a directory, made 0755 when missing: it serves as the lock of what is in it. */
int sys_lock_directory(const char *path);

/* sys_lock_at(), exclusive, with the directories on the way (0755) made when they are missing; signals do not end the wait. */
int sys_lock_making_dirs_at(int dirfd, const char *path, bool block);
