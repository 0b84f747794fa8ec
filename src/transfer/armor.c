/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/armor.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define ARMOR_BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define ARMOR_END   "-----END PGP PUBLIC KEY BLOCK-----"

bool armor_is(const char *text)
{
        return strstr(text, ARMOR_BEGIN) != NULL;
}

static int value_of(char c)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = c ? strchr(alphabet, c) : NULL;

        return p ? (int)(p - alphabet) : -1;
}

/* Four characters to three bytes; "=" fills the last ones up. */
static int decode_body(const char *p, const char *end, Buf *ret)
{
        uint32_t bits = 0;
        unsigned n = 0;

        for (; p < end; p++) {
                if (*p == '\n' || *p == '\r' || *p == ' ' || *p == '\t')
                        continue;
                if (*p == '=')
                        break; /* padding, or the checksum's line */
                int v = value_of(*p);
                if (v < 0)
                        return -EBADMSG;
                bits = bits << 6 | (uint32_t)v;
                if (++n == 4) {
                        buf_append(ret, (uint8_t[]){(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits}, 3);
                        bits = n = 0;
                }
        }
        if (n == 1)
                return -EBADMSG;
        if (n == 2)
                buf_append(ret, (uint8_t[]){(uint8_t)(bits >> 4)}, 1);
        if (n == 3)
                buf_append(ret, (uint8_t[]){(uint8_t)(bits >> 10), (uint8_t)(bits >> 2)}, 2);
        return 0;
}

/* Behind the header lines and the blank one that ends them. */
static const char *skip_headers(const char *p, const char *end)
{
        while (p < end) {
                const char *line = p;
                p = memchr(p, '\n', (size_t)(end - p));
                if (!p)
                        return NULL;
                p++;
                if (strspn(line, " \t\r") == (size_t)(p - 1 - line))
                        return p;
        }
        return NULL;
}

int armor_decode(const char *text, Buf *ret)
{
        const char *p = strstr(text, ARMOR_BEGIN);

        if (!p)
                return -EBADMSG;
        for (; p; p = strstr(p, ARMOR_BEGIN)) {
                const char *end = strstr(p, ARMOR_END);
                const char *headers = strchr(p, '\n');
                const char *body = end && headers ? skip_headers(headers + 1, end) : NULL;
                int r = body ? decode_body(body, end, ret) : -EBADMSG;

                if (r < 0)
                        return r;
                p = end;
        }
        return 0;
}
