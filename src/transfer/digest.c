/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/digest.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/str.h"

#define READ_SIZE (128 * 1024)

typedef struct DigestRow {
        const char *name;
        size_t size;
} DigestRow;

static const DigestRow digest_rows[] = {
                [DIGEST_NONE] = {"no digest", 0},   [DIGEST_SHA256] = {"SHA256", 32}, [DIGEST_SHA512] = {"SHA512", 64},
                [DIGEST_BLAKE2B] = {"BLAKE2B", 64}, [DIGEST_SHA1] = {"SHA1", 20},     [DIGEST_MD5] = {"MD5", 16},
};
static_assert(sizeof(digest_rows) / sizeof(digest_rows[0]) == _DIGEST_MAX, "a row for each type");

static size_t digest_size(DigestType type)
{
        return digest_rows[type].size;
}

const char *digest_type_name(DigestType type)
{
        return digest_rows[type].name;
}

static uint8_t nibble(char c)
{
        return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

int digest_parse(DigestType type, const char *hex, Digest *ret)
{
        Digest d = {.type = type};

        if (!hex || type == DIGEST_NONE || !str_is_hex(hex, 2 * digest_size(type)))
                return -EINVAL;
        for (size_t i = 0; i < digest_size(type); i++)
                d.bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
        *ret = d;
        return 0;
}

bool digest_eq(const Digest *a, const Digest *b)
{
        return a->type == b->type && memcmp(a->bytes, b->bytes, digest_size(a->type)) == 0;
}

char *digest_hex(const Digest *d, char buf[static DIGEST_HEX_MAX])
{
        hash_hex(d->bytes, digest_size(d->type), buf);
        return buf;
}

static const EVP_MD *algorithm(DigestType type)
{
        static const EVP_MD *(*const algorithms[])(void) = {
                        [DIGEST_SHA256] = EVP_sha256, [DIGEST_SHA512] = EVP_sha512, [DIGEST_BLAKE2B] = EVP_blake2b512,
                        [DIGEST_SHA1] = EVP_sha1,     [DIGEST_MD5] = EVP_md5,
        };
        return algorithms[type]();
}

int digest_stream_open(DigestStream *s, DigestType type)
{
        s->type = type;
        if (type == DIGEST_NONE)
                return 0;
        if (!s->ctx)
                s->ctx = EVP_MD_CTX_new();
        if (!s->ctx)
                return -ENOMEM;
        return EVP_DigestInit_ex(s->ctx, algorithm(type), NULL) == 1 ? 0 : -ENOTSUP;
}

int digest_stream_feed(DigestStream *s, const void *data, size_t len)
{
        if (s->type == DIGEST_NONE)
                return 0;
        return EVP_DigestUpdate(s->ctx, data, len) == 1 ? 0 : -EIO;
}

int digest_stream_feed_fd(DigestStream *s, int fd, uint64_t len)
{
        uint8_t buf[READ_SIZE];
        uint64_t at = 0;

        while (at < len) {
                size_t want = len - at < READ_SIZE ? (size_t)(len - at) : READ_SIZE;
                ssize_t n = pread(fd, buf, want, (off_t)at);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return len == UINT64_MAX ? 0 : -ENODATA;
                int r = digest_stream_feed(s, buf, (size_t)n);
                if (r < 0)
                        return r;
                at += (uint64_t)n;
        }
        return 0;
}

int digest_stream_end(DigestStream *s, Digest *ret)
{
        Digest d = {.type = s->type};

        if (s->type != DIGEST_NONE && EVP_DigestFinal_ex(s->ctx, d.bytes, NULL) != 1)
                return -EIO;
        *ret = d;
        return 0;
}

void digest_stream_done(DigestStream *s)
{
        EVP_MD_CTX_free(s->ctx);
        *s = (DigestStream){0};
}

int digest_of_fd(int fd, DigestType type, Digest *ret)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream s = {0};
        int r = digest_stream_open(&s, type);

        if (r >= 0)
                r = digest_stream_feed_fd(&s, fd, UINT64_MAX);
        if (r >= 0)
                r = digest_stream_end(&s, ret);
        return r;
}
