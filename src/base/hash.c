/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

static inline uint64_t rotl(uint64_t x, unsigned b)
{
        return (x << b) | (x >> (64 - b));
}

static inline uint64_t load_le(const uint8_t *p, size_t n)
{
        uint64_t v = 0;

        for (size_t i = 0; i < n; i++)
                v |= (uint64_t)p[i] << (8 * i);
        return v;
}

static inline void sip_round(uint64_t v[static 4])
{
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
}

static inline void sip_compress(uint64_t v[static 4], uint64_t m)
{
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
}

uint64_t hash_siphash24(const void *data, size_t len, const uint8_t key[static 16])
{
        uint64_t k0 = load_le(key, 8), k1 = load_le(key + 8, 8);
        uint64_t v[4] = {k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
                         k1 ^ 0x7465646279746573ULL};
        const uint8_t *p = data;
        size_t whole = len - len % 8;

        for (size_t i = 0; i < whole; i += 8)
                sip_compress(v, load_le(p + i, 8));
        sip_compress(v, load_le(p + whole, len % 8) | (uint64_t)(len & 0xff) << 56);

        v[2] ^= 0xff;
        for (int i = 0; i < 4; i++)
                sip_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t hash_crc32(const void *data, size_t len)
{
        const uint8_t *bytes = data;
        uint32_t crc = UINT32_MAX;

        for (size_t i = 0; i < len; i++) {
                crc ^= bytes[i];
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = (crc >> 1) ^ (UINT32_C(0xedb88320) & -(crc & 1));
        }
        return ~crc;
}

void hash_hex(const uint8_t *bytes, size_t n, char *ret)
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < n; i++) {
                ret[2 * i] = digits[bytes[i] >> 4];
                ret[2 * i + 1] = digits[bytes[i] & 15];
        }
        ret[2 * n] = '\0';
}

/* Aborts when the kernel has no random numbers to give: names and keys made from anything else would not be safe. */
void hash_random(void *ret, size_t n)
{
        uint8_t *p = ret;

        while (n > 0) {
                ssize_t got = getrandom(p, n, 0);
                if (got < 0) {
                        if (errno == EINTR)
                                continue;
                        abort();
                }
                p += got;
                n -= (size_t)got;
        }
}
