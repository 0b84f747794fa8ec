/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "unit/scratch.h"

static void what_was_written_is_read(void **state)
{
        int dir = scratch_fd(state);
        _cleanup_free_ char *s = NULL;
        size_t n = 0;

        assert_int_equal(file_write_at(dir, "f", "text", 0600), 0);
        assert_int_equal(file_write_at(dir, "f", "new", 0), 0);
        assert_int_equal(file_read_at(dir, "f", 3, &s, &n), 0);
        assert_int_equal(n, 3);
        assert_string_equal(s, "new");
}

static void a_read_stops_at_its_limit(void **state)
{
        int dir = scratch_fd(state);
        char *s = NULL;

        assert_int_equal(file_write_at(dir, "f", "four", 0600), 0);
        assert_int_equal(file_read_at(dir, "f", 3, &s, NULL), -E2BIG);
        assert_null(s);
}

static void large_files_are_read_whole(void **state)
{
        int dir = scratch_fd(state);
        _cleanup_free_ char *data = xcalloc(1, 100000), *s = NULL;
        size_t n = 0;

        memset(data, 'x', 99999);
        assert_int_equal(file_write_at(dir, "f", data, 0600), 0);
        assert_int_equal(file_read_at(dir, "f", 1 << 20, &s, &n), 0);
        assert_int_equal(n, 99999);
        assert_string_equal(s, data);
}

static void mode_zero_makes_no_file(void **state)
{
        assert_int_equal(file_write_at(scratch_fd(state), "f", "x", 0), -ENOENT);
        assert_int_equal(file_write_at(AT_FDCWD, "/proc/self/nosuchfile", "x", 0), -ENOENT);
}

static void an_atomic_write_replaces_the_file_and_leaves_nothing(void **state)
{
        int dir = scratch_fd(state);
        _cleanup_close_ int before = -1;
        _cleanup_free_ char *s = NULL;
        char old[8] = "";
        struct stat st;

        assert_int_equal(mkdirat(dir, "d", 0700), 0);
        assert_int_equal(file_write_at(dir, "d/f", "old", 0600), 0);
        before = openat(dir, "d/f", O_RDONLY);
        assert_int_equal(file_write_atomic_at(dir, "d/f", "new", 3, 0644, true), 0);
        assert_int_equal(file_read_at(dir, "d/f", 10, &s, NULL), 0);
        assert_string_equal(s, "new");
        assert_int_equal(fd_read_full(before, old, sizeof(old)), 3); /* whoever had it open still sees the old one */
        assert_string_equal(old, "old");
        assert_int_equal(fstatat(dir, "d/f", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(unlinkat(dir, "d/f", 0), 0);
        assert_int_equal(file_dir_is_empty_at(dir, "d"), 1);
}

static void a_failed_atomic_write_leaves_nothing(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(mkdirat(dir, "d", 0700), 0);
        assert_int_equal(mkdirat(dir, "d/f", 0700), 0); /* a file cannot replace a directory */
        assert_true(file_write_atomic_at(dir, "d/f", "new", 3, 0644, false) < 0);
        assert_int_equal(unlinkat(dir, "d/f", AT_REMOVEDIR), 0);
        assert_int_equal(file_dir_is_empty_at(dir, "d"), 1);
}

static void a_name_of_any_length_can_be_written_atomically(void **state)
{
        char name[256];

        memset(name, 'n', 255);
        name[255] = '\0';
        assert_int_equal(file_write_atomic_at(scratch_fd(state), name, "x", 1, 0600, false), 0);
        assert_int_equal(faccessat(scratch_fd(state), name, F_OK, 0), 0);
}

static void directories_are_made_with_their_parents(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(file_mkdir_p_at(dir, "a//b/c/", 0755), 0);
        assert_int_equal(file_mkdir_p_at(dir, "a/b/c", 0755), 0);
        assert_int_equal(faccessat(dir, "a/b/c", F_OK, 0), 0);
        assert_int_equal(file_write_at(dir, "f", "x", 0600), 0);
        assert_int_equal(file_mkdir_p_at(dir, "f", 0755), -ENOTDIR);
        assert_int_equal(file_mkdir_p_at(dir, "f/g", 0755), -ENOTDIR);
}

static void empty_directories_are_told_from_full_ones(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(file_mkdir_p_at(dir, "full/empty", 0755), 0);
        assert_int_equal(file_dir_is_empty_at(dir, "full"), 0);
        assert_int_equal(file_dir_is_empty_at(dir, "full/empty"), 1);
        assert_int_equal(file_dir_is_empty_at(dir, "none"), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(what_was_written_is_read, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_read_stops_at_its_limit, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(large_files_are_read_whole, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(mode_zero_makes_no_file, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(an_atomic_write_replaces_the_file_and_leaves_nothing, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_failed_atomic_write_leaves_nothing, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_name_of_any_length_can_be_written_atomically, scratch_setup,
                                                        scratch_teardown),
                        cmocka_unit_test_setup_teardown(directories_are_made_with_their_parents, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(empty_directories_are_told_from_full_ones, scratch_setup,
                                                        scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
