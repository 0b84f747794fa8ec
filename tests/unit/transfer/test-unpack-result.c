/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"
#include "transfer/unpack-result.h"

/* A report with one of each, as its bytes. */
static char *sample(size_t *ret_len)
{
        __attribute__((cleanup(unpack_report_done))) UnpackReport r = {.bytes = 1234};
        UnpackFile control = {.name = (char *)"postinst", .data = (char *)"#!/bin/sh\0x", .len = 11, .mode = 0755};
        char *data;

        assert_int_equal(unpack_report_control(&r, &control), 0);
        assert_int_equal(unpack_report_path(&r, "/."), 0);
        assert_int_equal(unpack_report_path(&r, "/usr"), 0);
        assert_int_equal(unpack_report_digest(&r, "/etc/x 0123"), 0);
        _cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(unpack_report_write(&r, fd), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(file_read_fd(fd, 4096, &data, ret_len), 0);
        return data;
}

static void comes_back_as_it_was(void **state)
{
        __attribute__((cleanup(unpack_result_done))) UnpackResult u = {0};
        size_t len;
        _cleanup_free_ char *data = sample(&len);

        assert_int_equal(unpack_report_parse(data, len, &u), 0);
        assert_int_equal(u.bytes, 1234);
        assert_int_equal(u.n_control, 1);
        assert_string_equal(u.control[0].name, "postinst");
        assert_int_equal(u.control[0].mode, 0755);
        assert_int_equal(u.control[0].len, 11);
        assert_memory_equal(u.control[0].data, "#!/bin/sh\0x", 12);
        assert_int_equal(strv_len(u.paths), 2);
        assert_string_equal(u.paths[1], "/usr");
        assert_string_equal(u.conffile_digests[0], "/etc/x 0123");
}

static void every_shorter_one_is_refused(void **state)
{
        size_t len;
        _cleanup_free_ char *data = sample(&len);

        for (size_t n = 0; n < len; n++) {
                UnpackResult u = {0};
                _cleanup_free_ char *part = malloc(n + 1); /* so that a read past its end is seen */
                memcpy(part, data, n);
                assert_int_equal(unpack_report_parse(part, n, &u), -EBADMSG);
        }
}

static void trailing_bytes_are_refused(void **state)
{
        UnpackResult u = {0};
        size_t len;
        _cleanup_free_ char *data = sample(&len);

        assert_int_equal(unpack_report_parse(data, len + 1, &u), -EBADMSG); /* the terminator */
}

static void huge_counts_are_refused(void **state)
{
        UnpackResult u = {0};
        size_t len;
        _cleanup_free_ char *data = sample(&len);

        for (size_t at = 8; at < 20; at += 4) {
                _cleanup_free_ char *bad = malloc(len);
                memcpy(bad, data, len);
                memset(bad + at, 0xff, 4);
                assert_int_equal(unpack_report_parse(bad, len, &u), -EBADMSG);
        }
}

static void refuse_name(const char *name)
{
        __attribute__((cleanup(unpack_report_done))) UnpackReport r = {0};
        UnpackFile f = {.name = (char *)name, .data = (char *)"", .len = 0};
        UnpackResult u = {0};
        _cleanup_free_ char *data = NULL;
        size_t len;

        assert_int_equal(unpack_report_control(&r, &f), 0);
        _cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(unpack_report_write(&r, fd), 0);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(file_read_fd(fd, 4096, &data, &len), 0);
        assert_int_equal(unpack_report_parse(data, len, &u), -EBADMSG);
}

/* The caller makes files of these names. */
static void control_names_that_are_paths_are_refused(void **state)
{
        refuse_name("../../etc/passwd");
        refuse_name("..");
        refuse_name("");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(comes_back_as_it_was),
                        cmocka_unit_test(every_shorter_one_is_refused),
                        cmocka_unit_test(trailing_bytes_are_refused),
                        cmocka_unit_test(huge_counts_are_refused),
                        cmocka_unit_test(control_names_that_are_paths_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
