/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "unit/scratch.h"

static bool exists(int dir, const char *path)
{
        return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_is_absent_is_removed(void **state)
{
        assert_int_equal(file_remove_tree_at(scratch_fd(state), "none"), 0);
        assert_int_equal(file_remove_dirs_at(scratch_fd(state), "none"), 0);
}

static void a_single_file_is_removed(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(file_write_at(dir, "f", "x", 0600), 0);
        assert_int_equal(file_remove_tree_at(dir, "f"), 0);
        assert_false(exists(dir, "f"));
}

static void links_are_removed_and_not_followed(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(file_mkdir_p_at(dir, "keep/sub", 0755), 0);
        assert_int_equal(file_write_at(dir, "keep/sub/f", "x", 0600), 0);
        assert_int_equal(file_mkdir_p_at(dir, "tree", 0755), 0);
        assert_int_equal(symlinkat("../keep", dir, "tree/link"), 0);
        assert_int_equal(symlinkat("keep", dir, "link"), 0);
        assert_int_equal(file_remove_tree_at(dir, "tree"), 0);
        assert_int_equal(file_remove_tree_at(dir, "link"), 0);
        assert_false(exists(dir, "tree"));
        assert_false(exists(dir, "link"));
        assert_true(exists(dir, "keep/sub/f"));
}

static void wide_trees_go(void **state)
{
        int dir = scratch_fd(state);

        for (int i = 0; i < 300; i++) {
                char path[64];
                snprintf(path, sizeof(path), "tree/%d/%d", i % 20, i);
                assert_int_equal(file_mkdir_p_at(dir, path, 0755), 0);
                strcat(path, "/file");
                assert_int_equal(file_write_at(dir, path, "x", 0600), 0);
        }
        assert_int_equal(file_remove_tree_at(dir, "tree"), 0);
        assert_false(exists(dir, "tree"));
}

static void a_tree_of_ten_thousand_levels_goes(void **state)
{
        int at = dup(scratch_fd(state));

        for (int i = 0; i < 10000; i++) {
                assert_int_equal(mkdirat(at, "directory", 0755), 0);
                int next = openat(at, "directory", O_RDONLY | O_DIRECTORY);
                assert_true(next >= 0);
                close(at);
                at = next;
        }
        close(at);
        assert_int_equal(file_remove_tree_at(scratch_fd(state), "directory"), 0);
        assert_false(exists(scratch_fd(state), "directory"));
}

static void removing_directories_alone_stops_at_files(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(file_mkdir_p_at(dir, "a/b/c", 0755), 0);
        assert_int_equal(file_remove_dirs_at(dir, "a"), 0);
        assert_false(exists(dir, "a"));
        assert_int_equal(file_mkdir_p_at(dir, "a/b", 0755), 0);
        assert_int_equal(file_write_at(dir, "a/f", "x", 0600), 0);
        assert_int_equal(file_remove_dirs_at(dir, "a"), -ENOTEMPTY);
        assert_true(exists(dir, "a/f"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(what_is_absent_is_removed, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_single_file_is_removed, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(links_are_removed_and_not_followed, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(wide_trees_go, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_tree_of_ten_thousand_levels_goes, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(removing_directories_alone_stops_at_files, scratch_setup,
                                                        scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
