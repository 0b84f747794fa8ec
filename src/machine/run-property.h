/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/buf.h"

/* NAME=VALUE settings, which the plan has looked at, as elements of StartTransientUnit's array of properties. */
void property_put_all(Buf *b, char *const *settings);
