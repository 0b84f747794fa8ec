/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/hash.h"
#include "base/macro.h"
#include "transfer/md5.h"

static void md5_of(const char *text, size_t piece, char ret[static 2 * MD5_SIZE + 1])
{
        uint8_t digest[MD5_SIZE];
        size_t len = strlen(text);
        Md5 m;

        md5_init(&m);
        for (size_t i = 0; i < len; i += piece)
                md5_feed(&m, text + i, len - i < piece ? len - i : piece);
        md5_end(&m, digest);
        hash_hex(digest, MD5_SIZE, ret);
}

/* The test suite of RFC 1321. */
static const char *const suite[][2] = {
                {"", "d41d8cd98f00b204e9800998ecf8427e"},
                {"a", "0cc175b9c0f1b6a831c399e269772661"},
                {"abc", "900150983cd24fb0d6963f7d28e17f72"},
                {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
                {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
                {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
                {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                 "57edf4a22be3c955ac49da2e2107b67a"},
};

static void agrees_with_the_rfc(void **state)
{
        char hex[2 * MD5_SIZE + 1];

        for (size_t i = 0; i < ELEMENTSOF(suite); i++) {
                md5_of(suite[i][0], 1000, hex);
                assert_string_equal(hex, suite[i][1]);
        }
}

static void does_not_depend_on_the_pieces(void **state)
{
        char hex[2 * MD5_SIZE + 1];

        for (size_t piece = 1; piece < 80; piece++) {
                md5_of(suite[6][0], piece, hex);
                assert_string_equal(hex, suite[6][1]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(agrees_with_the_rfc),
                        cmocka_unit_test(does_not_depend_on_the_pieces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
