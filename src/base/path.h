/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

bool path_is_absolute(const char *p);
bool path_is_normalized(const char *p);                  /* no empty, "." or ".." component */
char *path_join(const char *a, const char *b);           /* one slash between; b absolute is appended all the same */
char *path_simplify(char *p);                            /* in place: double slashes, "." and trailing slashes go; ".." stays */
const char *path_basename(const char *p);                /* last component, "" for "/" */
char *path_dirname(const char *p);                       /* allocated */
bool path_has_prefix(const char *p, const char *prefix); /* whole components */

/* Machine names are host names: labels of [a-zA-Z0-9-], dots between, at most 64 characters (hostname_is_valid() of systemd). */
bool path_machine_name_is_valid(const char *name);
/* Snapshot names: a file name of [A-Za-z0-9._:-], not beginning with a dot, at most 128. */
bool path_snapshot_name_is_valid(const char *name);
