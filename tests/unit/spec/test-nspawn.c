/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "spec/nspawn.h"

static int read_text(MachineSpec *s, const char *text, Error *e)
{
        SpecNspawnFile file = {.name = "f", .text = text, .len = strlen(text), .trusted = true};

        return spec_read_nspawn(s, &file, e);
}

static void settings_have_their_file_and_line_as_origin(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_text(&s, "# c\n[Exec]\n\nUser = alice \n", NULL), 0);
        assert_string_equal(s.user, "alice");
        assert_string_equal(s.origin[SPEC_FIELD_USER], "f:4");
}

static void lines_go_on_behind_a_backslash(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_text(&s, "[Exec]\nParameters=a\\\n# comment\nb \"c d\"\n", NULL), 0);
        assert_int_equal(strv_len(s.parameters), 3);
        assert_string_equal(s.parameters[1], "b");
        assert_string_equal(s.parameters[2], "c d");
        assert_string_equal(s.origin[SPEC_FIELD_PARAMETERS], "f:2");
}

static void lists_add_up_and_an_empty_value_empties_them(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_text(&s, "[Exec]\nEnvironment=A=1\nEnvironment=B=2\n", NULL), 0);
        assert_int_equal(strv_len(s.environment), 2);
        assert_int_equal(read_text(&s, "[Exec]\nEnvironment=\n", NULL), 0);
        assert_int_equal(strv_len(s.environment), 0);
        assert_false(spec_is_set(&s, SPEC_FIELD_ENVIRONMENT));
}

static void a_backslash_in_a_word_stays(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_text(&s, "[Exec]\nParameters=grep '\\d'\n", NULL), 0);
        assert_string_equal(s.parameters[1], "\\d");
}

typedef struct Refusal {
        const char *text, *message;
} Refusal;

static void bad_lines_are_refused_with_their_place(void **state)
{
        static const Refusal refusals[] = {
                        {"Boot=yes\n",
                         "f:1: 'Boot=yes' stands before the first section; put [Exec], [Files] or [Network] above it"},
                        {"[Exec\n", "f:1: the section header '[Exec' has no closing bracket"},
                        {"[Service]\n", "f:1: there is no section [Service]; there are [Exec], [Files] and [Network]"},
                        {"[Exec]\nBoot\n", "f:2: 'Boot' is no setting; write Key=Value"},
                        {"[Exec]\nBoot=maybe\n", "f:2: Boot=: 'maybe' is neither yes nor no"},
                        {"[Exec]\nParameters='a\n", "f:2: Parameters=: the quoting in ''a' has no end"},
        };

        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                _cleanup_spec_ MachineSpec s = {};
                Error e = {};
                assert_true(read_text(&s, refusals[i].text, &e) < 0);
                assert_string_equal(e.message, refusals[i].message);
        }
}

static void null_bytes_are_refused(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        SpecNspawnFile file = {.name = "f", .text = "[Exec]\nUser=a\0b\n", .len = 16, .trusted = true};

        assert_int_equal(spec_read_nspawn(&s, &file, NULL), -EINVAL);
}

static void text_ends_at_its_length_not_at_a_terminator(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        SpecNspawnFile file = {.name = "f", .text = "[Exec]\nUser=abcdef", .len = 15, .trusted = true};

        assert_int_equal(spec_read_nspawn(&s, &file, NULL), 0);
        assert_string_equal(s.user, "abc");
}

static void others_sections_and_keys_are_skipped(void **state)
{
        _cleanup_spec_ MachineSpec s = {};

        assert_int_equal(read_text(&s, "[X-Mine]\nAnything=1\n[Exec]\nX-More=2\nBoot=yes\n", NULL), 0);
        assert_true(s.boot);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(settings_have_their_file_and_line_as_origin),
                        cmocka_unit_test(lines_go_on_behind_a_backslash),
                        cmocka_unit_test(lists_add_up_and_an_empty_value_empties_them),
                        cmocka_unit_test(a_backslash_in_a_word_stays),
                        cmocka_unit_test(bad_lines_are_refused_with_their_place),
                        cmocka_unit_test(null_bytes_are_refused),
                        cmocka_unit_test(text_ends_at_its_length_not_at_a_terminator),
                        cmocka_unit_test(others_sections_and_keys_are_skipped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
