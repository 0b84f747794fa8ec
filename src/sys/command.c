/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/strv.h"

#define NOT_FOUND  127
#define OUTPUT_MAX (64 * 1024 * 1024)

static char **search_path(const char *program)
{
        static const char *const more[] = {"/usr/local/sbin", "/usr/sbin", "/sbin"};
        const char *path = getenv("PATH");
        char **v = NULL;
        _cleanup_strv_ char **dirs = strv_split(path ? path : "", ":");

        if (strchr(program, '/')) {
                strv_push(&v, program);
                return v;
        }
        for (size_t i = 0; i < ELEMENTSOF(more); i++)
                strv_push(&dirs, more[i]);
        STRV_FOREACH (dir, dirs)
                strv_pushf(&v, "%s/%s", *dir, program);
        return v;
}

bool sys_command_exists(const char *program)
{
        _cleanup_strv_ char **paths = search_path(program);

        STRV_FOREACH (path, paths)
                if (access(*path, X_OK) >= 0)
                        return true;
        return false;
}

/* The caller's, with LC_ALL=C. */
static char **environment(void)
{
        char **v = NULL;

        STRV_FOREACH (entry, environ) {
                if (strncmp(*entry, "LC_ALL=", 7) != 0)
                        strv_push(&v, *entry);
        }
        strv_push(&v, "LC_ALL=C");
        return v;
}

_Noreturn static void child(const SysCommand *c, char *const *paths, char *const *env, const int output[2])
{
        sigset_t none;
        int input = c->terminal ? STDIN_FILENO : open("/dev/null", O_RDONLY | O_CLOEXEC);

        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || dup2(input, STDIN_FILENO) < 0 ||
            dup2(c->terminal ? STDERR_FILENO : output[0], STDOUT_FILENO) < 0 ||
            (!c->terminal && dup2(output[1], STDERR_FILENO) < 0))
                _exit(NOT_FOUND - 1);
        for (size_t i = 0; i < c->n_keep; i++)
                if (c->keep[i] >= 0)
                        (void)fcntl(c->keep[i], F_SETFD, 0);
        STRV_FOREACH (path, paths) {
                execve(*path, c->argv, env);
                if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
                        break;
        }
        _exit(NOT_FOUND);
}

static int wait_for(pid_t pid, int *ret_status)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return *ret_status == NOT_FOUND ? -ENOENT : 0;
}

static int read_back(int fd, char **ret)
{
        if (!ret)
                return 0;
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : file_read_fd(fd, OUTPUT_MAX, ret, NULL);
}

int sys_command(const SysCommand *c, char **ret_output, char **ret_errors, int *ret_status)
{
        _cleanup_close_ int out = memfd_create("output", MFD_CLOEXEC), err = memfd_create("errors", MFD_CLOEXEC);
        _cleanup_strv_ char **paths = search_path(c->argv[0]), **env = environment();
        _cleanup_free_ char *output = NULL;

        if (out < 0 || err < 0)
                return -errno;
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child(c, paths, env, (int[]){out, err});
        int r = wait_for(pid, ret_status);
        if (r == 0)
                r = read_back(out, ret_output ? &output : NULL);
        if (r == 0)
                r = read_back(err, ret_errors);
        if (r == 0 && ret_output)
                *ret_output = TAKE_PTR(output);
        return r;
}
