/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "spec/spelling.h"

static void every_field_can_be_written(void **state)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (SpecField f = 0; f < _SPEC_FIELD_MAX; f++) {
                /* Variables of the environment; and what only config.json says. */
                bool found = f == SPEC_FIELD_MANAGER || f == SPEC_FIELD_TMPFS_TMP || f == SPEC_FIELD_SHARED_NAMESPACES ||
                             f == SPEC_FIELD_API_WRITABLE || f == SPEC_FIELD_API_NETWORK || f == SPEC_FIELD_UNLOCKED ||
                             f == SPEC_FIELD_NETWORK_MAC || f == SPEC_FIELD_BUNDLE;
                for (size_t i = 0; i < n; i++)
                        found = found || all[i].field == f;
                if (!found)
                        fail_msg("%s has no spelling", field_row(f)->name);
        }
}

static void no_option_is_spelt_twice(void **state)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++)
                for (size_t k = i + 1; k < n; k++) {
                        assert_false(all[i].long_name && str_eq(all[i].long_name, all[k].long_name));
                        assert_false(all[i].short_name && all[i].short_name == all[k].short_name);
                        assert_false(all[i].key && str_eq(all[i].key, all[k].key));
                }
}

static void options_are_whole(void **state)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++) {
                bool option = all[i].long_name || all[i].short_name;
                assert_true(option == (all[i].uses != 0) && option == (all[i].help != NULL));
                assert_true(!option || (all[i].argument == SPEC_ARGUMENT_NONE) == (all[i].metavar == NULL));
                assert_true(all[i].argument == SPEC_ARGUMENT_REQUIRED || all[i].fixed);
                assert_true((all[i].section == NULL) == (all[i].key == NULL));
        }
}

static void help_lists_what_the_verb_takes(void **state)
{
        _cleanup_buf_ Buf run = {}, shell = {};

        spec_help(&run, SPEC_USE_RUN);
        spec_help(&shell, SPEC_USE_SHELL);
        assert_non_null(strstr(run.data, "  -D --directory=PATH             Use this directory tree as the root\n"));
        assert_non_null(strstr(run.data, "  -U                              Same as --private-users=pick\n"));
        assert_null(strstr(shell.data, "--directory"));
        assert_non_null(strstr(shell.data, "Execution:\n"));
}

static void help_fits_a_terminal(void **state)
{
        _cleanup_buf_ Buf help = {};

        spec_help(&help, SPEC_USE_RUN | SPEC_USE_START | SPEC_USE_SHELL);
        for (const char *line = help.data; *line; line += strcspn(line, "\n") + 1)
                if (strcspn(line, "\n") > 110)
                        fail_msg("too long: %.*s", (int)strcspn(line, "\n"), line);
}

static void choices_are_offered_where_there_are_any(void **state)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++) {
                const char *const *choices = spec_spelling_choices(&all[i]);
                if (str_eq(all[i].long_name, "console"))
                        assert_string_equal(choices[0], "interactive");
                if (str_eq(all[i].long_name, "user") || all[i].argument == SPEC_ARGUMENT_NONE)
                        assert_null(choices);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(every_field_can_be_written), cmocka_unit_test(no_option_is_spelt_twice),
                        cmocka_unit_test(options_are_whole),          cmocka_unit_test(help_lists_what_the_verb_takes),
                        cmocka_unit_test(help_fits_a_terminal),       cmocka_unit_test(choices_are_offered_where_there_are_any),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
