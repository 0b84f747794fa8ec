/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "spec/nspawn.h"

static MachineSpec from_text(const char *text)
{
        MachineSpec s = {};
        SpecNspawnFile file = {.name = "f", .text = text, .len = strlen(text), .trusted = true};
        Error e = {};

        if (spec_read_nspawn(&s, &file, &e) < 0)
                fail_msg("%s", e.message);
        return s;
}

static void nothing_is_set_at_first(void **state)
{
        MachineSpec s;

        spec_init(&s);
        for (SpecField f = 0; f < _SPEC_FIELD_MAX; f++)
                assert_false(spec_is_set(&s, f));
}

static void what_the_upper_layer_sets_wins(void **state)
{
        _cleanup_spec_ MachineSpec base = from_text("[Exec]\nUser=a\nHostname=h\n"), over = from_text("[Exec]\nUser=b\n");

        spec_merge(&base, &over);
        assert_string_equal(base.user, "b");
        assert_string_equal(base.hostname, "h");
}

static void merging_empties_the_upper_layer(void **state)
{
        _cleanup_spec_ MachineSpec base = {}, over = from_text("[Exec]\nUser=b\n[Files]\nBind=/a\n");

        spec_merge(&base, &over);
        assert_false(spec_is_set(&over, SPEC_FIELD_USER));
        assert_null(over.user);
        assert_int_equal(over.mounts.n, 0);
}

static void one_mount_above_hides_all_below(void **state)
{
        _cleanup_spec_ MachineSpec base = from_text("[Files]\nBind=/a\nBind=/b\n"),
                                   over = from_text("[Files]\nTemporaryFileSystem=/c\n");

        spec_merge(&base, &over);
        assert_int_equal(base.mounts.n, 1);
        assert_string_equal(base.mounts.items[0].target, "/c");
}

static void a_command_above_hides_boot_below(void **state)
{
        _cleanup_spec_ MachineSpec base = from_text("[Exec]\nBoot=yes\n"), over = {};

        spec_set_parameters(&over, (char *[]){"ls", NULL}, "argument 1");
        spec_merge(&base, &over);
        assert_false(base.boot);
        assert_string_equal(base.parameters[0], "ls");
}

static void dropping_above_hides_keeping_below(void **state)
{
        _cleanup_spec_ MachineSpec base = from_text("[Exec]\nCapability=CAP_SYS_TIME\n"),
                                   over = from_text("[Exec]\nDropCapability=CAP_KILL\n");

        spec_merge(&base, &over);
        assert_int_equal(base.capability, 0);
        assert_int_equal(base.drop_capability, 1 << 5);
}

static void each_limit_stands_alone(void **state)
{
        _cleanup_spec_ MachineSpec base = from_text("[Exec]\nLimitNOFILE=1\nLimitCORE=2\n"),
                                   over = from_text("[Exec]\nLimitCORE=3\n");

        spec_merge(&base, &over);
        assert_int_equal(base.rlimit[7].soft, 1);
        assert_int_equal(base.rlimit[4].soft, 3);
}

static void no_words_are_no_command(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        spec_set_parameters(&s, (char *[]){NULL}, "argument 1");
        assert_false(spec_is_set(&s, SPEC_FIELD_PARAMETERS));
}

static void text_reads_back_to_itself(void **state)
{
        static const char text[] =
                        "[Exec]\nParameters=\"a b\" \"c\"'\"'\"d\"\nEnvironment=\"A=1\"\n\n[Files]\nBind=/a\\:b:/c:rbind,idmap\n";
        _cleanup_spec_ MachineSpec s = from_text(text);
        _cleanup_free_ char *out = spec_to_nspawn(&s);

        assert_string_equal(out, text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(nothing_is_set_at_first),          cmocka_unit_test(what_the_upper_layer_sets_wins),
                        cmocka_unit_test(merging_empties_the_upper_layer),  cmocka_unit_test(one_mount_above_hides_all_below),
                        cmocka_unit_test(a_command_above_hides_boot_below), cmocka_unit_test(dropping_above_hides_keeping_below),
                        cmocka_unit_test(each_limit_stands_alone),          cmocka_unit_test(no_words_are_no_command),
                        cmocka_unit_test(text_reads_back_to_itself),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
