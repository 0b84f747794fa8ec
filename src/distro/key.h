/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "base/error.h"

/* The first 32 hex digits of a text's SHA-256. */
int key_of_text(const char *text, size_t len, char ret[static 33], Error *e);
