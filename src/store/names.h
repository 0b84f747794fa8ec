/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/work.h"

/* -EINVAL with a message that says what a name may be. */
int name_check_machine(const char *name, Error *e);
int name_check_image(const char *name, Error *e);
int name_check_snapshot(const char *name, Error *e);

/* Names of the images in a directory (relative to the store's root), sorted, each once. */
int names_in(Store *s, const char *dir, char ***ret);
char *name_nearest(Store *s, const char *name); /* of a machine, NULL when none is like it */
