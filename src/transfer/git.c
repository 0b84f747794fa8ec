/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/git.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define TALK_MAX (64U * 1024)

/* It never asks anybody, and takes no settings of a user: what a server sends must not choose programs. A proxy is the caller's. */
static char **make_environment(void)
{
        static const char *const passed[] = {"http_proxy",  "https_proxy",   "no_proxy",    "all_proxy",
                                             "HTTPS_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"};
        char **env = NULL;

        strv_push(&env, "LC_ALL=C");
        strv_push(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
        strv_push(&env, "HOME=/nonexistent");
        strv_push(&env, "GIT_TERMINAL_PROMPT=0");
        strv_push(&env, "GIT_CONFIG_NOSYSTEM=1");
        strv_push(&env, "GIT_SSH_COMMAND=ssh -oBatchMode=yes");
        for (size_t i = 0; i < ELEMENTSOF(passed); i++) {
                const char *value = getenv(passed[i]);
                if (value)
                        strv_pushf(&env, "%s=%s", passed[i], value);
        }
        return env;
}

static int spawn(char *const *argv, int talk, pid_t *ret)
{
        _cleanup_strv_ char **env = make_environment();
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r != 0)
                return -r;
        r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        for (int fd = 1; r == 0 && fd <= 2; fd++)
                r = posix_spawn_file_actions_adddup2(&actions, talk, fd);
        if (r == 0)
                r = posix_spawnp(ret, "git", &actions, NULL, argv, env);
        (void)posix_spawn_file_actions_destroy(&actions);
        return -r;
}

/* What is fatal is why, with advice behind it; else what it said last. */
static char *why_not(int talk)
{
        _cleanup_free_ char *text = NULL;

        if (lseek(talk, 0, SEEK_SET) < 0 || file_read_fd(talk, TALK_MAX, &text, NULL) < 0)
                return NULL;
        char *line = str_strip(text), *fatal = strstr(line, "fatal: "), *newline = strrchr(line, '\n');
        if (fatal)
                return xstrndup(fatal + 7, strcspn(fatal + 7, "\n"));
        return xstrdup(newline ? newline + 1 : line);
}

static int run(const char *const *argv, const char *url, Error *e)
{
        _cleanup_close_ int talk = memfd_create("git", MFD_CLOEXEC);
        pid_t pid;
        int status, r = talk < 0 ? -errno : spawn((char *const *)argv, talk, &pid);

        if (r == -ENOENT)
                return error_set(e, r, "git is not installed, which fetches '%s'; install it, or name a directory", url);
        if (r < 0)
                return error_sys(e, r, "cannot run git");
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for git");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        _cleanup_free_ char *why = why_not(talk);
        return error_set(e, -EREMOTEIO, "git cannot fetch '%s': %s", url, why && *why ? why : "it was killed");
}

static int clone_into(const char *url, const char *dir, Error *e)
{
        _cleanup_free_ char *parent = path_dirname(dir), *part = xasprintf("%s/.#%s", parent, path_basename(dir));
        const char *const argv[] = {"git", "clone", "--quiet", "--depth=1", "--no-tags", "--", url, part, NULL};
        int r = file_mkdir_p(parent, 0755);

        if (r < 0)
                return error_sys(e, r, "cannot make '%s'", parent);
        (void)file_remove_tree_at(AT_FDCWD, part);
        r = run(argv, url, e);
        if (r >= 0 && rename(part, dir) < 0)
                r = error_sys(e, -errno, "cannot put '%s' in its place", dir);
        if (r < 0)
                (void)file_remove_tree_at(AT_FDCWD, part);
        return r;
}

static int update(const char *url, const char *dir, Error *e)
{
        const char *const fetch[] = {"git", "-C", dir, "fetch", "--quiet", "--depth=1", "--no-tags", "--", url, "HEAD", NULL};
        const char *const reset[] = {"git", "-C", dir, "reset", "--quiet", "--hard", "FETCH_HEAD", NULL};
        int r = run(fetch, url, e);

        return r < 0 ? r : run(reset, url, e);
}

int git_fetch(const char *url, const char *dir, const Events *ev, Error *e)
{
        _cleanup_free_ char *git = path_join(dir, ".git");
        Error why = {0};

        events_step(ev, "Fetching %s", url);
        if (access(git, F_OK) < 0)
                return clone_into(url, dir, e);
        int r = update(url, dir, &why);
        if (r == -ENOENT && e)
                *e = why;
        if (r >= 0 || r == -ENOENT)
                return r;
        events_warning(ev, "%s; '%s' stays as it is", why.message, dir);
        return 0;
}
