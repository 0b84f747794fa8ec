/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <termios.h>

/* Opens "ptmx" below dirfd of a devpts and unlocks the other side, whose name there is "N". */
int sys_pty_new(int devpts_dirfd, int *ret_master, char **ret_name);
int sys_pty_copy_winsize(int from, int to);
int sys_pty_set_winsize(int fd, unsigned short rows, unsigned short columns);
int sys_terminal_raw(int fd, struct termios *ret_saved); /* cfmakeraw, saved state for the restore */
int sys_terminal_restore(int fd, const struct termios *saved);
