/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A new file that is written from its beginning to its end, with holes where there would be zeros. */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Sparse {
        int fd;
        uint64_t pos;                    /* bytes so far, holes and all */
        uint64_t data;                   /* of them written */
        uint64_t data_limit, size_limit; /* 0 = none */
} Sparse;

int sparse_write(Sparse *s, const uint8_t *data, size_t len, Error *e);
int sparse_skip(Sparse *s, uint64_t len, Error *e); /* a hole */
int sparse_finish(Sparse *s, Error *e);             /* it may end with a hole */
