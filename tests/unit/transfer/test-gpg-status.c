/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "transfer/gpg-status.h"

#define G          "[GNUPG:] "
#define VALID_H(h) G "VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567 2026-01-01 1767225600 0 4 0 22 " h " 00 0123\n"
#define GOOD       G "NEWSIG\n" G "GOODSIG 89ABCDEF01234567 A <a@x>\n" VALID_H("10")
#define MISSING    G "NEWSIG\n" G "ERRSIG FEDCBA9876543210 22 10 00 1767225600 9 F\n" G "NO_PUBKEY FEDCBA9876543210\n"

static void expect(const char *status, int code, const char *message)
{
        Error e = {0};

        assert_int_equal(gpg_status_judge(status, "InRelease", &e), code);
        if (message) {
                assert_non_null(strstr(e.message, message));
                assert_ptr_equal(strstr(e.message, "InRelease: "), e.message);
        }
}

static void one_good_signature_is_enough(void **state)
{
        expect(GOOD, 0, NULL);
        expect(MISSING GOOD, 0, NULL);
        expect(GOOD MISSING, 0, NULL);
}

static void a_bad_one_spoils_all(void **state)
{
        expect(GOOD G "NEWSIG\n" G "BADSIG FEDCBA9876543210 B\n", -EKEYREJECTED, "FEDCBA9876543210");
}

static void names_the_missing_key(void **state)
{
        expect(MISSING, -ENOKEY, "FEDCBA9876543210, which is not in the keyring");
}

static void names_expired_and_revoked_keys(void **state)
{
        expect(G "NEWSIG\n" G "EXPKEYSIG 89ABCDEF01234567 A\n" VALID_H("10"), -EKEYEXPIRED,
               "89ABCDEF01234567, which has expired");
        expect(G "NEWSIG\n" G "REVKEYSIG 89ABCDEF01234567 A\n" VALID_H("10"), -EKEYREVOKED, "revoked");
        expect(G "NEWSIG\n" G "EXPSIG 89ABCDEF01234567 A\n" VALID_H("10"), -EKEYEXPIRED, "signature by key");
}

static void an_expired_key_after_a_good_one_does_not_borrow_its_word(void **state)
{
        expect(G "NEWSIG\n" G "GOODSIG 89ABCDEF01234567 A\n" G "NEWSIG\n" G "EXPKEYSIG 89ABCDEF01234567 A\n" VALID_H("10"),
               -EKEYEXPIRED, "expired");
}

static void weak_digests_do_not_count(void **state)
{
        expect(G "NEWSIG\n" G "GOODSIG 89ABCDEF01234567 A\n" VALID_H("2"), -EKEYREJECTED, "too weak");
        expect(G "NEWSIG\n" G "GOODSIG 89ABCDEF01234567 A\n" G "VALIDSIG 0123\n", -EKEYREJECTED, "too weak");
}

static void nothing_is_not_signed(void **state)
{
        expect("", -EKEYREJECTED, "not signed");
        expect(G "NODATA 1\n", -EKEYREJECTED, "not signed");
        expect("GOODSIG 89ABCDEF01234567 A\nVALIDSIG 0123\n", -EKEYREJECTED, "not signed");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(one_good_signature_is_enough),
                        cmocka_unit_test(a_bad_one_spoils_all),
                        cmocka_unit_test(names_the_missing_key),
                        cmocka_unit_test(names_expired_and_revoked_keys),
                        cmocka_unit_test(an_expired_key_after_a_good_one_does_not_borrow_its_word),
                        cmocka_unit_test(weak_digests_do_not_count),
                        cmocka_unit_test(nothing_is_not_signed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
