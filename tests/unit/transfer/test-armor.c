/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/macro.h"
#include "transfer/armor.h"

#define BEGIN "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
#define END   "-----END PGP PUBLIC KEY BLOCK-----\n"

static void decodes_with_each_padding(void **state)
{
        static const char *const cases[][2] = {
                        {BEGIN "\nTWFu\n=abcd\n" END, "Man"},
                        {BEGIN "\nTWE=\n=abcd\n" END, "Ma"},
                        {BEGIN "\nTQ==\n" END, "M"},
                        {BEGIN "\n" END, ""},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_buf_ Buf b = {0};
                assert_int_equal(armor_decode(cases[i][0], &b), 0);
                assert_int_equal(b.len, strlen(cases[i][1]));
                if (b.len > 0)
                        assert_string_equal(b.data, cases[i][1]);
        }
}

static void skips_headers_and_text_around(void **state)
{
        _cleanup_buf_ Buf b = {0};

        assert_int_equal(armor_decode("a comment\n" BEGIN "Version: GnuPG v2\nComment: x\n \r\nTWFu\n" END "more\n", &b), 0);
        assert_string_equal(b.data, "Man");
}

static void joins_blocks(void **state)
{
        _cleanup_buf_ Buf b = {0};

        assert_int_equal(armor_decode(BEGIN "\nTWFu\n" END BEGIN "\nTWFu\n" END, &b), 0);
        assert_string_equal(b.data, "ManMan");
}

static void refuses_what_is_damaged(void **state)
{
        static const char *const bad[] = {"", BEGIN "\nTWFu\n", BEGIN "TWFu\n" END, BEGIN "\nT*Fu\n" END, BEGIN "\nTWFuT\n" END};

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_buf_ Buf b = {0};
                assert_int_equal(armor_decode(bad[i], &b), -EBADMSG);
        }
}

static void tells_armor_from_bytes(void **state)
{
        assert_true(armor_is("text\n" BEGIN));
        assert_false(armor_is("\x99\x01"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(decodes_with_each_padding),
                        cmocka_unit_test(skips_headers_and_text_around),
                        cmocka_unit_test(joins_blocks),
                        cmocka_unit_test(refuses_what_is_damaged),
                        cmocka_unit_test(tells_armor_from_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
