/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole small files relative to a directory descriptor (AT_FDCWD allowed). All return 0 or -errno. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

int file_read_at(int dirfd, const char *path, size_t limit, char **ret, size_t *ret_len); /* -E2BIG past limit; NUL appended */
int file_read_fd(int fd, size_t limit, char **ret, size_t *ret_len);
/* Not atomic, for /proc and /sys. Mode 0: the file must exist. */
int file_write_at(int dirfd, const char *path, const char *data, mode_t mode);
int file_write_atomic_at(int dirfd, const char *path, const void *data, size_t len, mode_t mode, bool sync); /* .#tmp + rename */

int file_mkdir_p(const char *path, mode_t mode); /* absolute or relative to the current directory */
int file_mkdir_p_at(int dirfd, const char *path, mode_t mode);
/* rm -rf of a tree of any depth, without following links; -EBUSY at the first mount point; 0 if absent. */
int file_remove_tree_at(int dirfd, const char *name);
int file_remove_dirs_at(int dirfd, const char *name);  /* the same where files go with their directory: cgroups */
int file_dir_is_empty_at(int dirfd, const char *name); /* 1, 0 or -errno */
