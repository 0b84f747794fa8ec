/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/plan/build.h"

static int enter_with(const MachineSpec *s, const char *words, MachinePlan *ret, Error *e)
{
        _cleanup_strv_ char **v = strv_split(words, " ");
        _cleanup_(facts_done) HostFacts f;

        assert_true(preset_facts(&f, v));
        return plan_enter(s, &f, ret, e);
}

static void only_the_process_is_made_ready(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(enter_with(&s, "overlay", &p, NULL), 0);
        for (size_t i = 0; i < p.n; i++)
                assert_int_equal(p.items[i].phase, PHASE_PROCESS);
        assert_int_equal(p.namespaces, 0);
}

static void an_init_is_not_started_again(void **state)
{
        _cleanup_spec_ MachineSpec s = {.boot = true};
        _cleanup_(plan_done) MachinePlan p = {};

        spec_mark(&s, SPEC_FIELD_BOOT, "test");
        assert_int_equal(enter_with(&s, "overlay", &p, NULL), 0);
        assert_string_equal(find_op(&p, OP_EXEC)->argv[0], "-bash");
        assert_true(s.boot);
}

static void the_shell_is_the_users(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(enter_with(&s, "overlay busybox", &p, NULL), 0);
        const PlanOp *exec = find_op(&p, OP_EXEC);
        assert_string_equal(exec->path, "/bin/ash");
        assert_string_equal(strv_env_get(exec->env, "SHELL"), "/bin/ash");
        assert_string_equal(exec->alternatives[1], "/bin/sh");
}

static void other_users_get_no_capabilities(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(enter_with(&s, "overlay alice", &p, NULL), 0);
        assert_int_equal(find_op(&p, OP_CAPABILITIES)->value, 0);
        assert_int_equal(find_op(&p, OP_USER)->number, 1000);
}

/* A machine that was started with --drop-capability= or on the host's network must not be left behind by entering it. */
static void whoever_enters_has_no_more_rights_than_the_leader(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(enter_with(&s, "overlay leader", &p, NULL), 0);
        assert_int_equal(find_op(&p, OP_BOUNDING)->value, 0x1f);
        assert_int_equal(find_op(&p, OP_CAPABILITIES)->value, 0x1f);
        assert_non_null(find_op(&p, OP_NO_NEW_PRIVS));
}

static void a_missing_home_is_no_failure_and_a_missing_chdir_is(void **state)
{
        _cleanup_spec_ MachineSpec s = {}, t = {.chdir = strdup("/nowhere")};
        _cleanup_(plan_done) MachinePlan p = {}, q = {};

        assert_int_equal(enter_with(&s, "overlay", &p, NULL), 0);
        assert_true(find_op(&p, OP_CHDIR)->optional);
        spec_mark(&t, SPEC_FIELD_CHDIR, "test");
        assert_int_equal(enter_with(&t, "overlay", &q, NULL), 0);
        assert_false(find_op(&q, OP_CHDIR)->optional);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(only_the_process_is_made_ready),
                        cmocka_unit_test(an_init_is_not_started_again),
                        cmocka_unit_test(the_shell_is_the_users),
                        cmocka_unit_test(other_users_get_no_capabilities),
                        cmocka_unit_test(whoever_enters_has_no_more_rights_than_the_leader),
                        cmocka_unit_test(a_missing_home_is_no_failure_and_a_missing_chdir_is),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
