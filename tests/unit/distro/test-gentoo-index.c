/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "distro/gentoo-index.h"

#define HEADER                                                                                                                \
        "ARCH: amd64\nCHOST: x86_64-pc-linux-gnu\nTIMESTAMP: 1688322603\nURI: http://example.org/x\nVERSION: 0\nrepository: " \
        "gentoo\n\n"

static Slice text(const char *s)
{
        return (Slice){s, strlen(s)};
}

static GentooIndex parse(const char *s)
{
        GentooIndex i = {0};
        Error e = {0};

        if (gentoo_index_parse(text(s), &i, &e) < 0)
                fail_msg("%s", e.message);
        return i;
}

static void an_entry_has_its_keys_and_the_defaults(void **state)
{
        GentooIndex i = parse(
                        HEADER
                        "BUILD_ID: 3\nBUILD_TIME: 1688322000\nCPV: sys-libs/zlib-1.2.13-r1\nEAPI: 8\nIUSE: +a -b c\nMD5: "
                        "d41d8\nMTIME: "
                        "1688322001\nPATH: sys-libs/zlib/zlib-1.2.13-r1-3.gpkg.tar\nRDEPEND: a/b c/d\nSHA1: da39\nSIZE: 102400\n"
                        "SLOT: 0/1\nUSE: a amd64\n\nCPV: x/y-1\nREPO: other\n\n");
        assert_int_equal(i.packages.n, 2);
        const GentooPackage *p = &i.packages.items[0];
        assert_true(slice_eq_str(p->category, "sys-libs") && slice_eq_str(p->name, "zlib") &&
                    slice_eq_str(p->version, "1.2.13-r1"));
        assert_true(slice_eq_str(p->slot, "0") && slice_eq_str(p->subslot, "1"));
        assert_true(slice_eq_str(p->repository, "gentoo") && slice_eq_str(p->chost, "x86_64-pc-linux-gnu"));
        assert_true(slice_eq_str(p->rdepend, "a/b c/d") && slice_eq_str(p->iuse, "+a -b c") && slice_eq_str(p->use, "a amd64"));
        assert_int_equal(p->size, 102400);
        assert_int_equal(p->build_time, 1688322000);
        assert_ptr_equal(p->eapi, gentoo_eapi(text("8")));
        p = &i.packages.items[1];
        assert_true(slice_eq_str(p->slot, "0") && slice_eq_str(p->subslot, "0") && slice_eq_str(p->repository, "other"));
        assert_ptr_equal(p->eapi, gentoo_eapi(text("0")));
        assert_true(slice_eq_str(gentoo_index_header(&i, "URI"), "http://example.org/x"));
        gentoo_index_done(&i);
}

static void lines_are_split_as_portage_splits_them(void **state)
{
        GentooIndex i = parse(HEADER "CPV: x/y-1\nno colon here\nRDEPEND:xa/b\nUNKNOWN: 1\nUSE:\nDESC: a: b\n\n");
        assert_int_equal(i.packages.n, 1);
        assert_true(slice_eq_str(i.packages.items[0].rdepend, "a/b")); /* one character behind the colon goes */
        gentoo_index_done(&i);
}

static void a_paragraph_of_nothing_known_ends_the_file(void **state)
{
        GentooIndex i = parse(HEADER "CPV: x/y-1\n\n\nCPV: x/z-1\n\n");
        assert_int_equal(i.packages.n, 1);
        gentoo_index_done(&i);
        i = parse(HEADER "CPV: x/y-1\n\nFOO: bar\n\nCPV: x/z-1\n\n");
        assert_int_equal(i.packages.n, 1);
        gentoo_index_done(&i);
}

static void entries_that_name_no_package_are_passed_over(void **state)
{
        GentooIndex i = parse(HEADER "DESC: no CPV\n\nCPV: nonsense\n\nCPV: ../x-1\n\nCPV: x/y-1\nEAPI: 99\n\n");
        assert_int_equal(i.packages.n, 1);
        assert_null(i.packages.items[0].eapi);
        gentoo_index_done(&i);
}

static void of_one_instance_the_last_entry_counts(void **state)
{
        GentooIndex i = parse(
                        HEADER
                        "BUILD_ID: 1\nCPV: x/y-1\nPATH: first\nSIZE: 5\n\nBUILD_ID: 1\nCPV: x/y-1\nPATH: other-size\nSIZE: 6\n\n"
                        "BUILD_ID: 1\nCPV: x/y-1\nPATH: last\nSIZE: 5\n\n");
        assert_int_equal(i.packages.n, 2);
        assert_true(slice_eq_str(i.packages.items[0].path, "other-size"));
        assert_true(slice_eq_str(i.packages.items[1].path, "last"));
        gentoo_index_done(&i);
}

static void what_is_taken_first(void **state)
{
        GentooIndex i = parse(HEADER "BUILD_ID: 1\nBUILD_TIME: 2000\nCPV: x/y-1\n\nBUILD_ID: 2\nBUILD_TIME: 1000\nCPV: x/y-1\n\n"
                                     "BUILD_ID: 3\nBUILD_TIME: 2000\nCPV: x/y-1\n\nBUILD_TIME: 1\nCPV: x/y-1-r1\n\n");
        const GentooPackage *p = i.packages.items;
        assert_true(gentoo_package_compare(&p[0], &p[1]) > 0); /* not the build ID, the time of building */
        assert_true(gentoo_package_compare(&p[2], &p[0]) > 0); /* at the same time: the one further down */
        assert_true(gentoo_package_compare(&p[3], &p[0]) > 0);
        gentoo_index_done(&i);
}

static void what_is_no_index(void **state)
{
        static const char *const bad[] = {"", "VERSION: 0\n\nCPV: x/y-1\n\n", "<html>404</html>\n",
                                          "TIMESTAMP: 1\nVERSION: 1\n\n", "TIMESTAMP: 1\nVERSION: x\n\n"};
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                GentooIndex index = {0};
                Error e = {0};
                assert_int_equal(gentoo_index_parse(text(bad[i]), &index, &e), -EBADMSG);
                assert_true(e.message[0]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(an_entry_has_its_keys_and_the_defaults),
                        cmocka_unit_test(lines_are_split_as_portage_splits_them),
                        cmocka_unit_test(a_paragraph_of_nothing_known_ends_the_file),
                        cmocka_unit_test(entries_that_name_no_package_are_passed_over),
                        cmocka_unit_test(of_one_instance_the_last_entry_counts),
                        cmocka_unit_test(what_is_taken_first),
                        cmocka_unit_test(what_is_no_index),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
