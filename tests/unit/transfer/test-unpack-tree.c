/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "transfer/unpack-tree.h"
#include "unit/scratch.h"

/* Entries are written as the user who runs the test: the archive says so too, and 0:0 where that is root. */
typedef struct Write {
        const char *path;
        mode_t type, mode;
        const char *link, *data;
        bool hard;
} Write;

/* One entry through a tar in memory, as libarchive would hand it out. */
static struct archive *pack(const Write *w, char *memory, size_t size)
{
        struct archive *out = archive_write_new(), *in = archive_read_new();
        struct archive_entry *entry = archive_entry_new();
        size_t used;

        assert_int_equal(archive_write_set_format_gnutar(out), ARCHIVE_OK);
        assert_int_equal(archive_write_open_memory(out, memory, size, &used), ARCHIVE_OK);
        archive_entry_copy_pathname(entry, w->path);
        archive_entry_set_filetype(entry, w->type);
        archive_entry_set_perm(entry, w->mode);
        archive_entry_set_uid(entry, (la_int64_t)getuid());
        archive_entry_set_gid(entry, (la_int64_t)getgid());
        archive_entry_set_mtime(entry, 1000000000, 0);
        if (w->hard)
                archive_entry_copy_hardlink(entry, w->link);
        else if (w->link)
                archive_entry_copy_symlink(entry, w->link);
        if (w->data)
                archive_entry_set_size(entry, (la_int64_t)strlen(w->data));
        assert_int_equal(archive_write_header(out, entry), ARCHIVE_OK);
        if (w->data)
                assert_int_equal(archive_write_data(out, w->data, strlen(w->data)), (la_ssize_t)strlen(w->data));
        archive_entry_free(entry);
        assert_int_equal(archive_write_free(out), ARCHIVE_OK);
        assert_int_equal(archive_read_support_format_tar(in), ARCHIVE_OK);
        assert_int_equal(archive_read_open_memory(in, memory, used), ARCHIVE_OK);
        return in;
}

static int put(Tree *t, Write w, Error *e)
{
        static char memory[65536];
        struct archive *a = pack(&w, memory, sizeof(memory));
        struct archive_entry *entry;
        char path[PATH_MAX];

        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
        int r = tree_path(archive_entry_pathname(entry), path, e);
        if (r >= 0)
                r = tree_write_entry(t, a, entry, path, NULL, e);
        archive_read_free(a);
        return r;
}

#define DIRECTORY(p, m)  ((Write){.path = (p), .type = AE_IFDIR, .mode = (m)})
#define FILE_OF(p, m, d) ((Write){.path = (p), .type = AE_IFREG, .mode = (m), .data = (d)})
#define LINK(p, target)  ((Write){.path = (p), .type = AE_IFLNK, .mode = 0777, .link = (target)})
#define HARD(p, target)  ((Write){.path = (p), .type = AE_IFREG, .mode = 0644, .link = (target), .hard = true})

static Tree package_tree(void **state)
{
        umask(0); /* as the worker's */
        return (Tree){.root = scratch_fd(state), .package = true};
}

static struct stat look(void **state, const char *path)
{
        struct stat st;

        assert_int_equal(fstatat(scratch_fd(state), path, &st, AT_SYMLINK_NOFOLLOW), 0);
        return st;
}

static void content_is(void **state, const char *path, const char *content)
{
        char *data;
        assert_int_equal(file_read_at(scratch_fd(state), path, 4096, &data, NULL), 0);
        assert_string_equal(data, content);
        free(data);
}

#define TREE(state) __attribute__((cleanup(tree_done))) Tree t = package_tree(state)

static void paths_are_normalized(void **state)
{
        static const char *const cases[][2] = {
                        {"./", ""},
                        {".", ""},
                        {"/", ""},
                        {"./usr/", "usr"},
                        {"//etc//./passwd", "etc/passwd"},
                        {"./a..b/...", "a..b/..."},
        };
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(tree_path(cases[i][0], path, NULL), 0);
                assert_string_equal(path, cases[i][1]);
        }
}

static void paths_that_climb_are_refused(void **state)
{
        static const char *const cases[] = {"..", "../x", "./a/../../x", "/..", "a/.."};
        char path[PATH_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Error e = {0};
                assert_int_equal(tree_path(cases[i], path, &e), -EBADMSG);
                assert_non_null(strstr(e.message, cases[i]));
        }
}

static void paths_of_ten_thousand_levels_are_refused(void **state)
{
        char name[20001], path[PATH_MAX];

        for (size_t i = 0; i < 20000; i += 2)
                memcpy(name + i, "a/", 2);
        name[20000] = '\0';
        assert_int_equal(tree_path(name, path, NULL), -EBADMSG);
}

static void files_get_mode_time_and_content(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, DIRECTORY("./usr/", 0755), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("./usr/tool", 04751, "content"), NULL), 0);
        struct stat st = look(state, "usr/tool");
        assert_int_equal(st.st_mode, S_IFREG | 04751);
        assert_int_equal(st.st_mtime, 1000000000);
        content_is(state, "usr/tool", "content");
        assert_int_equal(t.bytes, 7);
}

static void missing_parents_are_made(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, FILE_OF("a/b/c/file", 0644, "x"), NULL), 0);
        content_is(state, "a/b/c/file", "x");
        assert_int_equal(look(state, "a/b").st_mode, S_IFDIR | 0755);
}

static void existing_files_are_replaced_not_written_into(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, FILE_OF("old", 0644, "old"), NULL), 0);
        assert_int_equal(put(&t, HARD("other-name", "./old"), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("old", 0600, "new"), NULL), 0);
        content_is(state, "old", "new");
        content_is(state, "other-name", "old");
        assert_int_equal(look(state, "old").st_mode, S_IFREG | 0600);
}

static void links_in_place_of_files_are_not_followed(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, FILE_OF("victim", 0644, "old"), NULL), 0);
        assert_int_equal(put(&t, LINK("link", "victim"), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("link", 0644, "new"), NULL), 0);
        content_is(state, "victim", "old");
        assert_true(S_ISREG(look(state, "link").st_mode));
}

static void links_to_directories_are_kept_and_followed(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, DIRECTORY("usr/bin", 0755), NULL), 0);
        assert_int_equal(put(&t, LINK("bin", "usr/bin"), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("./bin/", 0755), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("./bin/sh", 0755, "x"), NULL), 0);
        assert_true(S_ISLNK(look(state, "bin").st_mode));
        content_is(state, "usr/bin/sh", "x");
}

static void a_link_replaced_within_an_archive_is_seen(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, DIRECTORY("one", 0755), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("two", 0755), NULL), 0);
        assert_int_equal(put(&t, LINK("way", "one"), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("way/a", 0644, "a"), NULL), 0);
        assert_int_equal(put(&t, LINK("way", "two"), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("way/b", 0644, "b"), NULL), 0);
        content_is(state, "one/a", "a");
        content_is(state, "two/b", "b");
}

static void directories_are_not_replaced(void **state)
{
        TREE(state);
        Error e = {0};

        assert_int_equal(put(&t, DIRECTORY("dir", 0755), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("dir", 0644, "x"), &e), -EISDIR);
        assert_string_equal(e.message, "'/dir' would replace a directory");
        assert_int_equal(put(&t, LINK("dir", "elsewhere"), NULL), 0); /* as dpkg: the directory stays */
        assert_true(S_ISDIR(look(state, "dir").st_mode));
}

static void files_are_not_replaced_by_directories(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, FILE_OF("file", 0644, "x"), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("file", 0755), NULL), -ENOTDIR);
}

static void special_directories_win_in_any_order(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, DIRECTORY("first", 01777), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("first", 0755), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("last", 0755), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("last", 01777), NULL), 0);
        if (getuid() == 0) /* for others every directory is special by its owner */
                assert_int_equal(look(state, "first").st_mode, S_IFDIR | 01777);
        assert_int_equal(look(state, "last").st_mode, S_IFDIR | 01777);
}

static void an_image_says_how_its_directories_are(void **state)
{
        TREE(state);

        t.package = false;
        assert_int_equal(put(&t, DIRECTORY("dir", 0700), NULL), 0);
        assert_int_equal(put(&t, DIRECTORY("dir", 0755), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("dir/file", 0644, "x"), NULL), 0);
        assert_int_equal(tree_finish(&t, NULL), 0);
        assert_int_equal(look(state, "dir").st_mode, S_IFDIR | 0755);
        assert_int_equal(look(state, "dir").st_mtime, 1000000000);
}

static void the_top_gets_the_package_mode(void **state)
{
        TREE(state);

        assert_int_equal(look(state, ".").st_mode & 0777, 0700);
        assert_int_equal(put(&t, DIRECTORY("./", 0755), NULL), 0);
        assert_int_equal(look(state, ".").st_mode & 0777, 0755);
}

static void device_nodes_are_refused(void **state)
{
        TREE(state);
        Error e = {0};

        assert_int_equal(put(&t, (Write){.path = "dev/sda", .type = AE_IFBLK, .mode = 0660}, &e), -EBADMSG);
        assert_string_equal(e.message, "device node '/dev/sda' is refused");
}

static void an_image_loses_its_device_nodes(void **state)
{
        TREE(state);
        struct stat st;

        t.package = false;
        assert_int_equal(put(&t, (Write){.path = "dev/sda", .type = AE_IFBLK, .mode = 0660}, NULL), 0);
        assert_int_equal(fstatat(scratch_fd(state), "dev/sda", &st, AT_SYMLINK_NOFOLLOW), -1);
        assert_int_equal(put(&t, (Write){.path = "tmp/sda", .type = AE_IFBLK, .mode = 0660}, NULL), -EBADMSG);
}

static void newlines_are_refused_in_packages(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, FILE_OF("a\nb", 0644, "x"), NULL), -EBADMSG);
}

static void hard_links_that_climb_are_refused(void **state)
{
        TREE(state);

        assert_int_equal(put(&t, HARD("x", "../../etc/passwd"), NULL), -EBADMSG);
}

static void the_limit_holds_over_all_archives(void **state)
{
        TREE(state);
        _Atomic uint64_t used = 0;
        Error e = {0};

        t.limit = 10;
        t.used = &used;
        assert_int_equal(put(&t, FILE_OF("a", 0644, "123456"), NULL), 0);
        t.bytes = 0;
        assert_int_equal(put(&t, FILE_OF("b", 0644, "123456"), &e), -E2BIG);
        assert_string_equal(e.message, "it unpacks to more than the limit of 10 bytes");
}

static void an_archive_has_a_limit_of_its_own(void **state)
{
        TREE(state);
        _Atomic uint64_t used = 0;
        Error e = {0};

        t.limit = 100;
        t.own_limit = 7;
        t.used = &used;
        assert_int_equal(put(&t, FILE_OF("a", 0644, "123456"), NULL), 0);
        t.bytes = 0; /* the next archive */
        assert_int_equal(put(&t, FILE_OF("b", 0644, "1234567"), NULL), 0);
        assert_int_equal(put(&t, FILE_OF("c", 0644, "1"), &e), -E2BIG);
        assert_string_equal(e.message, "it unpacks to more than the limit of 7 bytes");
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(paths_are_normalized),
                        cmocka_unit_test(paths_that_climb_are_refused),
                        cmocka_unit_test(paths_of_ten_thousand_levels_are_refused),
                        IN_SCRATCH(files_get_mode_time_and_content),
                        IN_SCRATCH(missing_parents_are_made),
                        IN_SCRATCH(existing_files_are_replaced_not_written_into),
                        IN_SCRATCH(links_in_place_of_files_are_not_followed),
                        IN_SCRATCH(links_to_directories_are_kept_and_followed),
                        IN_SCRATCH(a_link_replaced_within_an_archive_is_seen),
                        IN_SCRATCH(directories_are_not_replaced),
                        IN_SCRATCH(files_are_not_replaced_by_directories),
                        IN_SCRATCH(special_directories_win_in_any_order),
                        IN_SCRATCH(an_image_says_how_its_directories_are),
                        IN_SCRATCH(the_top_gets_the_package_mode),
                        IN_SCRATCH(device_nodes_are_refused),
                        IN_SCRATCH(an_image_loses_its_device_nodes),
                        IN_SCRATCH(newlines_are_refused_in_packages),
                        IN_SCRATCH(hard_links_that_climb_are_refused),
                        IN_SCRATCH(the_limit_holds_over_all_archives),
                        IN_SCRATCH(an_archive_has_a_limit_of_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
