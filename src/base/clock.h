/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#define USEC_PER_SEC  1000000ULL
#define USEC_INFINITY UINT64_MAX

uint64_t clock_realtime(void);  /* microseconds since the epoch */
uint64_t clock_monotonic(void); /* microseconds */
