/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <signal.h>

#include "engine/supervise.h"

static EngineResult end(int code, int status, bool pid_namespace, bool killed)
{
        siginfo_t info = {.si_code = code};

        info.si_status = status;
        return supervisor_result(&info, pid_namespace, killed);
}

static void an_exit_keeps_its_status(void **state)
{
        EngineResult r = end(CLD_EXITED, 7, true, false);

        assert_int_equal(r.end, ENGINE_EXITED);
        assert_int_equal(r.status, 7);
}

/* pid_namespaces(7): reboot(2) of the namespace's init shows to its parent as these signals. */
static void sigint_is_poweroff(void **state)
{
        assert_int_equal(end(CLD_KILLED, SIGINT, true, false).end, ENGINE_POWEROFF);
}

static void sighup_is_reboot(void **state)
{
        assert_int_equal(end(CLD_KILLED, SIGHUP, true, false).end, ENGINE_REBOOT);
}

static void without_a_pid_namespace_they_are_signals(void **state)
{
        assert_int_equal(end(CLD_KILLED, SIGINT, false, false).end, ENGINE_SIGNALED);
        assert_int_equal(end(CLD_KILLED, SIGHUP, false, false).end, ENGINE_SIGNALED);
}

static void another_signal_is_told(void **state)
{
        EngineResult r = end(CLD_DUMPED, SIGSEGV, true, false);

        assert_int_equal(r.end, ENGINE_SIGNALED);
        assert_int_equal(r.status, SIGSEGV);
}

static void what_we_killed_was_killed(void **state)
{
        assert_int_equal(end(CLD_KILLED, SIGKILL, true, true).end, ENGINE_KILLED);
}

static void an_exit_while_it_was_to_be_killed_is_an_exit(void **state)
{
        assert_int_equal(end(CLD_EXITED, 0, true, true).end, ENGINE_EXITED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(an_exit_keeps_its_status),
                        cmocka_unit_test(sigint_is_poweroff),
                        cmocka_unit_test(sighup_is_reboot),
                        cmocka_unit_test(without_a_pid_namespace_they_are_signals),
                        cmocka_unit_test(another_signal_is_told),
                        cmocka_unit_test(what_we_killed_was_killed),
                        cmocka_unit_test(an_exit_while_it_was_to_be_killed_is_an_exit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
