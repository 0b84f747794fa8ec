/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <stdio.h>

#include "sys/copy-private.h"

static void every_pair_is_found_again(void **state)
{
        CopyLinks links = {};
        char path[32];

        for (uint64_t dev = 0; dev < 3; dev++)
                for (uint64_t ino = 1; ino <= 1000; ino++) {
                        snprintf(path, sizeof(path), "%d/%d", (int)dev, (int)ino);
                        copy_links_put(&links, dev, ino * 64, path);
                }
        assert_int_equal(links.n, 3000);
        for (uint64_t dev = 0; dev < 3; dev++)
                for (uint64_t ino = 1; ino <= 1000; ino++) {
                        snprintf(path, sizeof(path), "%d/%d", (int)dev, (int)ino);
                        assert_string_equal(copy_links_get(&links, dev, ino * 64), path);
                }
        copy_links_done(&links);
}

static void what_was_never_put_is_absent(void **state)
{
        CopyLinks links = {};

        assert_null(copy_links_get(&links, 1, 2));
        copy_links_put(&links, 1, 2, "a");
        assert_null(copy_links_get(&links, 2, 1));
        copy_links_done(&links);
}

static void a_later_path_replaces_the_earlier(void **state)
{
        CopyLinks links = {};

        copy_links_put(&links, 1, 2, "a");
        copy_links_put(&links, 1, 2, "b");
        assert_int_equal(links.n, 1);
        assert_string_equal(copy_links_get(&links, 1, 2), "b");
        copy_links_done(&links);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(every_pair_is_found_again),
                        cmocka_unit_test(what_was_never_put_is_absent),
                        cmocka_unit_test(a_later_path_replaces_the_earlier),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
