/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Opens `path` below `rootfd` with every symlink, also an absolute one, resolved as if rootfd were "/" (openat2(2)
 * RESOLVE_IN_ROOT, Linux 5.6; on ENOSYS or EPERM from an older seccomp filter, a component-by-component O_NOFOLLOW walk).
 * O_CLOEXEC is always added. Returns the fd or -errno. */
int sys_open_in_root(int rootfd, const char *path, int flags, mode_t mode);

/* mkdir -p inside a root; the last component is opened O_PATH|O_DIRECTORY and returned when ret_fd is not NULL. New directories
 * get mode. */
int sys_mkdir_in_root(int rootfd, const char *path, mode_t mode, int *ret_fd);

/* Opens the parent directory (O_PATH) of path inside the root and points *ret_name at the last component within path. */
int sys_open_parent_in_root(int rootfd, const char *path, const char **ret_name);
