/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/* systemd.v(7): a path that ends in "NAME.v" is a directory of versions, NAME_VERSION[_ARCHITECTURE][+LEFT[-DONE]], with the suffix of
 * NAME (".raw", ".mstack"); "NAME.v/PREFIX___SUFFIX" says where the version stands. *ret_path is the newest one that this host can run;
 * those that have no tries left come last. *ret_name is what they are versions of. 1, or 0 when the path names no versions. */
int version_pick(const char *path, char **ret_path, char **ret_name, Error *e);
