/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "transfer/sparse.h"
#include "unit/scratch.h"

#define SIZE (64 * 1024)

static int new_file(void **state)
{
        int fd = openat(scratch_fd(state), "f", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        return fd;
}

/* In pieces of any size: the same bytes, and the same holes. */
static void write_in_pieces(void **state, size_t piece)
{
        static uint8_t data[SIZE], back[SIZE];
        _cleanup_close_ int fd = new_file(state);
        Sparse s = {.fd = fd};
        struct stat st;

        memset(data, 0, sizeof(data));
        memset(data + 9000, 'x', 100);
        data[40000] = 'y';
        for (size_t at = 0; at < SIZE; at += piece)
                assert_int_equal(sparse_write(&s, data + at, at + piece < SIZE ? piece : SIZE - at, NULL), 0);
        assert_int_equal(sparse_finish(&s, NULL), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, SIZE);
        assert_true(st.st_blocks * 512 <= 4 * 4096);
        assert_int_equal(pread(fd, back, SIZE, 0), SIZE);
        assert_memory_equal(back, data, SIZE);
        assert_int_equal(unlinkat(scratch_fd(state), "f", 0), 0);
}

static void zeros_become_holes_whatever_the_pieces(void **state)
{
        static const size_t pieces[] = {SIZE, 4096, 1000, 7, 5000};

        for (size_t i = 0; i < ELEMENTSOF(pieces); i++)
                write_in_pieces(state, pieces[i]);
}

static void a_hole_may_be_the_end(void **state)
{
        _cleanup_close_ int fd = new_file(state);
        Sparse s = {.fd = fd};
        struct stat st;

        assert_int_equal(sparse_write(&s, (const uint8_t *)"abc", 3, NULL), 0);
        assert_int_equal(sparse_skip(&s, 1 << 20, NULL), 0);
        assert_int_equal(sparse_finish(&s, NULL), 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, (1 << 20) + 3);
}

static void limits_are_of_data_and_of_size(void **state)
{
        static uint8_t zeros[8192], ones[8192];
        _cleanup_close_ int fd = new_file(state);
        Sparse s = {.fd = fd, .data_limit = 5000, .size_limit = 40000};
        Error e = {0};

        memset(ones, 1, sizeof(ones));
        assert_int_equal(sparse_write(&s, zeros, sizeof(zeros), NULL), 0);
        assert_int_equal(sparse_write(&s, ones, sizeof(ones), &e), -E2BIG);
        assert_string_equal(e.message, "it unpacks to more than the limit of 5000 bytes");
        s = (Sparse){.fd = fd, .size_limit = 40000};
        assert_int_equal(sparse_skip(&s, 39999, NULL), 0);
        assert_int_equal(sparse_write(&s, zeros, 2, &e), -E2BIG);
        assert_string_equal(e.message, "it unpacks to more than the limit of 40000 bytes");
        assert_int_equal(sparse_skip(&s, UINT64_MAX, NULL), -E2BIG);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        IN_SCRATCH(zeros_become_holes_whatever_the_pieces),
                        IN_SCRATCH(a_hole_may_be_the_end),
                        IN_SCRATCH(limits_are_of_data_and_of_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
