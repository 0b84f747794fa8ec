/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/spec/values.h"

static void binds_have_up_to_three_parts(void **state)
{
        CHECK(MOUNTS, BIND, {"/a", "/a:/a:rbind,noidmap"}, {"/a:/b", "/a:/b:rbind,noidmap"},
              {"/a:/b:norbind", "/a:/b:norbind,noidmap"}, {"/a::idmap", "/a:/a:rbind,idmap"}, {"/a:/b:c:d", NULL}, {"a:/b", NULL},
              {"/a:b", NULL}, {"", NULL}, {":", NULL});
}

static void a_backslash_takes_a_colon_into_the_path(void **state)
{
        CHECK(MOUNTS, BIND, {"/a\\:b:/c", "/a\\:b:/c:rbind,noidmap"}, {"/a\\\\:/c", "/a\\\\:/c:rbind,noidmap"},
              {"/a\\b", "/a\\\\b:/a\\\\b:rbind,noidmap"});
}

static void a_plus_makes_the_source_the_images(void **state)
{
        CHECK(MOUNTS, BIND_READ_ONLY, {"+/usr:/opt", "+/usr:/opt:rbind,noidmap"}, {"+usr", NULL});
}

static void options_are_known_words(void **state)
{
        CHECK(MOUNTS, BIND, {"/a:/a:rootidmap,norbind", "/a:/a:norbind,rootidmap"},
              {"/a:/a:owneridmap", "/a:/a:rbind,owneridmap"}, {"/a:/a:ro", NULL}, {"/a:/a:IDMAP", NULL});
}

static void parents_of_the_root_are_refused(void **state)
{
        CHECK(MOUNTS, BIND, {"/a/..:/b", NULL}, {"/a:/b/../../c", NULL});
}

static void tmpfs_options_are_kept_as_given(void **state)
{
        CHECK(MOUNTS, TMPFS, {"/a", "/a:mode=0755"}, {"/a:size=1m,ro", "/a:size=1m,ro"}, {"/a:x=b:c", "/a:x=b:c"}, {"a", NULL});
}

static void inaccessible_paths(void **state)
{
        CHECK(MOUNTS, INACCESSIBLE, {"/a", "/a"}, {"/a:b", "/a:b"}, {"a", NULL});
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(binds_have_up_to_three_parts),
                        cmocka_unit_test(a_backslash_takes_a_colon_into_the_path),
                        cmocka_unit_test(a_plus_makes_the_source_the_images),
                        cmocka_unit_test(options_are_known_words),
                        cmocka_unit_test(parents_of_the_root_are_refused),
                        cmocka_unit_test(tmpfs_options_are_kept_as_given),
                        cmocka_unit_test(inaccessible_paths),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
