/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "distro/tar.h"

static struct archive *open_archive(Tar *t, int *ret_fd)
{
        struct archive *a = archive_read_new();

        *ret_fd = tar_take_fd(t, NULL);
        assert_true(*ret_fd >= 0);
        archive_read_support_format_tar(a);
        assert_int_equal(archive_read_open_fd(a, *ret_fd, 10240), ARCHIVE_OK);
        return a;
}

static struct archive_entry *next(struct archive *a)
{
        struct archive_entry *entry = NULL;

        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_OK);
        return entry;
}

static void libarchive_reads_what_was_written(void **state)
{
        Tar t = {.mtime = 1757152800};
        struct archive_entry *entry;
        char data[16] = "";
        _cleanup_close_ int fd = -1;

        tar_directory(&t, "usr", 0755);
        tar_file(&t, "usr/a", "hello", 5, 0640);
        tar_symlink(&t, "lib", "usr/lib");
        struct archive *a = open_archive(&t, &fd);
        entry = next(a);
        assert_string_equal(archive_entry_pathname(entry), "usr");
        assert_int_equal(archive_entry_filetype(entry), AE_IFDIR);
        assert_int_equal(archive_entry_mtime(entry), 1757152800);
        entry = next(a);
        assert_int_equal(archive_entry_perm(entry), 0640);
        assert_int_equal(archive_entry_uid(entry), 0);
        assert_int_equal(archive_read_data(a, data, sizeof(data)), 5);
        assert_string_equal(data, "hello");
        entry = next(a);
        assert_string_equal(archive_entry_symlink(entry), "usr/lib");
        assert_int_equal(archive_read_next_header(a, &entry), ARCHIVE_EOF);
        archive_read_free(a);
}

static void a_path_of_more_than_a_hundred_bytes_is_kept_whole(void **state)
{
        char path[200];
        Tar t = {0};
        _cleanup_close_ int fd = -1;

        memset(path, 'x', sizeof(path));
        memcpy(path, "var/lib/dpkg/info", 17);
        path[60] = path[120] = '/';
        path[sizeof(path) - 1] = 0;
        tar_file(&t, path, "", 0, 0644);
        struct archive *a = open_archive(&t, &fd);
        assert_string_equal(archive_entry_pathname(next(a)), path);
        archive_read_free(a);
}

static void a_path_that_does_not_fit_is_an_error_and_not_cut(void **state)
{
        char path[300];
        Tar t = {0};

        memset(path, 'x', sizeof(path));
        path[sizeof(path) - 1] = 0;
        tar_file(&t, path, "", 0, 0644);
        assert_int_equal(tar_take_fd(&t, NULL), -ENAMETOOLONG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(libarchive_reads_what_was_written),
                        cmocka_unit_test(a_path_of_more_than_a_hundred_bytes_is_kept_whole),
                        cmocka_unit_test(a_path_that_does_not_fit_is_an_error_and_not_cut),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
