/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the console of a machine showed: /run/berth/machines/NAME/console.log while it runs, then NAME.log in the directory of logs, where
 * older ones are NAME.log.1 and so on. */

#include "machine/machine.h"

/* When a machine has ended. */
void log_keep(const MachineHost *h, const char *name);
void log_remove(const MachineHost *h, const char *name);
void log_rename(const MachineHost *h, const char *name, const char *new_name);

/* Takes out of terminal output what is no text. In place; returns the new length. */
typedef struct LogFilter {
        enum { LOG_TEXT, LOG_ESCAPE, LOG_CSI, LOG_STRING } state;
} LogFilter;
size_t log_filter(LogFilter *f, char *text, size_t n);

typedef struct LogFollow {
        int fd;
        int watch; /* inotify: readable when there is more */
        off_t at;
} LogFollow;
int log_follow_open(LogFollow *f, const char *path, size_t lines /* from the end */);
ssize_t log_follow_read(LogFollow *f, char *buf, size_t size); /* 0: nothing more for now */
void log_follow_close(LogFollow *f);
