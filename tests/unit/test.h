/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What cmocka wants included before it, and cmocka. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
