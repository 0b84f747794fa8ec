/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>

#include "base/str.h"
#include "base/strv.h"
#include "spec/argv.h"

static char *caller_environment[] = {"EDITOR=vi", NULL};

typedef struct Read {
        MachineSpec spec;
        Error e;
        size_t first;
        int r;
} Read;

static void read_done(Read *r)
{
        spec_done(&r->spec);
}

static Read read_words(unsigned uses, char **argv)
{
        Read r = {};
        SpecArgv how = {.uses = uses, .directory = "/cwd", .environment = caller_environment};

        r.r = spec_read_argv(&r.spec, &how, argv, &r.first, &r.e);
        return r;
}

#define READ(...) read_words(SPEC_USE_RUN, (char *[]){__VA_ARGS__, NULL})

static void reading_stops_at_the_first_word_that_is_no_option(void **state)
{
        _cleanup_(read_done) Read r = READ("-b", "ls", "-q");

        assert_int_equal(r.r, 0);
        assert_int_equal(r.first, 1);
        assert_true(r.spec.boot);
        assert_false(r.spec.quiet);
}

static void a_single_dash_is_a_word(void **state)
{
        _cleanup_(read_done) Read r = READ("-q", "-");

        assert_int_equal(r.r, 0);
        assert_int_equal(r.first, 1);
}

static void two_dashes_end_the_options(void **state)
{
        _cleanup_(read_done) Read r = READ("-q", "--", "-b");

        assert_int_equal(r.r, 0);
        assert_int_equal(r.first, 2);
        assert_false(r.spec.boot);
}

static void arguments_come_attached_or_as_the_next_word(void **state)
{
        _cleanup_(read_done) Read r = READ("--user=a", "--hostname", "h", "-Mm", "-D", "/d");

        assert_int_equal(r.r, 0);
        assert_string_equal(r.spec.user, "a");
        assert_string_equal(r.spec.hostname, "h");
        assert_string_equal(r.spec.machine, "m");
        assert_string_equal(r.spec.directory, "/d");
}

static void short_options_can_be_bundled(void **state)
{
        _cleanup_(read_done) Read r = READ("-qbD", "/d", "x");

        assert_int_equal(r.r, 0);
        assert_int_equal(r.first, 2);
        assert_true(r.spec.quiet && r.spec.boot);
        assert_string_equal(r.spec.directory, "/d");
}

static void an_optional_argument_is_never_the_next_word(void **state)
{
        _cleanup_(read_done) Read r = READ("--private-users", "pick");

        assert_int_equal(r.r, 0);
        assert_int_equal(r.first, 1);
        assert_int_equal(r.spec.users, SPEC_USERS_OWNER);
}

static void a_missing_argument_is_said(void **state)
{
        _cleanup_(read_done) Read r = READ("--user");

        assert_int_equal(r.r, -EINVAL);
        assert_string_equal(r.e.message, "option --user needs an argument");
}

static void an_argument_too_many_is_said(void **state)
{
        _cleanup_(read_done) Read r = READ("--boot=yes");

        assert_int_equal(r.r, -EINVAL);
        assert_string_equal(r.e.message, "option --boot takes no argument");
}

static void a_relative_directory_is_the_callers(void **state)
{
        _cleanup_(read_done) Read r = READ("-D", "./tree/");

        assert_int_equal(r.r, 0);
        assert_string_equal(r.spec.directory, "/cwd/tree");
}

static void a_variable_without_a_value_is_the_callers(void **state)
{
        _cleanup_(read_done) Read r = READ("-EEDITOR", "-E", "UNKNOWN");

        assert_int_equal(r.r, 0);
        assert_int_equal(strv_len(r.spec.environment), 1);
        assert_string_equal(r.spec.environment[0], "EDITOR=vi");
}

static void what_is_no_variable_is_refused(void **state)
{
        _cleanup_(read_done) Read r = READ("-E", "1A=2");

        assert_int_equal(r.r, -EINVAL);
}

static void origins_are_argument_numbers(void **state)
{
        _cleanup_(read_done) Read r = READ("-q", "--user", "a");

        assert_string_equal(r.spec.origin[SPEC_FIELD_QUIET], "argument 1");
        assert_string_equal(r.spec.origin[SPEC_FIELD_USER], "argument 3");
}

static void an_option_of_another_verb_is_unknown(void **state)
{
        _cleanup_(read_done) Read r = read_words(SPEC_USE_SHELL, (char *[]){"--boot", NULL});

        assert_int_equal(r.r, -EINVAL);
}

static int take_own(void *ctx, size_t option, const char *value, Error *e)
{
        char ***got = ctx;

        strv_pushf(got, "%zu:%s", option, value ?: "-");
        return str_eq(value, "bad") ? error_set(e, -EINVAL, "not this") : 0;
}

static const SpecOption own[] = {
                {0, "json", SPEC_ARGUMENT_NONE, NULL, "as JSON"},
                {'n', "lines", SPEC_ARGUMENT_REQUIRED, "N", "how many"},
                {0, "color", SPEC_ARGUMENT_OPTIONAL, "WHEN", "colours"},
};

static void own_options_are_handed_over(void **state)
{
        _cleanup_strv_ char **got = NULL;
        SpecArgv how = {.own = own, .n_own = ELEMENTSOF(own), .take = take_own, .ctx = &got};
        MachineSpec s = {};
        size_t first;

        assert_int_equal(spec_read_argv(&s, &how, (char *[]){"--json", "-n5", "--color", "--color=on", "x", NULL}, &first, NULL),
                         0);
        _cleanup_strv_ char **want = strv_split("0:- 1:5 2:- 2:on", " ");
        assert_int_equal(strv_len(got), 4);
        for (size_t i = 0; i < 4; i++)
                assert_string_equal(got[i], want[i]);
}

static void a_refused_own_option_is_named(void **state)
{
        _cleanup_strv_ char **got = NULL;
        SpecArgv how = {.own = own, .n_own = ELEMENTSOF(own), .take = take_own, .ctx = &got};
        MachineSpec s = {};
        Error e = {};
        size_t first;

        assert_int_equal(spec_read_argv(&s, &how, (char *[]){"--lines=bad", NULL}, &first, &e), -EINVAL);
        assert_string_equal(e.message, "--lines: not this");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(reading_stops_at_the_first_word_that_is_no_option),
                        cmocka_unit_test(a_single_dash_is_a_word),
                        cmocka_unit_test(two_dashes_end_the_options),
                        cmocka_unit_test(arguments_come_attached_or_as_the_next_word),
                        cmocka_unit_test(short_options_can_be_bundled),
                        cmocka_unit_test(an_optional_argument_is_never_the_next_word),
                        cmocka_unit_test(a_missing_argument_is_said),
                        cmocka_unit_test(an_argument_too_many_is_said),
                        cmocka_unit_test(a_relative_directory_is_the_callers),
                        cmocka_unit_test(a_variable_without_a_value_is_the_callers),
                        cmocka_unit_test(what_is_no_variable_is_refused),
                        cmocka_unit_test(origins_are_argument_numbers),
                        cmocka_unit_test(an_option_of_another_verb_is_unknown),
                        cmocka_unit_test(own_options_are_handed_over),
                        cmocka_unit_test(a_refused_own_option_is_named),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
