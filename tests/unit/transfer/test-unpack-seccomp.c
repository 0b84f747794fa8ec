/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "transfer/unpack-seccomp.h"
#include "unit/scratch.h"

/* Runs f behind the filter in a process of its own; its value is the exit status. */
static int behind_filter(int (*f)(int dirfd), int dirfd)
{
        int status;
        pid_t pid = fork();

        if (pid == 0) {
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || unpack_seccomp_apply() < 0)
                        _exit(100);
                _exit(f(dirfd));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int write_file(int dirfd)
{
        int fd = openat(dirfd, "f", O_WRONLY | O_CREAT | O_EXCL, 0644);

        if (fd < 0 || write(fd, "x", 1) != 1 || fchmod(fd, 0600) < 0 || close(fd) < 0)
                return 1;
        return mkdirat(dirfd, "d", 0755) < 0 || symlinkat("f", dirfd, "l") < 0 || unlinkat(dirfd, "f", 0) < 0 ? 2 : 0;
}

static int refused(long r)
{
        return r < 0 && errno == ENOSYS ? 0 : 1;
}

static int run_program(int dirfd)
{
        return refused(syscall(SYS_execve, "/bin/true", NULL, NULL));
}

static int open_socket(int dirfd)
{
        return refused(socket(AF_INET, SOCK_STREAM, 0));
}

static int mount_something(int dirfd)
{
        return refused(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL));
}

static int push_to_terminal(int dirfd)
{
        return refused(ioctl(0, TIOCSTI, "x"));
}

static int make_process(int dirfd)
{
        return refused(syscall(SYS_clone, 0, 0, 0, 0, 0));
}

static void lets_files_be_written(void **state)
{
        assert_int_equal(behind_filter(write_file, scratch_fd(state)), 0);
}

static void refuses_everything_else(void **state)
{
        int (*const tries[])(int) = {run_program, open_socket, mount_something, push_to_terminal, make_process};

        for (size_t i = 0; i < ELEMENTSOF(tries); i++)
                assert_int_equal(behind_filter(tries[i], -1), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                        cmocka_unit_test_setup_teardown(lets_files_be_written, scratch_setup, scratch_teardown),
                        cmocka_unit_test(refuses_everything_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
