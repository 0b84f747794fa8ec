/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/hook.h"

static int run_script(char *script, unsigned timeout, char *variable, Error *e)
{
        char *argv[] = {(char *)"sh", (char *)"-c", script, NULL}, *env[] = {(char *)"PATH=/usr/bin:/bin", variable, NULL};
        PlanOp op = {.type = OP_HOOK,
                     .path = (char *)"/bin/sh",
                     .argv = argv,
                     .env = env,
                     .value = timeout,
                     .text = (char *)"prestart",
                     .source = (char *)"{\"id\":\"web\""};

        return hook_run(&op, &(HookState){.status = "creating", .pid = 42, .interrupt = -1}, e);
}

static void a_hook_gets_its_state_and_variables(void **state)
{
        char path[] = "/tmp/test-hook-XXXXXX";
        _cleanup_free_ char *text = NULL, *variable = NULL;
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        close(fd);
        variable = xasprintf("OUT=%s", path);
        assert_int_equal(run_script((char *)"cat >$OUT; pwd >/dev/null", 0, variable, NULL), 0);
        assert_int_equal(file_read_at(AT_FDCWD, path, 1000, &text, NULL), 0);
        unlink(path);
        assert_string_equal(text, "{\"id\":\"web\",\"status\":\"creating\",\"pid\":42}");
}

static void failures_say_what_happened(void **state)
{
        Error e = {};

        assert_int_equal(run_script((char *)"exit 7", 0, NULL, &e), -ECANCELED);
        assert_non_null(strstr(e.message, "exit status 7"));
        assert_int_equal(run_script((char *)"kill -9 $$", 0, NULL, &e), -ECANCELED);
        assert_non_null(strstr(e.message, "signal 9"));
        assert_int_equal(run_script((char *)"sleep 100 & sleep 100", 1, NULL, &e), -ETIMEDOUT);
        PlanOp none = {.type = OP_HOOK,
                       .path = (char *)"/no/such",
                       .argv = (char *[]){(char *)"x", NULL},
                       .text = (char *)"poststop",
                       .source = (char *)"{}"};
        assert_int_equal(hook_run(&none, &(HookState){.status = "stopped", .interrupt = -1}, &e), -ENOENT);
}

static void a_stopped_machine_has_no_pid(void **state)
{
        PlanOp op = {.type = OP_HOOK, .source = (char *)"{\"id\":\"web\""};
        _cleanup_free_ char *text = hook_state_text(&op, &(HookState){.status = "stopped"});

        assert_string_equal(text, "{\"id\":\"web\",\"status\":\"stopped\"}");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(a_hook_gets_its_state_and_variables),
                        cmocka_unit_test(failures_say_what_happened),
                        cmocka_unit_test(a_stopped_machine_has_no_pid),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
