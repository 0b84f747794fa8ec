/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

static void close_keeps_errno_and_accepts_none(void **state)
{
        errno = ELOOP;
        assert_int_equal(fd_close(-1), -1);
        assert_int_equal(fd_close(987654), -1);
        assert_int_equal(errno, ELOOP);
}

static void a_full_read_takes_what_comes_in_pieces(void **state)
{
        int p[2];
        char got[8] = "";

        assert_int_equal(pipe(p), 0);
        assert_int_equal(fd_write_all(p[1], "abc", 3), 0);
        assert_int_equal(fd_write_all(p[1], "de", 2), 0);
        close(p[1]);
        assert_int_equal(fd_read_full(p[0], got, sizeof(got)), 5);
        assert_string_equal(got, "abcde");
        close(p[0]);
}

static void *drain(void *arg)
{
        static char sink[1 << 20];
        return (void *)fd_read_full(*(int *)arg, sink, sizeof(sink));
}

static void a_write_goes_on_until_all_is_written(void **state)
{
        static char data[1 << 20];
        pthread_t reader;
        void *got;
        int p[2];

        assert_int_equal(pipe(p), 0);
        assert_int_equal(pthread_create(&reader, NULL, drain, &p[0]), 0);
        assert_int_equal(fd_write_all(p[1], data, sizeof(data)), 0); /* far more than a pipe holds */
        assert_int_equal(pthread_join(reader, &got), 0);
        assert_int_equal((intptr_t)got, sizeof(data));
        close(p[0]);
        close(p[1]);
}

static void errors_come_back(void **state)
{
        char c;

        assert_int_equal(fd_read_full(-1, &c, 1), -EBADF);
        assert_int_equal(fd_write_all(-1, "x", 1), -EBADF);
        assert_int_equal(fd_nonblock(-1, true), -EBADF);
}

static void flags_go_on_and_off(void **state)
{
        int p[2];

        assert_int_equal(pipe(p), 0);
        assert_int_equal(fd_nonblock(p[0], true), 0);
        assert_true(fcntl(p[0], F_GETFL) & O_NONBLOCK);
        assert_int_equal(fd_nonblock(p[0], false), 0);
        assert_false(fcntl(p[0], F_GETFL) & O_NONBLOCK);
        close(p[0]);
        close(p[1]);
}

static void a_descriptor_has_a_path(void **state)
{
        assert_string_equal(fd_path(42).s, "/proc/self/fd/42");
        assert_string_equal(fd_path(2147483647).s, "/proc/self/fd/2147483647");
}

static void a_directory_is_read_without_moving_its_descriptor(void **state)
{
        _cleanup_closedir_ DIR *dir = NULL;
        _cleanup_close_ int fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        off_t before = lseek(fd, 0, SEEK_CUR);

        assert_int_equal(fd_opendir(fd, ".", &dir), 0);
        assert_non_null(readdir(dir));
        assert_int_equal(lseek(fd, 0, SEEK_CUR), before);
        assert_int_equal(fd_opendir(fd, "status", &dir), -ENOTDIR);
        assert_int_equal(fd_opendir(fd, "nothing", &dir), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(close_keeps_errno_and_accepts_none),
                        cmocka_unit_test(a_full_read_takes_what_comes_in_pieces),
                        cmocka_unit_test(a_write_goes_on_until_all_is_written),
                        cmocka_unit_test(errors_come_back),
                        cmocka_unit_test(flags_go_on_and_off),
                        cmocka_unit_test(a_descriptor_has_a_path),
                        cmocka_unit_test(a_directory_is_read_without_moving_its_descriptor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
