/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"
#include "transfer/transfer.h"
#include "unit/scratch.h"

#define TEXT_SIZE (3U * 1024 * 1024)

/* Bytes that compress, but not to nothing. */
static char *text(void)
{
        char *p = malloc(TEXT_SIZE);
        uint32_t seed = 1;

        for (size_t i = 0; i < TEXT_SIZE; i++) {
                seed = seed * 1103515245 + 12345;
                p[i] = (char)('a' + (seed >> 28));
        }
        return p;
}

static int compress_to(int dirfd, const char *filter, const char *data, size_t len)
{
        int fd = openat(dirfd, "packed", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        struct archive *a = archive_write_new();
        struct archive_entry *entry = archive_entry_new();

        if (filter)
                assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
        assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
        assert_int_equal(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
        assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
        archive_entry_set_filetype(entry, AE_IFREG);
        assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(a, data, len), (la_ssize_t)len);
        archive_entry_free(entry);
        assert_int_equal(archive_write_free(a), ARCHIVE_OK);
        return fd;
}

static void reads_each_compression(void **state)
{
        static const char *const filters[] = {NULL, "gzip", "xz", "zstd", "bzip2"};
        _cleanup_free_ char *plain = text();

        for (size_t i = 0; i < ELEMENTSOF(filters); i++) {
                _cleanup_close_ int fd = compress_to(scratch_fd(state), filters[i], plain, TEXT_SIZE);
                _cleanup_free_ char *back = NULL;
                size_t len;

                assert_int_equal(decompress_file(fd, TEXT_SIZE, &back, &len, NULL), 0);
                assert_int_equal(len, TEXT_SIZE);
                assert_memory_equal(back, plain, len);
                assert_int_equal(back[len], '\0');
        }
}

static void stops_at_the_limit(void **state)
{
        _cleanup_free_ char *plain = text();
        _cleanup_close_ int fd = compress_to(scratch_fd(state), "gzip", plain, TEXT_SIZE);
        char *back;
        size_t len;
        Error e = {0};

        assert_int_equal(decompress_file(fd, TEXT_SIZE - 1, &back, &len, &e), -E2BIG);
        assert_string_equal(e.message, "it decompresses to more than 3145727 bytes");
}

static void tells_a_truncated_file(void **state)
{
        _cleanup_free_ char *plain = text();
        _cleanup_close_ int fd = compress_to(scratch_fd(state), "xz", plain, TEXT_SIZE);
        char *back;
        size_t len;
        Error e = {0};

        assert_int_equal(ftruncate(fd, 100000), 0);
        assert_int_equal(decompress_file(fd, TEXT_SIZE, &back, &len, &e), -EBADMSG);
        assert_non_null(strstr(e.message, "truncated"));
}

static void an_empty_file_is_empty(void **state)
{
        _cleanup_close_ int fd = openat(scratch_fd(state), "empty", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        _cleanup_free_ char *back = NULL;
        size_t len;

        assert_int_equal(decompress_file(fd, 10, &back, &len, NULL), 0);
        assert_int_equal(len, 0);
        assert_string_equal(back, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(reads_each_compression, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(stops_at_the_limit, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(tells_a_truncated_file, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(an_empty_file_is_empty, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
