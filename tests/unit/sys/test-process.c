/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "sys/process-private.h"
#include "sys/process.h"

static pid_t child_that(void (*f)(void *), void *arg, int *ret_pidfd)
{
        pid_t pid = sys_clone(0, -1, ret_pidfd);

        assert_true(pid >= 0);
        if (pid == 0) {
                f(arg);
                _exit(0);
        }
        return pid;
}

static void leave(void *arg)
{
        _exit(*(int *)arg);
}

static void sleep_on(void *arg)
{
        for (;;)
                pause();
}

static void the_exit_status_comes_by_pidfd(void **state)
{
        int status = 42, pidfd = -1;
        siginfo_t si;
        pid_t pid = child_that(leave, &status, &pidfd);

        assert_int_equal(sys_pidfd_wait(pidfd, &si), 0);
        assert_int_equal(si.si_pid, pid);
        assert_int_equal(si.si_code, CLD_EXITED);
        assert_int_equal(si.si_status, 42);
        assert_int_equal(sys_pidfd_wait(pidfd, NULL), -ECHILD);
        close(pidfd);
}

static void a_signal_ends_it_and_it_is_no_longer_alive(void **state)
{
        int pidfd = -1;
        siginfo_t si;

        child_that(sleep_on, NULL, &pidfd);
        assert_true(sys_pidfd_alive(pidfd));
        assert_int_equal(sys_pidfd_send_signal(pidfd, SIGKILL), 0);
        assert_int_equal(sys_pidfd_wait(pidfd, &si), 0);
        assert_int_equal(si.si_code, CLD_KILLED);
        assert_false(sys_pidfd_alive(pidfd));
        assert_int_equal(sys_pidfd_send_signal(pidfd, SIGKILL), -ESRCH);
        close(pidfd);
}

static void without_a_pidfd_it_is_a_fork(void **state)
{
        int status = 7, got = 0;
        pid_t pid = child_that(leave, &status, NULL);

        assert_int_equal(waitpid(pid, &got, 0), pid);
        assert_int_equal(WEXITSTATUS(got), 7);
}

static void impossible_flags_are_refused(void **state)
{
        int pidfd = -1;

        assert_int_equal(sys_clone(UINT64_C(1) << 62, -1, &pidfd), -EINVAL);
        assert_int_equal(pidfd, -1);
}

static void a_process_can_be_opened_by_number(void **state)
{
        _cleanup_close_ int self = sys_pidfd_open(getpid());

        assert_true(self >= 0);
        assert_true(sys_pidfd_alive(self));
        assert_int_equal(sys_pidfd_open(-1), -EINVAL);
}

static void start_times_tell_processes_apart(void **state)
{
        uint64_t mine = 0, again = 0, first = 0;

        assert_int_equal(sys_process_starttime(getpid(), &mine), 0);
        assert_int_equal(sys_process_starttime(getpid(), &again), 0);
        assert_int_equal(mine, again);
        assert_int_equal(sys_process_starttime(1, &first), 0);
        assert_true(first < mine);
        assert_int_equal(sys_process_starttime(0x3fffffff, &first), -ESRCH);
}

static void handle(int sig)
{
        (void)sig;
}

static void a_process_listens_to_what_it_handles_or_blocks(void **state)
{
        sigset_t set, old;

        assert_false(sys_process_listens(getpid(), SIGUSR2));
        signal(SIGUSR2, SIG_IGN);
        assert_false(sys_process_listens(getpid(), SIGUSR2));
        signal(SIGUSR2, handle);
        assert_true(sys_process_listens(getpid(), SIGUSR2));
        signal(SIGUSR2, SIG_DFL);
        assert_false(sys_process_listens(getpid(), SIGRTMIN + 4));
        sigemptyset(&set);
        sigaddset(&set, SIGRTMIN + 4);
        sigprocmask(SIG_BLOCK, &set, &old);
        assert_true(sys_process_listens(getpid(), SIGRTMIN + 4));
        sigprocmask(SIG_SETMASK, &old, NULL);
        assert_false(sys_process_listens(0x3fffffff, SIGUSR2));
}

static void the_boot_id_is_hexadecimal(void **state)
{
        char a[33], b[33];

        assert_int_equal(sys_boot_id(a), 0);
        assert_int_equal(sys_boot_id(b), 0);
        assert_true(str_is_hex(a, 32));
        assert_string_equal(a, b);
}

typedef struct Closing {
        int fds[6];
        int (*f)(unsigned first, const int *keep, size_t n);
} Closing;

static void close_but_three(void *arg)
{
        const Closing *c = arg;
        const int *fds = c->fds;
        int keep[] = {fds[1], fds[3], fds[4]};

        if (c->f((unsigned)fds[0], keep, 3) < 0)
                _exit(100);
        for (int i = 0; i < 6; i++)
                if ((fcntl(fds[i], F_GETFD) >= 0) != (i == 1 || i == 3 || i == 4))
                        _exit(i + 1);
        _exit(fcntl(fds[0] - 1, F_GETFD) >= 0 ? 0 : 101);
}

static void assert_closes_all_but_the_kept(int (*f)(unsigned first, const int *keep, size_t n))
{
        Closing c = {.f = f};
        int pidfd = -1, last = open("/dev/null", O_RDONLY);
        siginfo_t si;

        for (int i = 0; i < 6; i++)
                c.fds[i] = fcntl(last, F_DUPFD, 200 + 2 * i);
        assert_int_equal(dup2(last, c.fds[0] - 1), c.fds[0] - 1);
        child_that(close_but_three, &c, &pidfd);
        assert_int_equal(sys_pidfd_wait(pidfd, &si), 0);
        assert_int_equal(si.si_status, 0);
        for (int i = 0; i < 6; i++)
                close(c.fds[i]);
        close(c.fds[0] - 1);
        close(last);
        close(pidfd);
}

static void all_descriptors_but_the_kept_are_closed(void **state)
{
        assert_closes_all_but_the_kept(sys_close_all_fds);
}

static void without_close_range_too(void **state)
{
        assert_closes_all_but_the_kept(close_listed_fds);
}

static void descriptors_travel_with_a_message(void **state)
{
        int pair[2], p[2], got[4], n_got;
        size_t n = 0;
        char text[16] = "", c = 0;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(pipe(p), 0);
        assert_int_equal(sys_send_fds(pair[0], "hello", 5, p, 2), 0);
        assert_int_equal(sys_recv_fds(pair[1], text, sizeof(text), got, 4, &n), 5);
        n_got = (int)n;
        assert_int_equal(n_got, 2);
        assert_string_equal(text, "hello");
        assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
        assert_int_equal(write(got[1], "x", 1), 1);
        assert_int_equal(read(p[0], &c, 1), 1);
        assert_int_equal(c, 'x');
        const int all[] = {pair[0], pair[1], p[0], p[1], got[0], got[1]};
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                close(all[i]);
}

static void descriptors_without_room_are_closed_and_reported(void **state)
{
        int pair[2], p[2], got[1] = {-1};
        size_t n = 0;
        char c;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        assert_int_equal(pipe(p), 0);
        assert_int_equal(sys_send_fds(pair[0], "x", 1, p, 2), 0);
        close(p[1]);
        assert_int_equal(sys_recv_fds(pair[1], &c, 1, got, 1, &n), -EMSGSIZE);
        assert_int_equal(read(p[0], &c, 1), 0); /* end of file: no writing end was kept */
        const int all[] = {pair[0], pair[1], p[0]};
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                close(all[i]);
}

static void a_message_needs_a_byte_and_a_reader(void **state)
{
        int pair[2], fd = 0;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(sys_send_fds(pair[0], "", 0, &fd, 1), -EINVAL);
        close(pair[1]);
        assert_int_equal(sys_send_fds(pair[0], "x", 1, NULL, 0), -EPIPE);
        close(pair[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test(the_exit_status_comes_by_pidfd),
                        cmocka_unit_test(a_signal_ends_it_and_it_is_no_longer_alive),
                        cmocka_unit_test(without_a_pidfd_it_is_a_fork),
                        cmocka_unit_test(impossible_flags_are_refused),
                        cmocka_unit_test(a_process_can_be_opened_by_number),
                        cmocka_unit_test(start_times_tell_processes_apart),
                        cmocka_unit_test(a_process_listens_to_what_it_handles_or_blocks),
                        cmocka_unit_test(the_boot_id_is_hexadecimal),
                        cmocka_unit_test(all_descriptors_but_the_kept_are_closed),
                        cmocka_unit_test(without_close_range_too),
                        cmocka_unit_test(descriptors_travel_with_a_message),
                        cmocka_unit_test(descriptors_without_room_are_closed_and_reported),
                        cmocka_unit_test(a_message_needs_a_byte_and_a_reader),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
