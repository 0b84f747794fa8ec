/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 (Aumasson, Bernstein 2012); systemd derives UID ranges and MAC addresses with it. */
uint64_t hash_siphash24(const void *data, size_t len, const uint8_t key[static 16]);
uint32_t hash_crc32(const void *data, size_t len);        /* IEEE 802.3, as zlib and the GUID partition table have it */
void hash_hex(const uint8_t *bytes, size_t n, char *ret); /* 2n+1 bytes, lower case */
void hash_random(void *ret, size_t n);                    /* getrandom(2) */
