/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/notify.h"

static NotifyMessage parse(char *buf)
{
        NotifyMessage m;

        notify_parse(buf, strlen(buf), &m);
        return m;
}

static void ready_is_seen(void **state)
{
        char text[] = "READY=1";

        assert_true(parse(text).ready);
}

static void ready_zero_is_not_ready(void **state)
{
        char text[] = "READY=0\nXREADY=1\nREADY=11";

        assert_false(parse(text).ready);
}

static void status_is_cut_at_the_line(void **state)
{
        char text[] = "STATUS=Starting up\nREADY=1\n";
        NotifyMessage m = parse(text);

        assert_string_equal(m.status, "Starting up");
        assert_true(m.ready);
}

static void without_status_there_is_none(void **state)
{
        char text[] = "STOPPING=1";
        NotifyMessage m = parse(text);

        assert_null(m.status);
        assert_true(m.stopping);
}

static void an_empty_datagram_says_nothing(void **state)
{
        char text[1 + 1] = "";
        NotifyMessage m = parse(text);

        assert_false(m.ready || m.stopping || m.reloading || m.status);
}

static void open_socket(int pair[2])
{
        const int on = 1;

        assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
}

static void the_senders_message_arrives(void **state)
{
        char buf[NOTIFY_SIZE_MAX + 1];
        NotifyMessage m;
        int pair[2];

        open_socket(pair);
        assert_int_equal(write(pair[1], "READY=1", 7), 7);
        assert_int_equal(notify_receive(pair[0], getpid(), buf, &m), 1);
        assert_true(m.ready);
        assert_int_equal(notify_receive(pair[0], getpid(), buf, &m), 0);
        close(pair[0]);
        close(pair[1]);
}

static void anothers_message_is_dropped(void **state)
{
        char buf[NOTIFY_SIZE_MAX + 1];
        NotifyMessage m;
        int pair[2], status;

        open_socket(pair);
        pid_t pid = fork();
        if (pid == 0)
                _exit(write(pair[1], "READY=1", 7) != 7);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(notify_receive(pair[0], getpid(), buf, &m), 0);
        close(pair[0]);
        close(pair[1]);
}

static void a_datagram_that_is_too_long_is_dropped(void **state)
{
        char big[NOTIFY_SIZE_MAX + 1], buf[NOTIFY_SIZE_MAX + 1];
        NotifyMessage m;
        int pair[2];

        open_socket(pair);
        memset(big, '\n', sizeof(big));
        memcpy(big, "READY=1", 7);
        assert_int_equal(write(pair[1], big, sizeof(big)), sizeof(big));
        assert_int_equal(notify_receive(pair[0], getpid(), buf, &m), 0);
        close(pair[0]);
        close(pair[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(ready_is_seen),
                        cmocka_unit_test(ready_zero_is_not_ready),
                        cmocka_unit_test(status_is_cut_at_the_line),
                        cmocka_unit_test(without_status_there_is_none),
                        cmocka_unit_test(an_empty_datagram_says_nothing),
                        cmocka_unit_test(the_senders_message_arrives),
                        cmocka_unit_test(anothers_message_is_dropped),
                        cmocka_unit_test(a_datagram_that_is_too_long_is_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
