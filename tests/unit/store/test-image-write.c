/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/store-scratch.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "base/strv.h"

/* A stack of "low" and the writable "up"; and for the same tests a plain tree, where there is only "up". */
typedef struct Stacked {
        StoreImage image;
        int dir;
} Stacked;

static Stacked stacked(void **state, bool plain)
{
        const Scratch *scratch = *state;
        const char *low = plain ? "up" : "low";
        Stacked s = {.dir = scratch->fd};

        *(plain ? &s.image.directory : &s.image.upper) = xasprintf("%s/up", scratch->dir);
        if (!plain)
                strv_pushf(&s.image.layers, "%s/low", scratch->dir);
        assert_int_equal(mkdirat(s.dir, "up", 0755), 0);
        _cleanup_free_ char *etc = xasprintf("%s/etc/deep", low), *file = xasprintf("%s/etc/deep/file", low),
                            *link = xasprintf("%s/link", low), *nowhere = xasprintf("%s/etc/nowhere", low);
        assert_int_equal(file_mkdir_p_at(s.dir, etc, 0750), 0);
        assert_int_equal(file_write_at(s.dir, file, "low", 0644), 0);
        assert_int_equal(symlinkat("/etc/deep", s.dir, link), 0);
        assert_int_equal(symlinkat("/not/there", s.dir, nowhere), 0);
        return s;
}

static void shows(Stacked *s, const char *path, const char *expected)
{
        _cleanup_close_ int fd = store_image_open(&s->image, path, O_RDONLY);
        _cleanup_free_ char *text = NULL;

        if (!expected) {
                assert_int_equal(fd, -ENOENT);
                return;
        }
        assert_true(fd >= 0);
        assert_int_equal(file_read_fd(fd, 100, &text, NULL), 0);
        assert_string_equal(text, expected);
}

static void in_both(void **state, void (*test)(Stacked *s, bool plain))
{
        for (int plain = 0; plain < 2; plain++) {
                Stacked s = stacked(state, plain);
                test(&s, plain);
                store_image_done(&s.image);
                assert_int_equal(file_remove_tree_at(s.dir, "up"), 0);
                assert_int_equal(file_remove_tree_at(s.dir, "low"), 0);
        }
}

static void write_files(Stacked *s, bool plain)
{
        struct stat st;

        assert_int_equal(store_image_write(&s->image, "/link/file", "new", 0600), 0);
        shows(s, "/etc/deep/file", "new");
        assert_int_equal(fstatat(s->dir, "up/etc/deep", &st, 0), 0); /* copied up with its mode */
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(fstatat(s->dir, "up/etc/deep/file", &st, 0), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        if (!plain) {
                assert_int_equal(fstatat(s->dir, "low/etc/deep/file", &st, 0), 0);
                assert_int_equal(st.st_size, 3);
                assert_int_equal(faccessat(s->dir, "up/link", F_OK, AT_SYMLINK_NOFOLLOW), -1);
        }
        assert_int_equal(store_image_write(&s->image, "/a/b/c", "deep", 0644), 0); /* parents are made */
        shows(s, "/a/b/c", "deep");
        assert_int_equal(store_image_write(&s->image, "/etc/nowhere", "here", 0644), 0); /* a link at the end is replaced */
        shows(s, "/etc/nowhere", "here");
}

static void files_are_written(void **state)
{
        in_both(state, write_files);
}

static void refuse(Stacked *s, bool plain)
{
        assert_int_equal(store_image_write(&s->image, "/etc/nowhere/x", "", 0644), -ENOENT);
        assert_int_equal(store_image_write(&s->image, "/etc/deep/file/x", "", 0644), -ENOTDIR);
        assert_int_equal(store_image_unlink(&s->image, "/etc/none"), -ENOENT);
        assert_true(store_image_unlink(&s->image, "/etc/deep") < 0);
        assert_int_equal(store_image_symlink(&s->image, "x", "/link"), -EEXIST);
        assert_int_equal(faccessat(s->dir, "not", F_OK, 0), -1);
}

static void what_is_no_directory_is_none(void **state)
{
        in_both(state, refuse);
}

static void unlink_files(Stacked *s, bool plain)
{
        assert_int_equal(store_image_unlink(&s->image, "/link/file"), 0);
        shows(s, "/etc/deep/file", NULL);
        assert_int_equal(store_image_unlink(&s->image, "/link"), 0);
        shows(s, "/link", NULL);
        assert_int_equal(faccessat(s->dir, plain ? "up/etc/deep" : "low/etc/deep/file", F_OK, 0), 0);
}

static void files_are_hidden(void **state)
{
        in_both(state, unlink_files);
}

/* What was hidden stays hidden below a directory in its place. */
static void a_new_directory_is_opaque(void **state)
{
        Stacked s = stacked(state, false);
        struct stat st;

        if (geteuid() != 0)
                skip(); /* trusted.* */
        assert_int_equal(mkdirat(s.dir, "up/etc", 0755), 0);
        assert_int_equal(mknodat(s.dir, "up/etc/deep", S_IFCHR, makedev(0, 0)), 0);
        assert_int_equal(store_image_write(&s.image, "/etc/deep/other", "x", 0644), 0);
        shows(&s, "/etc/deep/other", "x");
        shows(&s, "/etc/deep/file", NULL);
        assert_int_equal(store_image_symlink(&s.image, "../other", "/etc/deep/file"), 0);
        assert_int_equal(fstatat(s.dir, "up/etc/deep/file", &st, AT_SYMLINK_NOFOLLOW), 0);
        assert_true(S_ISLNK(st.st_mode));
        store_image_done(&s.image);
}

static void names_are_those_that_show(void **state)
{
        Stacked s = stacked(state, false);
        _cleanup_strv_ char **names = NULL, **none = NULL;

        assert_int_equal(file_write_at(s.dir, "low/etc/deep/gone", "", 0644), 0);
        assert_int_equal(store_image_unlink(&s.image, "/etc/deep/gone"), 0);
        assert_int_equal(store_image_write(&s.image, "/etc/deep/file", "both", 0644), 0);
        assert_int_equal(store_image_write(&s.image, "/etc/deep/a", "up", 0644), 0);
        assert_int_equal(store_image_names(&s.image, "/link", &names), 0);
        _cleanup_free_ char *list = strv_join(names, " ");
        assert_string_equal(list, "a file");
        assert_int_equal(store_image_names(&s.image, "/none", &none), 0);
        assert_null(none);
        store_image_done(&s.image);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        TEST(files_are_written),         TEST(what_is_no_directory_is_none), TEST(files_are_hidden),
                        TEST(a_new_directory_is_opaque), TEST(names_are_those_that_show),
        };

        return cmocka_run_group_tests_name("image-write", tests, NULL, NULL);
}
