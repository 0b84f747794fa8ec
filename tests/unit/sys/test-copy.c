/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "sys/copy-private.h"
#include "sys/copy.h"
#include "unit/scratch.h"

static void copy(int dir)
{
        Error e = {};
        int r = sys_copy_tree(dir, "from", dir, "to", NULL, &e);
        assert_string_equal(e.message, "");
        assert_int_equal(r, 0);
}

static struct stat stat_of(int dir, const char *path)
{
        struct stat st;
        assert_int_equal(fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW), 0);
        return st;
}

static void types_modes_and_contents_are_kept(void **state)
{
        int dir = scratch_fd(state);
        _cleanup_free_ char *text = NULL;
        char target[16] = "";

        assert_int_equal(file_mkdir_p_at(dir, "from/d/e", 0755), 0);
        assert_int_equal(file_write_at(dir, "from/d/f", "text", 0600), 0);
        assert_int_equal(fchmodat(dir, "from/d/f", 04751, 0), 0);
        assert_int_equal(fchmodat(dir, "from/d/e", 01777, 0), 0);
        assert_int_equal(symlinkat("nowhere", dir, "from/link"), 0);
        assert_int_equal(mkfifoat(dir, "from/fifo", 0640), 0);
        assert_int_equal(file_write_at(dir, "from/empty", "", 0644), 0);
        copy(dir);
        assert_int_equal(file_read_at(dir, "to/d/f", 100, &text, NULL), 0);
        assert_string_equal(text, "text");
        assert_int_equal(stat_of(dir, "to/d/f").st_mode, S_IFREG | 04751);
        assert_int_equal(stat_of(dir, "to/d/e").st_mode, S_IFDIR | 01777);
        assert_int_equal(stat_of(dir, "to/fifo").st_mode, stat_of(dir, "from/fifo").st_mode);
        assert_int_equal(readlinkat(dir, "to/link", target, sizeof(target) - 1), 7);
        assert_string_equal(target, "nowhere");
        assert_int_equal(stat_of(dir, "to/empty").st_size, 0);
}

static void times_are_kept_of_directories_too(void **state)
{
        int dir = scratch_fd(state);
        struct timespec t[2] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 2000, .tv_nsec = 123456789}};
        static const char *const paths[][2] = {
                        {"from/d/f", "to/d/f"}, {"from/d/link", "to/d/link"}, {"from/d", "to/d"}, {"from", "to"}};

        assert_int_equal(file_mkdir_p_at(dir, "from/d", 0755), 0);
        assert_int_equal(file_write_at(dir, "from/d/f", "text", 0600), 0);
        assert_int_equal(symlinkat("x", dir, "from/d/link"), 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                assert_int_equal(utimensat(dir, paths[i][0], t, AT_SYMLINK_NOFOLLOW), 0);
        copy(dir);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                struct stat st = stat_of(dir, paths[i][1]);
                assert_int_equal(st.st_mtim.tv_sec, 2000);
                assert_int_equal(st.st_mtim.tv_nsec, 123456789);
        }
}

static void second_names_stay_second_names(void **state)
{
        int dir = scratch_fd(state);

        assert_int_equal(file_mkdir_p_at(dir, "from/a/b", 0755), 0);
        assert_int_equal(file_write_at(dir, "from/a/b/f", "text", 0600), 0);
        assert_int_equal(linkat(dir, "from/a/b/f", dir, "from/g", 0), 0);
        assert_int_equal(linkat(dir, "from/a/b/f", dir, "from/a/h", 0), 0);
        assert_int_equal(symlinkat("x", dir, "from/l"), 0);
        assert_int_equal(linkat(dir, "from/l", dir, "from/a/l", 0), 0);
        copy(dir);
        assert_int_equal(stat_of(dir, "to/g").st_nlink, 3);
        assert_int_equal(stat_of(dir, "to/g").st_ino, stat_of(dir, "to/a/b/f").st_ino);
        assert_int_equal(stat_of(dir, "to/g").st_ino, stat_of(dir, "to/a/h").st_ino);
        assert_int_equal(stat_of(dir, "to/l").st_nlink, 2);
}

static void holes_stay_holes(void **state)
{
        int dir = scratch_fd(state);
        char got[5] = "";

        assert_int_equal(mkdirat(dir, "from", 0755), 0);
        _cleanup_close_ int fd = openat(dir, "from/sparse", O_RDWR | O_CREAT, 0600);
        assert_int_equal(pwrite(fd, "head", 4, 0), 4);
        assert_int_equal(pwrite(fd, "data", 4, 64 << 20), 4);
        assert_int_equal(ftruncate(fd, 128 << 20), 0);
        if (stat_of(dir, "from/sparse").st_blocks > 4096)
                skip(); /* a file system without holes */
        copy(dir);
        assert_int_equal(stat_of(dir, "to/sparse").st_size, 128 << 20);
        assert_true(stat_of(dir, "to/sparse").st_blocks < 4096);
        _cleanup_close_ int copied = openat(dir, "to/sparse", O_RDONLY);
        assert_int_equal(pread(copied, got, 4, 64 << 20), 4);
        assert_string_equal(got, "data");
        assert_int_equal(pread(copied, got, 4, 0), 4);
        assert_string_equal(got, "head");
}

/* The three ways of copying data give the same file. */
static void data_is_the_same_by_every_way(void **state)
{
        enum { SIZE = 300000 };
        int dir = scratch_fd(state);
        _cleanup_free_ char *data = xmalloc(SIZE);
        const CopyFile ways[] = {{}, {.no_clone = true}, {.no_clone = true, .no_range = true}};

        for (size_t i = 0; i < SIZE; i++)
                data[i] = (char)(i * 7 + i / 251);
        assert_int_equal(file_write_atomic_at(dir, "f", data, SIZE, 0600, false), 0);
        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                _cleanup_free_ char *got = NULL;
                size_t n = 0;
                CopyFile way = ways[i];
                struct statx sx;
                _cleanup_close_ int from = openat(dir, "f", O_RDONLY), to = openat(dir, "g", O_RDWR | O_CREAT | O_TRUNC, 0600);
                assert_int_equal(statx(from, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx), 0);
                assert_int_equal(copy_file_data(&way, from, to, &sx), 0);
                assert_int_equal(file_read_at(dir, "g", SIZE, &got, &n), 0);
                assert_int_equal(n, SIZE);
                assert_memory_equal(got, data, SIZE);
                copy_file_done(&way);
        }
}

static void user_attributes_are_kept(void **state)
{
        const Scratch *s = *state;
        _cleanup_free_ char *from = xasprintf("%s/from/f", s->dir), *to = xasprintf("%s/to/f", s->dir);
        char got[8] = "";

        assert_int_equal(mkdirat(s->fd, "from", 0755), 0);
        assert_int_equal(file_write_at(s->fd, "from/f", "x", 0600), 0);
        if (setxattr(from, "user.colour", "blue", 4, 0) < 0)
                skip(); /* a file system without them */
        assert_int_equal(setxattr(from, "user.empty", "", 0, 0), 0);
        copy(s->fd);
        assert_int_equal(getxattr(to, "user.colour", got, sizeof(got)), 4);
        assert_string_equal(got, "blue");
        assert_int_equal(getxattr(to, "user.empty", got, sizeof(got)), 0);
}

static void a_tree_of_ten_thousand_levels_is_copied(void **state)
{
        int at = dup(scratch_fd(state));
        const char *name = "from";

        for (int i = 0; i < 10000; i++) {
                assert_int_equal(mkdirat(at, name, 0755), 0);
                int next = openat(at, name, O_RDONLY | O_DIRECTORY);
                assert_true(next >= 0);
                close(at);
                at = next;
                name = "d";
        }
        assert_int_equal(file_write_at(at, "one", "deep", 0600), 0);
        assert_int_equal(linkat(at, "one", at, "two", 0), 0); /* its first copy's path is longer than PATH_MAX */
        close(at);
        copy(scratch_fd(state));

        at = openat(scratch_fd(state), "to", O_RDONLY | O_DIRECTORY);
        for (int i = 1; i < 10000; i++) {
                int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
                assert_true(next >= 0);
                close(at);
                at = next;
        }
        assert_int_equal(stat_of(at, "two").st_nlink, 2);
        close(at);
}

static void an_existing_target_is_left_alone(void **state)
{
        int dir = scratch_fd(state);
        Error e = {};

        assert_int_equal(mkdirat(dir, "from", 0755), 0);
        assert_int_equal(mkdirat(dir, "to", 0755), 0);
        assert_int_equal(sys_copy_tree(dir, "from", dir, "to", NULL, &e), -EEXIST);
        assert_string_equal(e.message, "cannot copy 'to': File exists");
        assert_int_equal(sys_copy_tree(dir, "none", dir, "new", NULL, &e), -ENOENT);
        assert_int_equal(faccessat(dir, "new", F_OK, 0), -1);
}

static void a_copy_inside_its_source_ends(void **state)
{
        int dir = scratch_fd(state);
        Error e = {};

        assert_int_equal(file_mkdir_p_at(dir, "from/d", 0755), 0);
        assert_int_equal(sys_copy_tree(dir, "from", dir, "from/d/copy", NULL, &e), 0);
        assert_int_equal(faccessat(dir, "from/d/copy/d", F_OK, 0), 0);
        assert_int_equal(faccessat(dir, "from/d/copy/d/copy", F_OK, 0), -1);
}

static void count(void *ctx, const Event *event)
{
        if (event->kind == EVENT_PROGRESS)
                *(uint64_t *)ctx = event->done;
}

static void progress_is_told_in_bytes(void **state)
{
        int dir = scratch_fd(state);
        uint64_t bytes = 0;
        Events events = {count, &bytes};

        assert_int_equal(mkdirat(dir, "from", 0755), 0);
        assert_int_equal(file_write_at(dir, "from/f", "12345", 0600), 0);
        assert_int_equal(file_write_at(dir, "from/g", "678", 0600), 0);
        assert_int_equal(sys_copy_tree(dir, "from", dir, "to", &events, NULL), 0);
        assert_int_equal(bytes, 8);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(types_modes_and_contents_are_kept, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(times_are_kept_of_directories_too, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(second_names_stay_second_names, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(holes_stay_holes, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(data_is_the_same_by_every_way, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(user_attributes_are_kept, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_tree_of_ten_thousand_levels_is_copied, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(an_existing_target_is_left_alone, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_copy_inside_its_source_ends, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(progress_is_told_in_bytes, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
