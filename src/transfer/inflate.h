/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One piece in memory at a time, whose size is known before: the clusters of qcow2. `in` may have bytes behind its end. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

int inflate_deflate(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, Error *e); /* RFC 1951, without a header */
int inflate_zstd(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, Error *e);
