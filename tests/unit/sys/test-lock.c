/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "sys/lock.h"
#include "unit/scratch.h"

static void an_exclusive_lock_keeps_others_out_until_it_is_closed(void **state)
{
        int dir = scratch_fd(state), lock = sys_lock_at(dir, "lock", true, false);

        assert_true(lock >= 0);
        assert_int_equal(sys_lock_at(dir, "lock", true, false), -EAGAIN);
        assert_int_equal(sys_lock_at(dir, "lock", false, false), -EAGAIN);
        close(lock);
        lock = sys_lock_at(dir, "lock", true, false);
        assert_true(lock >= 0);
        close(lock);
}

static void shared_locks_stand_together(void **state)
{
        int dir = scratch_fd(state), a = sys_lock_at(dir, "lock", false, false), b = sys_lock_at(dir, "lock", false, false);

        assert_true(a >= 0 && b >= 0);
        assert_int_equal(sys_lock_at(dir, "lock", true, false), -EAGAIN);
        close(a);
        close(b);
}

static void a_lock_on_a_file_that_was_replaced_does_not_count(void **state)
{
        int dir = scratch_fd(state), old = sys_lock_at(dir, "lock", true, false);

        assert_int_equal(unlinkat(dir, "lock", 0), 0);
        int new = sys_lock_at(dir, "lock", true, false);
        assert_true(old >= 0 && new >= 0);
        close(old);
        assert_int_equal(sys_lock_at(dir, "lock", true, false), -EAGAIN); /* it is the new one that holds */
        close(new);
}

static void the_file_is_private(void **state)
{
        struct stat st;
        int lock = sys_lock_at(scratch_fd(state), "lock", true, true);

        assert_true(lock >= 0 && fstat(lock, &st) == 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_true(fcntl(lock, F_GETFD) & FD_CLOEXEC);
        close(lock);
}

static void directories_on_the_way_are_made(void **state)
{
        int dir = scratch_fd(state), lock = sys_lock_making_dirs_at(dir, "a/b/lock", false);

        assert_true(lock >= 0);
        assert_int_equal(sys_lock_making_dirs_at(dir, "a/b/lock", false), -EAGAIN);
        assert_int_equal(sys_lock_making_dirs_at(dir, "a/b/lock/c", false), -ENOTDIR);
        close(lock);
}

static void links_are_not_followed(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(symlinkat("elsewhere", dir, "lock"), 0);
        assert_int_equal(sys_lock_at(dir, "lock", true, false), -ELOOP);
        assert_int_equal(faccessat(dir, "elsewhere", F_OK, 0), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(an_exclusive_lock_keeps_others_out_until_it_is_closed, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(shared_locks_stand_together, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_lock_on_a_file_that_was_replaced_does_not_count, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(the_file_is_private, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(links_are_not_followed, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(directories_on_the_way_are_made, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
