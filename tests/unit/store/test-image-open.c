/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/store-scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/strv.h"

/* Two layers, "top" and "low". */
typedef struct Stacked {
        StoreImage image;
        int dir;
} Stacked;

static Stacked stacked(void **state)
{
        const Scratch *scratch = *state;
        Stacked s = {.dir = scratch->fd};

        strv_pushf(&s.image.layers, "%s/top", scratch->dir);
        strv_pushf(&s.image.layers, "%s/low", scratch->dir);
        assert_int_equal(file_mkdir_p_at(s.dir, "top/etc", 0755), 0);
        assert_int_equal(file_mkdir_p_at(s.dir, "low/etc", 0755), 0);
        assert_int_equal(file_write_at(s.dir, "low/etc/file", "low", 0644), 0);
        return s;
}

static void shows(Stacked *s, const char *path, const char *expected)
{
        _cleanup_close_ int fd = store_image_open(&s->image, path, O_RDONLY);
        _cleanup_free_ char *text = NULL;

        assert_true(fd >= 0);
        assert_int_equal(file_read_fd(fd, 100, &text, NULL), 0);
        assert_string_equal(text, expected);
}

static void gives(Stacked *s, const char *path, int flags, int expected)
{
        _cleanup_close_ int fd = store_image_open(&s->image, path, flags);

        assert_int_equal(fd, expected);
}

static void the_topmost_file_counts(void **state)
{
        Stacked s = stacked(state);

        shows(&s, "etc/file", "low");
        assert_int_equal(file_write_at(s.dir, "top/etc/file", "top", 0644), 0);
        shows(&s, "/etc//./file", "top");
        store_image_done(&s.image);
}

static void symlinks_are_followed_inside_and_across_layers(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(symlinkat("/etc/file", s.dir, "top/absolute"), 0);
        assert_int_equal(symlinkat("../../../../etc/file", s.dir, "top/etc/escape"), 0);
        assert_int_equal(symlinkat("etc", s.dir, "low/directory"), 0);
        assert_int_equal(symlinkat("../directory/../absolute", s.dir, "top/etc/winding"), 0);
        shows(&s, "absolute", "low");
        shows(&s, "etc/escape", "low");
        shows(&s, "directory/winding", "low");
        shows(&s, "../directory/file", "low");
        store_image_done(&s.image);
}

static void a_loop_of_symlinks_ends(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(symlinkat("b", s.dir, "top/a"), 0);
        assert_int_equal(symlinkat("a", s.dir, "low/b"), 0);
        gives(&s, "a", O_RDONLY, -ELOOP);
        gives(&s, "a/x", O_RDONLY, -ELOOP);
        gives(&s, "a", O_RDONLY | O_NOFOLLOW, -ELOOP);
        store_image_done(&s.image);
}

static void a_file_hides_a_directory_below(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(file_mkdir_p_at(s.dir, "low/thing/in", 0755), 0);
        assert_int_equal(file_write_at(s.dir, "top/thing", "file", 0644), 0);
        gives(&s, "thing/in", O_RDONLY, -ENOTDIR);
        shows(&s, "thing", "file");
        store_image_done(&s.image);
}

static void a_directory_hides_files_and_links_below(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(file_mkdir_p_at(s.dir, "top/thing", 0755), 0);
        assert_int_equal(symlinkat("etc", s.dir, "low/thing"), 0);
        gives(&s, "thing/file", O_RDONLY, -ENOENT);
        store_image_done(&s.image);
}

static void whiteouts_hide_what_is_below(void **state)
{
        Stacked s = stacked(state);

        if (mknodat(s.dir, "top/etc/file", S_IFCHR, makedev(0, 0)) < 0)
                skip(); /* Linux before 5.8, without privilege */
        gives(&s, "etc/file", O_RDONLY, -ENOENT);
        gives(&s, "etc/file/x", O_RDONLY, -ENOENT);
        store_image_done(&s.image);
}

static void attribute(Stacked *s, const char *path, const char *name, const char *value)
{
        _cleanup_close_ int fd = openat(s->dir, path, O_RDONLY | O_CLOEXEC);

        if (fsetxattr(fd, name, value, strlen(value), 0) < 0)
                skip(); /* without privilege */
}

static void opaque_directories_hide_what_is_below(void **state)
{
        Stacked s = stacked(state);

        attribute(&s, "top/etc", "trusted.overlay.opaque", "y");
        gives(&s, "etc/file", O_RDONLY, -ENOENT);
        store_image_done(&s.image);
}

static void whiteouts_may_be_files_with_an_attribute(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(file_write_at(s.dir, "top/etc/file", "", 0644), 0);
        attribute(&s, "top/etc", "trusted.overlay.opaque", "x");
        attribute(&s, "top/etc/file", "trusted.overlay.whiteout", "y");
        assert_int_equal(file_write_at(s.dir, "low/etc/other", "other", 0644), 0);
        gives(&s, "etc/file", O_RDONLY, -ENOENT);
        shows(&s, "etc/other", "other");
        store_image_done(&s.image);
}

static void redirects_lead_to_the_old_path_below(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(file_mkdir_p_at(s.dir, "top/new", 0755), 0);
        assert_int_equal(file_mkdir_p_at(s.dir, "top/far/away", 0755), 0);
        attribute(&s, "top/new", "trusted.overlay.redirect", "etc");
        attribute(&s, "top/far/away", "trusted.overlay.redirect", "/etc");
        shows(&s, "new/file", "low");
        shows(&s, "far/away/file", "low");
        gives(&s, "far/file", O_RDONLY, -ENOENT);
        store_image_done(&s.image);
}

static void content_may_lie_below_its_file(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(file_write_at(s.dir, "top/etc/moved", "", 0644), 0);
        attribute(&s, "top/etc/moved", "trusted.overlay.metacopy", "");
        attribute(&s, "top/etc/moved", "trusted.overlay.redirect", "file");
        shows(&s, "etc/moved", "low");
        store_image_done(&s.image);
}

static void only_files_and_directories_are_opened_and_only_for_reading(void **state)
{
        Stacked s = stacked(state);

        assert_int_equal(mkfifoat(s.dir, "top/pipe", 0600), 0);
        gives(&s, "pipe", O_RDONLY, -EINVAL);
        gives(&s, "etc/file", O_WRONLY, -EINVAL);
        gives(&s, "etc/file", O_RDONLY | O_TRUNC, -EINVAL);
        _cleanup_close_ int dir = store_image_open(&s.image, "/", O_RDONLY | O_DIRECTORY);
        assert_true(dir >= 0);
        store_image_done(&s.image);
}

static void the_upper_directory_is_on_top(void **state)
{
        Stacked s = stacked(state);

        s.image.upper = xasprintf("%s/upper", ((Scratch *)*state)->dir);
        assert_int_equal(file_mkdir_p_at(s.dir, "upper/etc", 0755), 0);
        shows(&s, "etc/file", "low");
        assert_int_equal(file_write_at(s.dir, "upper/etc/file", "upper", 0644), 0);
        shows(&s, "etc/file", "upper");
        store_image_done(&s.image);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(the_topmost_file_counts),
                        TEST(symlinks_are_followed_inside_and_across_layers),
                        TEST(a_loop_of_symlinks_ends),
                        TEST(a_file_hides_a_directory_below),
                        TEST(a_directory_hides_files_and_links_below),
                        TEST(whiteouts_hide_what_is_below),
                        TEST(opaque_directories_hide_what_is_below),
                        TEST(whiteouts_may_be_files_with_an_attribute),
                        TEST(redirects_lead_to_the_old_path_below),
                        TEST(content_may_lie_below_its_file),
                        TEST(only_files_and_directories_are_opened_and_only_for_reading),
                        TEST(the_upper_directory_is_on_top),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
