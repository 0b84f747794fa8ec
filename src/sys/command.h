/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Another program, with an argument vector and no shell. It is looked for in PATH, /usr/local/sbin, /usr/sbin and /sbin, and speaks
 * English (LC_ALL=C). */
typedef struct SysCommand {
        char *const *argv;
        const int *keep; /* descriptors that it inherits, as locks that shall be held as long as it runs; -1 is passed over */
        size_t n_keep;
        bool terminal; /* reads from the caller's standard input, which else is empty */
} SysCommand;

bool sys_command_exists(const char *program);

/* Waits for it. *ret_status: its exit status, or 128 and the signal that ended it. -ENOENT: there is no such program. */
int sys_command(const SysCommand *c, char **ret_output, char **ret_errors, int *ret_status);
