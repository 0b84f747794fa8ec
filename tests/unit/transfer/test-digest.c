/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "transfer/digest.h"
#include "unit/scratch.h"

#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_SHA512                                                         \
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" \
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void parses_what_it_prints(void **state)
{
        char hex[DIGEST_HEX_MAX];
        Digest d;

        assert_int_equal(digest_parse(DIGEST_SHA512, ABC_SHA512, &d), 0);
        assert_string_equal(digest_hex(&d, hex), ABC_SHA512);
}

static void refuses_other_lengths_and_letters(void **state)
{
        char bad[] = ABC_SHA256;
        Digest d;

        bad[10] = 'g';
        assert_int_equal(digest_parse(DIGEST_SHA256, bad, &d), -EINVAL);
        assert_int_equal(digest_parse(DIGEST_SHA256, ABC_SHA512, &d), -EINVAL);
        assert_int_equal(digest_parse(DIGEST_SHA256, "", &d), -EINVAL);
        assert_int_equal(digest_parse(DIGEST_SHA256, NULL, &d), -EINVAL);
        assert_int_equal(digest_parse(DIGEST_NONE, "", &d), -EINVAL);
}

static void takes_upper_case(void **state)
{
        Digest lower, upper;

        assert_int_equal(digest_parse(DIGEST_SHA256, ABC_SHA256, &lower), 0);
        assert_int_equal(digest_parse(DIGEST_SHA256, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", &upper),
                         0);
        assert_true(digest_eq(&lower, &upper));
}

static void of_a_file_is_independent_of_its_offset(void **state)
{
        Digest is, said;

        assert_int_equal(file_write_at(scratch_fd(state), "f", "abc", 0644), 0);
        _cleanup_close_ int fd = openat(scratch_fd(state), "f", O_RDONLY | O_CLOEXEC);
        assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
        assert_int_equal(digest_of_fd(fd, DIGEST_SHA256, &is), 0);
        assert_int_equal(digest_parse(DIGEST_SHA256, ABC_SHA256, &said), 0);
        assert_true(digest_eq(&is, &said));
        assert_int_equal(lseek(fd, 0, SEEK_CUR), 2);
}

static void of_pieces_is_that_of_the_whole(void **state)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream s = {0};
        Digest is, said;

        assert_int_equal(digest_stream_open(&s, DIGEST_SHA512), 0);
        assert_int_equal(digest_stream_feed(&s, "a", 1), 0);
        assert_int_equal(digest_stream_feed(&s, "bc", 2), 0);
        assert_int_equal(digest_stream_end(&s, &is), 0);
        assert_int_equal(digest_parse(DIGEST_SHA512, ABC_SHA512, &said), 0);
        assert_true(digest_eq(&is, &said));
}

static void begins_anew_when_opened_again(void **state)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream s = {0};
        Digest is, said;

        assert_int_equal(digest_stream_open(&s, DIGEST_SHA256), 0);
        assert_int_equal(digest_stream_feed(&s, "other", 5), 0);
        assert_int_equal(digest_stream_open(&s, DIGEST_SHA256), 0);
        assert_int_equal(digest_stream_feed(&s, "abc", 3), 0);
        assert_int_equal(digest_stream_end(&s, &is), 0);
        assert_int_equal(digest_parse(DIGEST_SHA256, ABC_SHA256, &said), 0);
        assert_true(digest_eq(&is, &said));
}

static void tells_a_file_that_is_shorter_than_it_should_be(void **state)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream s = {0};

        assert_int_equal(file_write_at(scratch_fd(state), "f", "abc", 0644), 0);
        _cleanup_close_ int fd = openat(scratch_fd(state), "f", O_RDONLY | O_CLOEXEC);
        assert_int_equal(digest_stream_open(&s, DIGEST_SHA256), 0);
        assert_int_equal(digest_stream_feed_fd(&s, fd, 4), -ENODATA);
}

static void types_differ_even_when_bytes_do_not(void **state)
{
        Digest a = {.type = DIGEST_SHA256}, b = {.type = DIGEST_SHA512};

        assert_false(digest_eq(&a, &b));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(parses_what_it_prints),
                        cmocka_unit_test(refuses_other_lengths_and_letters),
                        cmocka_unit_test(takes_upper_case),
                        cmocka_unit_test_setup_teardown(of_a_file_is_independent_of_its_offset, scratch_setup, scratch_teardown),
                        cmocka_unit_test(of_pieces_is_that_of_the_whole),
                        cmocka_unit_test(begins_anew_when_opened_again),
                        cmocka_unit_test_setup_teardown(tells_a_file_that_is_shorter_than_it_should_be, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test(types_differ_even_when_bytes_do_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
