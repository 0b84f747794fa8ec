/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store/store-scratch.h"

#include <errno.h>

#include "store/names.h"

static void machine_names_are_host_names(void **state)
{
        assert_int_equal(name_check_machine("web-1.example", NULL), 0);
        assert_int_equal(name_check_machine("a/b", NULL), -EINVAL);
        assert_int_equal(name_check_machine("..", NULL), -EINVAL);
        assert_int_equal(name_check_machine("", NULL), -EINVAL);
}

static void no_name_ends_like_the_entry_of_another(void **state)
{
        static const char *const names[] = {"web.mstack", "web.raw", "web.v", "web.nspawn"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(name_check_machine(names[i], NULL), -EINVAL);
                assert_int_equal(name_check_image(names[i], NULL), -EINVAL);
                assert_int_equal(name_check_snapshot(names[i], NULL), -EINVAL);
        }
}

static void the_nearest_name_is_found(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);

        assert_int_equal(file_mkdir_p_at(s->root_fd, "webserver", 0755), 0);
        assert_int_equal(file_mkdir_p_at(s->root_fd, "mail.mstack/layer@0", 0755), 0);
        _cleanup_free_ char *swapped = name_nearest(s, "mial"), *longer = name_nearest(s, "webserver2"),
                            *none = name_nearest(s, "db");
        assert_string_equal(swapped, "mail");
        assert_string_equal(longer, "webserver");
        assert_null(none);
}

static void a_name_with_two_entries_is_listed_once(void **state)
{
        _cleanup_(store_closep) Store *s = open_store(state);
        StoreImage *v;
        size_t n;

        assert_int_equal(file_mkdir_p_at(s->root_fd, "web", 0755), 0);
        assert_int_equal(file_mkdir_p_at(s->root_fd, "web.mstack/layer@0", 0755), 0);
        assert_int_equal(store_list(s, STORE_MACHINE, &v, &n, NULL), 0);
        assert_int_equal(n, 1);
        assert_int_equal(v[0].driver, STORE_OVERLAY);
        store_images_free(v, n);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(machine_names_are_host_names),
                        cmocka_unit_test(no_name_ends_like_the_entry_of_another),
                        TEST(the_nearest_name_is_found),
                        TEST(a_name_with_two_entries_is_listed_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
