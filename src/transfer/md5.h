/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MD5 (RFC 1321), only for dpkg's record of configuration files, never to verify anything. Our own, because the unpack
 * worker must not run a crypto library: that would read its configuration, and load modules, from the tree that is being
 * unpacked. */

#include <stddef.h>
#include <stdint.h>

#define MD5_SIZE 16

typedef struct Md5 {
        uint32_t state[4];
        uint64_t len; /* bytes */
        uint8_t block[64];
} Md5;

void md5_init(Md5 *m);
void md5_feed(Md5 *m, const void *data, size_t len);
void md5_end(Md5 *m, uint8_t ret[static MD5_SIZE]);
