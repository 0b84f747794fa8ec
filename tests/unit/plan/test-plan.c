/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/plan/build.h"

#include <sched.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/str.h"

static MachineSpec everything(void)
{
        MachineSpec s = {};

        spec_set_parameters(&s, (char *[]){"ls", NULL}, "test");
        s.as_pid2 = s.no_new_privileges = true;
        spec_mark(&s, SPEC_FIELD_AS_PID2, "test");
        spec_mark(&s, SPEC_FIELD_NO_NEW_PRIVILEGES, "test");
        return s;
}

static void operations_are_grouped_by_phase(void **state)
{
        _cleanup_spec_ MachineSpec s = everything();
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(build_with(&s, "overlay", &p, NULL), 0);
        for (size_t i = 1; i < p.n; i++)
                assert_true(p.items[i - 1].phase <= p.items[i].phase);
}

static void every_tree_is_attached_once(void **state)
{
        _cleanup_spec_ MachineSpec s = everything();
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(build_with(&s, "overlay", &p, NULL), 0);
        for (int slot = 0; slot < p.n_slots; slot++) {
                int made = 0, attached = 0;
                for (size_t i = 0; i < p.n; i++) {
                        const PlanOp *op = &p.items[i];
                        made += op->slot == slot && op->phase == PHASE_TREES;
                        attached += op->slot == slot && op->phase == PHASE_ROOT;
                }
                assert_int_equal(made, 1);
                assert_int_equal(attached, 1);
        }
}

static void pivot_ends_the_assembly(void **state)
{
        _cleanup_spec_ MachineSpec s = everything();
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(build_with(&s, "overlay", &p, NULL), 0);
        const PlanOp *pivot = find_op(&p, OP_PIVOT);
        assert_int_equal(pivot->phase, PHASE_ROOT);
        assert_true(pivot[1].phase > PHASE_ROOT);
}

static void exec_is_the_end_and_the_stub_just_before(void **state)
{
        _cleanup_spec_ MachineSpec s = everything();
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(build_with(&s, "directory", &p, NULL), 0);
        assert_int_equal(p.items[p.n - 1].type, OP_EXEC);
        assert_int_equal(p.items[p.n - 2].type, OP_STUB_INIT);
}

/* Loading a filter needs rights or no_new_privs; giving rights up is an allowed call. */
static void the_filter_is_loaded_before_rights_go(void **state)
{
        _cleanup_spec_ MachineSpec s = everything();
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(build_with(&s, "directory", &p, NULL), 0);
        const PlanOp *seccomp = find_op(&p, OP_SECCOMP);
        assert_true(seccomp < find_op(&p, OP_BOUNDING));
        assert_true(find_op(&p, OP_BOUNDING) < find_op(&p, OP_USER));
        assert_true(find_op(&p, OP_USER) < find_op(&p, OP_CAPABILITIES));
}

static void no_failure_leaves_a_plan(void **state)
{
        _cleanup_spec_ MachineSpec s = {};
        MachinePlan p = {};
        Error e = {};

        s.boot = true;
        spec_mark(&s, SPEC_FIELD_BOOT, "test");
        assert_true(build_with(&s, "directory", &p, &e) < 0);
        assert_null(p.items);
        assert_string_not_equal(e.message, "");
}

static void members_that_are_not_set_do_not_count(void **state)
{
        _cleanup_spec_ MachineSpec s = {.users = SPEC_USERS_NO, .network = SPEC_NETWORK_HOST};
        _cleanup_(plan_done) MachinePlan p = {};

        assert_int_equal(build_with(&s, "directory", &p, NULL), 0);
        assert_true(p.user_namespace);
        assert_true(p.namespaces & CLONE_NEWNET);
}

static void a_command_is_killed_and_a_child_of_the_stub_is_asked(void **state)
{
        _cleanup_spec_ MachineSpec s = {}, stub = everything();
        _cleanup_(plan_done) MachinePlan p = {}, q = {};

        assert_int_equal(build_with(&s, "directory", &p, NULL), 0);
        assert_int_equal(p.stop_signal, 0);
        assert_int_equal(build_with(&stub, "directory", &q, NULL), 0);
        assert_int_equal(q.stop_signal, SIGTERM);
}

static void every_operation_prints(void **state)
{
        for (PlanOpType t = 0; t < _OP_TYPE_MAX; t++)
                if (!plan_op_name(t))
                        fail_msg("operation %d has no name", t);
}

static void text_and_json_show_the_same_operations(void **state)
{
        _cleanup_spec_ MachineSpec s = everything();
        _cleanup_(plan_done) MachinePlan p = {};
        Json j = {};
        size_t lines = 0, objects = 0;

        assert_int_equal(build_with(&s, "overlay", &p, NULL), 0);
        _cleanup_free_ char *text = plan_to_text(&p);
        plan_to_json(&p, &j);
        for (const char *c = strstr(text, "\ntrees\n"); *c; c++)
                lines += c[0] == '\n' && c[1] == ' ' && c[2] == ' ' && c[3] != ' ';
        for (const char *c = j.out.data; (c = strstr(c, "\"op\":")); c++)
                objects++;
        buf_done(&j.out);
        assert_int_equal(lines, p.n);
        assert_int_equal(objects, p.n);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(operations_are_grouped_by_phase),
                        cmocka_unit_test(every_tree_is_attached_once),
                        cmocka_unit_test(pivot_ends_the_assembly),
                        cmocka_unit_test(exec_is_the_end_and_the_stub_just_before),
                        cmocka_unit_test(the_filter_is_loaded_before_rights_go),
                        cmocka_unit_test(no_failure_leaves_a_plan),
                        cmocka_unit_test(members_that_are_not_set_do_not_count),
                        cmocka_unit_test(a_command_is_killed_and_a_child_of_the_stub_is_asked),
                        cmocka_unit_test(every_operation_prints),
                        cmocka_unit_test(text_and_json_show_the_same_operations),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
