/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* zstd on all CPUs, when a stream has several frames that say how long they are, as `pzstd` and concatenation make them: each is
 * decompressed by a thread of its own, and what comes out goes out in order. A long frame cannot be divided: it is decompressed as it
 * comes, by one thread. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ZstdSource {
        void *ctx;
        /* The next bytes, at the end none; they stay until the next call. -errno */
        int (*read)(void *ctx, const uint8_t **ret, size_t *ret_len, Error *e);
        int (*write)(void *ctx, const uint8_t *data, size_t len, Error *e);
        unsigned threads;
} ZstdSource;

int decode_zstd(const ZstdSource *s, Error *e);
