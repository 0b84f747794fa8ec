/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "transfer/deb.h"
#include "unit/scratch.h"

static void add_sized(Buf *b, const char *name, const char *data, unsigned long long size)
{
        buf_addf(b, "%-16s%-12d%-6d%-6d%-8d%-10llu`\n", name, 0, 0, 0, 100644, size);
        buf_adds(b, data);
        if (strlen(data) & 1)
                buf_adds(b, "\n");
}

static void add(Buf *b, const char *name, const char *data)
{
        add_sized(b, name, data, strlen(data));
}

static int scan(const Buf *b, DebScan *s, Error *e)
{
        deb_scan_init(s, b->len);
        for (uint32_t want; (want = deb_scan_want(s)) > 0;) {
                uint64_t left = s->pos < b->len ? b->len - s->pos : 0;
                int r = deb_scan_give(s, left > 0 ? b->data + s->pos : "", left < want ? (uint32_t)left : want, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void expect(Buf *b, const char *message)
{
        DebScan s;
        Error e = {0};

        assert_int_equal(scan(b, &s, &e), -EBADMSG);
        assert_non_null(strstr(e.message, message));
        buf_done(b);
}

static Buf package(void)
{
        Buf b = {0};

        buf_adds(&b, "!<arch>\n");
        add(&b, "debian-binary", "2.0\n");
        return b;
}

static void finds_both_members(void **state)
{
        Buf b = package();
        DebScan s;

        add(&b, "control.tar.xz", "ctl");
        add(&b, "data.tar.zst", "datadata");
        assert_int_equal(scan(&b, &s, NULL), 0);
        assert_int_equal(s.control.size, 3);
        assert_memory_equal(b.data + s.control.offset, "ctl", 3);
        assert_int_equal(s.data.size, 8);
        assert_memory_equal(b.data + s.data.offset, "datadata", 8);
        buf_done(&b);
}

static void accepts_names_with_a_slash(void **state)
{
        Buf b = {0};
        DebScan s;

        buf_adds(&b, "!<arch>\n");
        add(&b, "debian-binary/", "2.0\n");
        add(&b, "control.tar/", "c");
        add(&b, "data.tar/", "d");
        assert_int_equal(scan(&b, &s, NULL), 0);
        buf_done(&b);
}

static void skips_private_members_between(void **state)
{
        Buf b = package();
        DebScan s;

        add(&b, "_gpgorigin", "x");
        add(&b, "control.tar.gz", "c");
        add(&b, "_other", "yy");
        add(&b, "data.tar.gz", "d");
        assert_int_equal(scan(&b, &s, NULL), 0);
        assert_memory_equal(b.data + s.data.offset, "d", 1);
        buf_done(&b);
}

static void refuses_what_is_no_archive(void **state)
{
        Buf b = {0};

        buf_adds(&b, "<html>not found</html>");
        expect(&b, "not a .deb");
}

static void refuses_members_in_another_order(void **state)
{
        Buf b = package();

        add(&b, "data.tar.xz", "d");
        add(&b, "control.tar.xz", "c");
        expect(&b, "'data.tar.xz' stands where 'control.tar'");
}

static void refuses_another_version(void **state)
{
        Buf b = {0};

        buf_adds(&b, "!<arch>\n");
        add(&b, "debian-binary", "3.0\n");
        expect(&b, "version");
}

static void tells_where_a_truncated_file_ends(void **state)
{
        Buf b = package();

        add(&b, "control.tar.xz", "cc");
        expect(&b, "the file ends at byte");
}

static void refuses_members_beyond_the_end(void **state)
{
        Buf b = package();

        add_sized(&b, "control.tar.xz", "cc", 9999999999ULL);
        expect(&b, "goes beyond the end");
}

static void refuses_sizes_that_are_no_numbers(void **state)
{
        Buf b = package();

        buf_addf(&b, "%-16s%-12d%-6d%-6d%-8d%-10s`\n", "control.tar", 0, 0, 0, 0, "-1");
        expect(&b, "broken");
        b = package();
        buf_addf(&b, "%-16s%-12d%-6d%-6d%-8d%-10s`\n", "control.tar", 0, 0, 0, 0, "1 2");
        expect(&b, "broken");
}

static void does_not_take_a_name_for_its_prefix(void **state)
{
        Buf b = package();

        add(&b, "control.tarnish", "cc");
        expect(&b, "'control.tarnish' stands where");
}

static void refuses_endless_private_members(void **state)
{
        Buf b = package();

        for (int i = 0; i < 100; i++)
                add(&b, "_x", "");
        expect(&b, "too many");
}

static void reads_by_descriptor_and_says_truncated(void **state)
{
        Buf b = package();
        DebScan s;
        Error e = {0};

        add(&b, "control.tar", "cc");
        assert_int_equal(file_write_atomic_at(scratch_fd(state), "x.deb", b.data, b.len, 0644, false), 0);
        _cleanup_close_ int fd = openat(scratch_fd(state), "x.deb", O_RDONLY | O_CLOEXEC);
        assert_int_equal(deb_scan_fd(fd, &s, &e), -EBADMSG);
        assert_non_null(strstr(e.message, "it is truncated or damaged: "));
        buf_done(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(finds_both_members),
                        cmocka_unit_test(accepts_names_with_a_slash),
                        cmocka_unit_test(skips_private_members_between),
                        cmocka_unit_test(refuses_what_is_no_archive),
                        cmocka_unit_test(refuses_members_in_another_order),
                        cmocka_unit_test(refuses_another_version),
                        cmocka_unit_test(tells_where_a_truncated_file_ends),
                        cmocka_unit_test(refuses_members_beyond_the_end),
                        cmocka_unit_test(refuses_sizes_that_are_no_numbers),
                        cmocka_unit_test(does_not_take_a_name_for_its_prefix),
                        cmocka_unit_test(refuses_endless_private_members),
                        cmocka_unit_test_setup_teardown(reads_by_descriptor_and_says_truncated, scratch_setup, scratch_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
