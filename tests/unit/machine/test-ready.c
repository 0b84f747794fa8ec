/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "base/alloc.h"
#include "base/strv.h"
#include "machine/run-ready.h"

static void assert_programs(const char *inittab, const char *expected)
{
        _cleanup_strv_ char **list = ready_inittab_programs(inittab);
        _cleanup_free_ char *text = list ? strv_join(list, " ") : NULL;

        if (expected)
                assert_string_equal(text, expected);
        else
                assert_null(list);
}

static void what_lasts_is_found_in_both_forms(void **state)
{
        assert_programs("id:2:initdefault:\nsi::sysinit:/etc/init.d/rcS\nl2:2:wait:/etc/init.d/rc 2\n"
                        "1:2345:respawn:/sbin/getty 38400 tty1\n#2:23:respawn:/sbin/mingetty tty2\nx:2:once:/usr/bin/xdm\n",
                        "getty xdm");
        assert_programs("::sysinit:/sbin/openrc sysinit\ntty1::respawn:-/bin/sh "
                        "-l\n::askfirst:@/bin/login\n::shutdown:/bin/umount -a\n",
                        "sh login");
}

static void without_any_there_is_nothing_to_wait_for(void **state)
{
        assert_programs("", NULL);
        assert_programs("::sysinit:/bin/true\nnonsense\n:::\n::respawn:\n", NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(what_lasts_is_found_in_both_forms),
                        cmocka_unit_test(without_any_there_is_nothing_to_wait_for),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
