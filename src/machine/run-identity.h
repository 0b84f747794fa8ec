/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/machine.h"

/* Writes /etc/hostname of an image that does not run. With old_name only when it holds that one: a name that its owner chose stays. */
int machine_image_rename(const StoreImage *image, const char *old_name, const char *new_name, Error *e);
