/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/verb.h"

static void every_verb_has_a_name_and_help(void **state)
{
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                assert_non_null(verbs[id].name);
                assert_non_null(verbs[id].help);
                assert_true(verbs[id].min <= verbs[id].max);
                assert_int_equal(verb_find(verbs[id].name), id);
        }
}

static void a_verb_with_words_says_which(void **state)
{
        for (VerbId id = 0; id < _VERB_MAX; id++)
                assert_true((verbs[id].max > 0) == (verbs[id].arguments != NULL));
}

static void every_option_belongs_to_a_verb(void **state)
{
        bool used[_OPTION_MAX] = {[OPTION_HELP] = true};
        for (VerbId id = 0; id < _VERB_MAX; id++)
                for (size_t i = 0; i < ELEMENTSOF(verbs[id].options); i++)
                        used[verbs[id].options[i]] = true;
        for (size_t i = 0; i < ELEMENTSOF(verb_nspawn.options); i++)
                used[verb_nspawn.options[i]] = true;
        for (size_t i = 0; i < ELEMENTSOF(verb_machinectl.options); i++)
                used[verb_machinectl.options[i]] = true;
        for (OptionId o = 0; o < _OPTION_MAX; o++)
                assert_true(used[o]);
}

static void every_option_can_be_written_and_taken(void **state)
{
        for (OptionId o = 0; o < _OPTION_MAX; o++) {
                assert_true(option_rows[o].option.long_name || option_rows[o].option.short_name);
                assert_non_null(option_rows[o].option.help);
                assert_non_null(option_rows[o].take);
        }
}

static void synonyms_are_found(void **state)
{
        assert_int_equal(verb_find("stop"), VERB_POWEROFF);
        assert_int_equal(verb_find("exec"), VERB_SHELL);
        assert_int_equal(verb_find("list-images"), VERB_LIST_IMAGES);
        assert_int_equal(verb_find("nothing"), _VERB_INVALID);
}

static void a_typing_error_has_a_nearest_verb(void **state)
{
        assert_string_equal(verb_nearest("strat"), "start");
        assert_string_equal(verb_nearest("snap"), "snapshot");
        assert_null(verb_nearest("xyzzyxyzzy"));
}

static void values_reach_their_members(void **state)
{
        Options o;
        options_init(&o);
        assert_true(o.timeout_usec == USEC_INFINITY);
        assert_int_equal(option_take(&o, OPTION_TIMEOUT, "90", NULL), 0);
        assert_true(o.timeout_usec == 90 * USEC_PER_SEC);
        assert_int_equal(option_take(&o, OPTION_INCLUDE, "a,b", NULL), 0);
        assert_int_equal(option_take(&o, OPTION_INCLUDE, "c", NULL), 0);
        assert_int_equal(strv_len(o.include), 3);
        assert_int_equal(option_take(&o, OPTION_JSON, "pretty", NULL), 0);
        assert_int_equal(o.json, FORMAT_PRETTY);
        assert_int_equal(option_take(&o, OPTION_VERIFY, "no", NULL), 0);
        assert_int_equal(o.verify, 2);
        options_done(&o);
}

static void a_wrong_value_is_answered_with_the_right_ones(void **state)
{
        Options o;
        Error e = {0};
        options_init(&o);
        assert_true(option_take(&o, OPTION_JSON, "xml", &e) < 0);
        assert_string_equal(e.message, "'xml' is no value for --json: there are short, pretty, off");
        options_done(&o);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(every_verb_has_a_name_and_help),
                        cmocka_unit_test(a_verb_with_words_says_which),
                        cmocka_unit_test(every_option_belongs_to_a_verb),
                        cmocka_unit_test(every_option_can_be_written_and_taken),
                        cmocka_unit_test(synonyms_are_found),
                        cmocka_unit_test(a_typing_error_has_a_nearest_verb),
                        cmocka_unit_test(values_reach_their_members),
                        cmocka_unit_test(a_wrong_value_is_answered_with_the_right_ones),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
