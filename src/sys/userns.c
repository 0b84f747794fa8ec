/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/macro.h"
#include "base/str.h"
#include "base/strv.h"

#define MAP_MAX 65536

/* ---- newuidmap(1), newgidmap(1) ---- */

typedef struct Helper {
        pid_t pid;
        int go, said; /* it waits for a byte from the first, and complains into the second */
} Helper;

static char **helper_arguments(const char *program, pid_t pid, const SysIdRange *ranges, size_t n)
{
        char **argv = NULL;

        strv_push(&argv, program);
        strv_pushf(&argv, "%d", pid);
        for (size_t i = 0; i < n; i++) {
                strv_pushf(&argv, "%u", ranges[i].inside);
                strv_pushf(&argv, "%u", ranges[i].outside);
                strv_pushf(&argv, "%u", ranges[i].count);
        }
        return argv;
}

/* Forked before the caller leaves: the program's set-user-ID bit, or its capabilities, count only in the namespace it was installed for. */
static _noreturn_ void run_helper(char **argv, int go, int said)
{
        char byte;
        ssize_t n;

        while ((n = read(go, &byte, 1)) < 0 && errno == EINTR)
                ;
        if (n != 1)
                _exit(EXIT_FAILURE);
        (void)dup2(said, STDERR_FILENO);
        (void)dup2(said, STDOUT_FILENO);
        execv(argv[0], argv);
        dprintf(STDERR_FILENO, "%s\n", strerror(errno));
        _exit(127);
}

static int helper_fork(Helper *h, const char *program, const SysIdRange *ranges, size_t n)
{
        _cleanup_strv_ char **argv = helper_arguments(program, getpid(), ranges, n);
        int go[2], said[2];

        if (pipe2(go, O_CLOEXEC) < 0)
                return -errno;
        if (pipe2(said, O_CLOEXEC) < 0) {
                fd_close(go[0]);
                fd_close(go[1]);
                return -errno;
        }
        h->pid = fork();
        if (h->pid == 0) {
                fd_close(go[1]);
                run_helper(argv, go[0], said[1]);
        }
        h->go = go[1];
        h->said = said[0];
        fd_close(go[0]);
        fd_close(said[1]);
        return h->pid < 0 ? -errno : 0;
}

static int helper_finish(Helper *h, const char *program, Error *e)
{
        char text[512];
        int status;

        int r = fd_write_all(h->go, "", 1);
        if (r < 0)
                return error_sys(e, r, "cannot start '%s'", program);
        ssize_t n = fd_read_full(h->said, text, sizeof(text) - 1);
        text[MAX(n, 0)] = '\0';
        text[strcspn(text, "\n")] = '\0';
        while (waitpid(h->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for '%s'", program);
        h->pid = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        return error_set(e, -EPERM, "'%s' failed: %s", program, *text ? text : "it does not say why");
}

static void helper_done(Helper *h)
{
        if (h->pid > 0) {
                (void)kill(h->pid, SIGKILL);
                (void)waitpid(h->pid, NULL, 0);
        }
        h->go = fd_close(h->go);
        h->said = fd_close(h->said);
}

/* ---- entering ---- */

#define WAYS_OUT                                                                                                         \
        "machines of ordinary users need it. See sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone and " \
        "kernel.apparmor_restrict_unprivileged_userns, or run berth with sudo"

static int unshare_both(Error *e)
{
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return error_set(e, -errno, "cannot make a user namespace (%s): " WAYS_OUT, strerror(errno));
        return 0;
}

static int write_own(const char *file, const SysIdRange *range)
{
        _cleanup_free_ char *line = xasprintf("%u %u 1\n", range->inside, range->outside);

        return file_write_at(AT_FDCWD, file, line, 0);
}

static int enter_alone(const SysIdMaps *maps, Error *e)
{
        int r = unshare_both(e);
        if (r < 0)
                return r;
        r = file_write_at(AT_FDCWD, "/proc/self/setgroups", "deny", 0); /* Linux 3.19: before gid_map, or that is refused */
        if (r >= 0)
                r = write_own("/proc/self/uid_map", maps->uids);
        if (r >= 0)
                r = write_own("/proc/self/gid_map", maps->gids);
        return r < 0 ? error_set(e, r, "cannot map the own IDs into a user namespace (%s): " WAYS_OUT, strerror(-r)) : 0;
}

static int enter_helped(const SysIdMaps *maps, const SysMapHelpers *programs, Error *e)
{
        _cleanup_(helper_done) Helper uids = {.go = -1, .said = -1};
        _cleanup_(helper_done) Helper gids = {.go = -1, .said = -1};
        int r = helper_fork(&uids, programs->newuidmap, maps->uids, maps->n_uids);

        if (r >= 0)
                r = helper_fork(&gids, programs->newgidmap, maps->gids, maps->n_gids);
        if (r < 0)
                return error_sys(e, r, "cannot start '%s'", programs->newuidmap);
        r = unshare_both(e);
        if (r >= 0)
                r = helper_finish(&uids, programs->newuidmap, e);
        return r < 0 ? r : helper_finish(&gids, programs->newgidmap, e);
}

int sys_userns_enter(const SysIdMaps *maps, const SysMapHelpers *helpers, Error *e)
{
        return helpers ? enter_helped(maps, helpers, e) : enter_alone(maps, e);
}

bool sys_userns_can_enter(void)
{
        int status;
        pid_t pid = fork();

        if (pid == 0)
                _exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0);
        return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int sys_userns_join_parent(pid_t pid, Error *e)
{
        _cleanup_free_ char *path = xasprintf("/proc/%d/ns/user", pid);
        _cleanup_close_ int own = open(path, O_RDONLY | O_CLOEXEC);
        if (own < 0)
                return error_sys(e, -errno, "cannot open '%s'", path);
        _cleanup_close_ int parent = ioctl(own, NS_GET_PARENT);
        if (parent < 0 || setns(parent, CLONE_NEWUSER) < 0)
                return error_sys(e, -errno, "cannot join the user namespace around process %d", pid);
        return 0;
}

/* ---- reading ---- */

int sys_userns_read_map(const char *file, SysIdRange **ret, size_t *ret_n)
{
        struct {
                SysIdRange *items;
                size_t n;
        } v = {};
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(AT_FDCWD, file, MAP_MAX, &text, NULL);

        if (r < 0)
                return r;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                SysIdRange range;
                if (sscanf(line, "%u %u %u", &range.inside, &range.outside, &range.count) == 3)
                        *vec_push(&v) = range;
        }
        *ret = v.items;
        *ret_n = v.n;
        return 0;
}

bool sys_userns_is_initial(void)
{
        static int initial = -1; /* asked once, and not before a process has moved where it stays */
        _cleanup_free_ SysIdRange *map = NULL;
        size_t n = 0;

        if (initial < 0)
                initial = sys_userns_read_map("/proc/self/uid_map", &map, &n) < 0 ||
                          (n == 1 && map[0].inside == 0 && map[0].outside == 0 && map[0].count == UINT32_MAX);
        return initial;
}
