/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignments as in make.defaults, make.conf and /etc/env.d: NAME="value", quotes and comments as a shell has them, values over several
 * lines, ${NAME} for what was set before. Source: Package Manager Specification, 5.2.4; Portage's getconfig(). No I/O, nothing is run. */

#include <stdbool.h>

#include "base/error.h"
#include "distro/slice.h"

/* Adds to variables (NAME=VALUE, each name once). expand: ${NAME} and $NAME are replaced, by nothing where they are not set; else they
 * stay. origin is the file's name, for messages. */
int gentoo_vars_parse(Slice text, bool expand, const char *origin, char ***variables, Error *e);

/* What a list of words adds up to that is read from left to right: "-x" takes x away, "-*" all. Each word once, in the order of its first
 * coming. */
char **gentoo_incremental(const char *words);
/* The same for lines of files: one that begins with "-" takes the rest away. */
void gentoo_incremental_add(char ***list, Slice word);
