/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "sys/pty.h"

static void open_pair(int *ret_master, int *ret_slave)
{
        _cleanup_close_ int pts = open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *name = NULL;

        if (pts < 0)
                skip();
        int r = sys_pty_new(pts, ret_master, &name);
        if (r == -EACCES || r == -ENOENT)
                skip(); /* ptmxmode=000 as an ordinary user, or /dev/pts is no devpts */
        assert_int_equal(r, 0);
        *ret_slave = openat(pts, name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(*ret_slave >= 0);
}

static void what_the_master_writes_the_slave_reads(void **state)
{
        int master = -1, slave = -1;
        char got[8] = "";

        open_pair(&master, &slave);
        assert_int_equal(write(master, "hi\n", 3), 3);
        assert_int_equal(read(slave, got, sizeof(got)), 3);
        assert_string_equal(got, "hi\n");
        close(master);
        close(slave);
}

static void window_sizes_are_copied(void **state)
{
        int a = -1, b = -1, a_slave = -1, b_slave = -1;
        struct winsize size = {.ws_row = 33, .ws_col = 101}, got = {};

        open_pair(&a, &a_slave);
        open_pair(&b, &b_slave);
        assert_int_equal(ioctl(a, TIOCSWINSZ, &size), 0);
        assert_int_equal(sys_pty_copy_winsize(a, b), 0);
        assert_int_equal(ioctl(b_slave, TIOCGWINSZ, &got), 0);
        assert_int_equal(got.ws_row, 33);
        assert_int_equal(got.ws_col, 101);
        const int all[] = {a, b, a_slave, b_slave};
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                close(all[i]);
}

static void raw_mode_is_undone(void **state)
{
        int master = -1, slave = -1;
        struct termios saved, now;

        open_pair(&master, &slave);
        assert_int_equal(sys_terminal_raw(slave, &saved), 0);
        assert_int_equal(tcgetattr(slave, &now), 0);
        assert_false(now.c_lflag & (ICANON | ECHO | ISIG));
        assert_int_equal(sys_terminal_restore(slave, &saved), 0);
        assert_int_equal(tcgetattr(slave, &now), 0);
        assert_true((now.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG));
        close(master);
        close(slave);
}

static void what_is_no_terminal_says_so(void **state)
{
        struct termios saved;
        _cleanup_close_ int null = open("/dev/null", O_RDWR);

        assert_int_equal(sys_terminal_raw(null, &saved), -ENOTTY);
        assert_int_equal(sys_pty_copy_winsize(null, null), -ENOTTY);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(what_the_master_writes_the_slave_reads),
                        cmocka_unit_test(window_sizes_are_copied),
                        cmocka_unit_test(raw_mode_is_undone),
                        cmocka_unit_test(what_is_no_terminal_says_so),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
