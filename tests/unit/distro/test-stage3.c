/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>

#include "base/alloc.h"
#include "distro/archive.h"

static void pointer_is(const char *text, const char *path, uint64_t size)
{
        _cleanup_free_ char *p = NULL;
        uint64_t n = 0;
        int r = stage3_parse_pointer(text, &p, &n);

        assert_int_equal(r, path ? 0 : -EBADMSG);
        if (path)
                assert_string_equal(p, path);
        assert_int_equal(n, path ? size : n);
}

static void pointers(void **state)
{
        pointer_is("# Latest as of\n# ts=1\n2023/stage3-amd64-x.tar.xz 269349504\n", "2023/stage3-amd64-x.tar.xz", 269349504);
        pointer_is("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# x\na/stage3-b.tar.xz 5\n-----BEGIN PGP "
                   "SIGNATURE-----\n",
                   "a/stage3-b.tar.xz", 5);
        pointer_is("stage3-b.tar.xz 5", "stage3-b.tar.xz", 5);
        pointer_is("", NULL, 0);
        pointer_is("# nothing\n", NULL, 0);
        pointer_is("/abs/stage3-b.tar.xz 5\n", NULL, 0);
        pointer_is("a/../stage3-b.tar.xz 5\n", NULL, 0);
        pointer_is("a/stage3-b.tar.xz five\n", NULL, 0);
        pointer_is("-----BEGIN PGP SIGNATURE-----\na/stage3-b.tar.xz 5\n", NULL, 0);
}

#define H128                                                                                                                     \
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345" \
        "6789abcdef"

static void digests(void **state)
{
        Digest d;

        assert_int_equal(stage3_parse_digests("# SHA512 HASH\n" H128 "  a.tar.xz\n", "a.tar.xz", &d), 0);
        assert_int_equal(d.type, DIGEST_SHA512);
        assert_int_equal(stage3_parse_digests("# BLAKE2B HASH\n" H128 "  a.tar.xz\n# SHA512 HASH\n", "a.tar.xz", &d), 0);
        assert_int_equal(d.type, DIGEST_BLAKE2B);
        assert_int_equal(stage3_parse_digests("# SHA512 HASH\n" H128 "  a.tar.xz.CONTENTS.gz\n", "a.tar.xz", &d), -ENODATA);
        assert_int_equal(stage3_parse_digests("# WHIRLPOOL HASH\n" H128 "  a.tar.xz\n", "a.tar.xz", &d), -ENODATA);
        assert_int_equal(stage3_parse_digests("# SHA512 HASH\n1234  a.tar.xz\n", "a.tar.xz", &d), -ENODATA);
        assert_int_equal(stage3_parse_digests("", "a.tar.xz", &d), -ENODATA);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(pointers), cmocka_unit_test(digests)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
