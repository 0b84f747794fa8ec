/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "sys/open-private.h"
#include "sys/open.h"
#include "unit/scratch.h"

/* Each claim is made twice: of the kernel's way and of the walk that stands in for it. */
typedef int (*Opener)(int rootfd, const char *path, int flags, mode_t mode);

static int walk(int rootfd, const char *path, int flags, mode_t mode)
{
        return open_in_root_walk(rootfd, path, flags, mode, 0);
}

static const Opener openers[] = {sys_open_in_root, walk};

static void plant(int root)
{
        assert_int_equal(file_mkdir_p_at(root, "etc/sub", 0755), 0);
        assert_int_equal(file_mkdir_p_at(root, "usr/lib", 0755), 0);
        assert_int_equal(file_write_at(root, "etc/passwd", "guest", 0644), 0);
        static const char *const links[][2] = {
                        {"/etc", "absolute"},
                        {"etc/passwd", "relative"},
                        {"/../../../../../../etc/passwd", "outward"},
                        {"loop2", "loop1"},
                        {"loop1", "loop2"},
                        {"/run/new", "dangling"},
                        {"../etc/sub/../passwd", "usr/crooked"},
                        {"/absolute/sub", "usr/chain"},
                        {"usr/lib", "lib"},
        };
        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                assert_int_equal(symlinkat(links[i][0], root, links[i][1]), 0);
}

static bool reads_guest(Opener open_in, int root, const char *path)
{
        char text[8] = "";
        _cleanup_close_ int fd = open_in(root, path, O_RDONLY, 0);
        return fd >= 0 && fd_read_full(fd, text, sizeof(text) - 1) == 5 && strcmp(text, "guest") == 0;
}

static void links_resolve_inside_the_root(void **state)
{
        int root = scratch_fd(state);
        static const char *const paths[] = {
                        "/etc/passwd",
                        "etc/passwd",
                        "absolute/passwd",
                        "relative",
                        "outward",
                        "usr/crooked",
                        "usr/chain/../passwd",
                        "../../etc/passwd",
                        "/absolute/../etc/./passwd",
                        "//etc//passwd",
        };

        plant(root);
        for (size_t o = 0; o < ELEMENTSOF(openers); o++)
                for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                        assert_true(reads_guest(openers[o], root, paths[i]));
}

static void failures_are_the_kernels(void **state)
{
        int root = scratch_fd(state);
        static const struct {
                const char *path;
                int flags, error;
        } cases[] = {
                        {"none", O_RDONLY, ENOENT},
                        {"etc/none/x", O_RDONLY, ENOENT},
                        {"etc/passwd/x", O_RDONLY, ENOTDIR},
                        {"loop1", O_RDONLY, ELOOP},
                        {"relative", O_RDONLY | O_NOFOLLOW, ELOOP},
                        {"dangling", O_RDONLY, ENOENT},
                        {"etc/passwd", O_RDONLY | O_DIRECTORY, ENOTDIR},
                        {"etc/passwd/", O_RDONLY, ENOTDIR},
                        {"", O_RDONLY, ENOENT},
                        {"etc/passwd", O_WRONLY | O_CREAT | O_EXCL, EEXIST},
                        {"relative", O_WRONLY | O_CREAT | O_EXCL, EEXIST},
        };

        plant(root);
        for (size_t o = 0; o < ELEMENTSOF(openers); o++)
                for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                        assert_int_equal(openers[o](root, cases[i].path, cases[i].flags, 0600), -cases[i].error);
}

static void the_root_itself_can_be_opened(void **state)
{
        int root = scratch_fd(state);
        static const char *const paths[] = {"/", ".", "..", "/../..", "etc/.."};
        struct stat st, top;

        plant(root);
        assert_int_equal(fstat(root, &top), 0);
        for (size_t o = 0; o < ELEMENTSOF(openers); o++)
                for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                        _cleanup_close_ int fd = openers[o](root, paths[i], O_RDONLY | O_DIRECTORY, 0);
                        assert_true(fd >= 0 && fstat(fd, &st) == 0);
                        assert_int_equal(st.st_ino, top.st_ino);
                }
}

static void files_are_created_where_links_lead(void **state)
{
        int root = scratch_fd(state);

        plant(root);
        for (size_t o = 0; o < ELEMENTSOF(openers); o++) {
                _cleanup_close_ int fd = openers[o](root, "/absolute/fresh", O_WRONLY | O_CREAT | O_EXCL, 0600);
                assert_true(fd >= 0);
                assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
                assert_int_equal(unlinkat(root, "etc/fresh", 0), 0);
        }
}

static void a_link_can_be_opened_itself(void **state)
{
        int root = scratch_fd(state);
        struct stat st;

        plant(root);
        for (size_t o = 0; o < ELEMENTSOF(openers); o++) {
                _cleanup_close_ int fd = openers[o](root, "outward", O_PATH | O_NOFOLLOW, 0);
                assert_true(fd >= 0 && fstat(fd, &st) == 0);
                assert_true(S_ISLNK(st.st_mode));
        }
}

static void directories_are_made_through_links(void **state)
{
        int root = scratch_fd(state), fd = -1;

        plant(root);
        assert_int_equal(sys_mkdir_in_root(root, "/lib/a/b", 0755, &fd), 0);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(faccessat(root, "usr/lib/a/b", F_OK, 0), 0);
        assert_int_equal(sys_mkdir_in_root(root, "/lib/a/b", 0755, NULL), 0);
        assert_int_equal(sys_mkdir_in_root(root, "/etc/passwd/x", 0755, NULL), -ENOTDIR);
}

static void the_target_of_a_dangling_link_is_made(void **state)
{
        int root = scratch_fd(state);

        plant(root);
        assert_int_equal(sys_mkdir_in_root(root, "dangling/deep", 0755, NULL), 0);
        assert_int_equal(faccessat(root, "run/new/deep", F_OK, 0), 0);
}

static void a_parent_comes_with_the_last_name(void **state)
{
        int root = scratch_fd(state);
        const char *name = NULL;
        struct stat st, etc;

        plant(root);
        assert_int_equal(fstatat(root, "etc", &etc, 0), 0);
        _cleanup_close_ int fd = sys_open_parent_in_root(root, "/absolute/not-there", &name);
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        assert_int_equal(st.st_ino, etc.st_ino);
        assert_string_equal(name, "not-there");
        _cleanup_close_ int top = sys_open_parent_in_root(root, "name", &name);
        assert_true(top >= 0);
        assert_string_equal(name, "name");
        static const char *const bad[] = {"/", "", ".", "etc/.."};
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(sys_open_parent_in_root(root, bad[i], &name), -EINVAL);
}

static void a_link_in_proc_does_not_lead_out(void **state)
{
        _cleanup_close_ int proc = open("/proc", O_RDONLY | O_DIRECTORY);

        for (size_t o = 0; o < ELEMENTSOF(openers); o++)
                assert_true(openers[o](proc, "self/root/etc/passwd", O_RDONLY, 0) < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(links_resolve_inside_the_root, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(failures_are_the_kernels, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(the_root_itself_can_be_opened, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(files_are_created_where_links_lead, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_link_can_be_opened_itself, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(directories_are_made_through_links, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(the_target_of_a_dangling_link_is_made, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_parent_comes_with_the_last_name, scratch_setup, scratch_teardown),
                        cmocka_unit_test_setup_teardown(a_link_in_proc_does_not_lead_out, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
