/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "engine/console.h"

static void three_within_a_second_escape(void **state)
{
        Escape e = {0};

        assert_false(escape_feed(&e, "\x1d", 1, 1000));
        assert_false(escape_feed(&e, "\x1d", 1, 1000 + USEC_PER_SEC / 2));
        assert_true(escape_feed(&e, "\x1d", 1, 1000 + USEC_PER_SEC));
}

static void three_in_one_read_escape(void **state)
{
        Escape e = {0};

        assert_true(escape_feed(&e, "ls\x1d\x1d\x1d", 5, 1000));
}

static void two_do_not_escape(void **state)
{
        Escape e = {0};

        assert_false(escape_feed(&e, "\x1d\x1d", 2, 1000));
}

static void another_key_between_starts_anew(void **state)
{
        Escape e = {0};

        assert_false(escape_feed(&e, "\x1d\x1dx\x1d\x1d", 5, 1000));
        assert_true(escape_feed(&e, "\x1d", 1, 1000));
}

static void slow_ones_do_not_escape(void **state)
{
        Escape e = {0};

        assert_false(escape_feed(&e, "\x1d\x1d", 2, 1000));
        assert_false(escape_feed(&e, "\x1d", 1, 1001 + USEC_PER_SEC));
}

static void two_and_a_letter_ask_for_power_off_or_reboot(void **state)
{
        Escape e = {0};

        assert_int_equal(escape_feed(&e, "\x1d\x1dp", 3, 1000), ESCAPE_POWEROFF);
        assert_int_equal(escape_feed(&e, "\x1d\x1dr", 3, 1000), ESCAPE_REBOOT);
        assert_int_equal(escape_feed(&e, "\x1dp", 2, 1000), ESCAPE_NONE);
        assert_int_equal(escape_feed(&e, "\x1d\x1d", 2, 1000), ESCAPE_NONE);
        assert_int_equal(escape_feed(&e, "p", 1, 1001 + USEC_PER_SEC), ESCAPE_NONE); /* too late */
}

static void an_escape_is_used_up(void **state)
{
        Escape e = {0};

        assert_true(escape_feed(&e, "\x1d\x1d\x1d", 3, 1000));
        assert_false(escape_feed(&e, "\x1d", 1, 1000));
}

typedef struct Joined { /* a console whose ends are socket pairs, ours being the far sides */
        Console console;
        int master, in, out[2], epoll;
} Joined;

static void join(Joined *j, int log)
{
        int master[2], in[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, master), 0);
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(j->out, O_CLOEXEC | O_NONBLOCK), 0);
        j->epoll = epoll_create1(EPOLL_CLOEXEC);
        console_init(&j->console);
        assert_int_equal(console_open(&j->console, &master[0], in[0], j->out[1], log, j->epoll, 0), 0);
        assert_int_equal(master[0], -1); /* taken */
        j->master = master[1];
        j->in = in[1];
        fd_close(in[0]);
}

static void leave(Joined *j)
{
        console_close(&j->console);
        fd_close(j->master);
        fd_close(j->in);
        fd_close(j->out[0]);
        fd_close(j->out[1]);
        fd_close(j->epoll);
}

static void run_events(Joined *j)
{
        struct epoll_event events[4];

        for (int n; (n = epoll_wait(j->epoll, events, 4, 0)) > 0;)
                for (int i = 0; i < n; i++)
                        console_event(&j->console, (ConsoleEnd)events[i].data.u32, events[i].events);
}

static void what_the_payload_writes_is_shown_and_logged(void **state)
{
        Joined j;
        char text[16] = "", logged[16] = "";
        _cleanup_close_ int log = memfd_create("log", MFD_CLOEXEC);

        join(&j, log);
        assert_int_equal(write(j.master, "hello", 5), 5);
        run_events(&j);
        assert_int_equal(read(j.out[0], text, sizeof(text)), 5);
        assert_string_equal(text, "hello");
        assert_int_equal(pread(log, logged, sizeof(logged), 0), 5);
        assert_string_equal(logged, "hello");
        leave(&j);
}

static void what_is_typed_reaches_the_payload(void **state)
{
        Joined j;
        char text[16] = "";

        join(&j, -1);
        assert_int_equal(write(j.in, "ls\n", 3), 3);
        run_events(&j);
        assert_int_equal(read(j.master, text, sizeof(text)), 3);
        assert_string_equal(text, "ls\n");
        leave(&j);
}

static void the_end_of_input_is_noticed(void **state)
{
        Joined j;

        join(&j, -1);
        j.in = fd_close(j.in);
        run_events(&j);
        assert_true(j.console.in_ended);
        leave(&j);
}

static void output_beyond_a_full_reader_is_not_lost(void **state)
{
        Joined j;
        char block[4096];
        size_t sent = 0, got = 0;

        join(&j, -1);
        memset(block, 'x', sizeof(block));
        fd_nonblock(j.master, true);
        for (ssize_t n; (n = write(j.master, block, sizeof(block))) > 0;) {
                sent += (size_t)n;
                run_events(&j); /* until nobody takes any more */
        }
        for (int idle = 0; idle < 3;) {
                ssize_t n = read(j.out[0], block, sizeof(block));
                if (n > 0)
                        got += (size_t)n;
                idle = n > 0 ? 0 : idle + 1;
                run_events(&j);
        }
        assert_true(sent > 65536); /* more than the pipe holds */
        assert_int_equal(got, sent);
        leave(&j);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(three_within_a_second_escape),
                        cmocka_unit_test(three_in_one_read_escape),
                        cmocka_unit_test(two_do_not_escape),
                        cmocka_unit_test(another_key_between_starts_anew),
                        cmocka_unit_test(slow_ones_do_not_escape),
                        cmocka_unit_test(two_and_a_letter_ask_for_power_off_or_reboot),
                        cmocka_unit_test(an_escape_is_used_up),
                        cmocka_unit_test(what_the_payload_writes_is_shown_and_logged),
                        cmocka_unit_test(what_is_typed_reaches_the_payload),
                        cmocka_unit_test(the_end_of_input_is_noticed),
                        cmocka_unit_test(output_beyond_a_full_reader_is_not_lost),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
