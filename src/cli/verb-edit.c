/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"

#define SETTINGS_MAX (1024 * 1024)

static int read_settings(const char *path, char **ret, size_t *ret_len, Error *e)
{
        int r = file_read_at(AT_FDCWD, path, SETTINGS_MAX, ret, ret_len);
        return r < 0 ? error_sys(e, r, "cannot read '%s'", path) : 0;
}

static int cat_one(Cli *c, const char *name, Error *e)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_buf_ Buf b = {0};
        size_t len;
        int r = machine_settings_path(&c->host, name, &path, e);
        if (r >= 0 && !path)
                return error_set(e, -ENOENT, "machine '%s' has no settings file; 'berth edit %s' makes one", name, name);
        if (r >= 0)
                r = read_settings(path, &text, &len, e);
        if (r < 0)
                return r;
        buf_addf(&b, "%s# %s\n", c->printed++ ? "\n" : "", path);
        buf_append(&b, text, len);
        if (len && text[len - 1] != '\n')
                buf_adds(&b, "\n");
        return cli_print(&b, e);
}

int cli_cat(Cli *c, Error *e)
{
        return cli_each(c, cat_one);
}

/* ---- edit ---- */

/* The order of systemctl(1); a variable may hold options, too. */
static char **editor(void)
{
        static const char *const variables[] = {"SYSTEMD_EDITOR", "EDITOR", "VISUAL"};

        for (size_t i = 0; i < ELEMENTSOF(variables); i++) {
                const char *value = getenv(variables[i]);
                char **words = value ? strv_split(value, " ") : NULL;
                if (words)
                        return words;
        }
        return NULL;
}

static _noreturn_ void exec_editor(const char *path)
{
        static const char *const fallback[] = {"editor", "nano", "vim", "vi"};
        _cleanup_strv_ char **words = editor();

        strv_push(&words, path);
        if (words[1]) {
                execvp(words[0], words);
                fprintf(stderr, "berth: cannot execute '%s'\n", words[0]);
        } else {
                for (size_t i = 0; i < ELEMENTSOF(fallback); i++)
                        execlp(fallback[i], fallback[i], path, NULL);
                fputs("berth: there is no editor; set $EDITOR\n", stderr);
        }
        _exit(EXIT_FAILURE);
}

static int run_editor(const char *path, Error *e)
{
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
                exec_editor(path);
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        if (pid < 0)
                return error_sys(e, -errno, "cannot start an editor");
        return status == 0 ? 0 : error_set(e, -EIO, "the editor failed; nothing was changed");
}

/* Beside the file, hidden, so that it can take its place. 1: there was one that is left from an edit with a mistake. */
static int begin_copy(const char *path, const char *copy, Error *e)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        int r = access(copy, F_OK);

        if (r == 0)
                return 1;
        r = file_read_at(AT_FDCWD, path, SETTINGS_MAX, &text, &len);
        if (r < 0 && r != -ENOENT)
                return error_sys(e, r, "cannot read '%s'", path);
        r = file_write_at(AT_FDCWD, copy, text ?: "", 0644);
        return r < 0 ? error_sys(e, r, "cannot write '%s'", copy) : 0;
}

static int finish_copy(Cli *c, const char *path, const char *copy, Error *e)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        struct stat st;
        int r = read_settings(copy, &text, &len, e);

        if (r < 0)
                return r;
        if (strspn(text, " \t\n") == len && stat(path, &st) < 0) { /* nothing was written into a new one */
                (void)unlink(copy);
                return 0;
        }
        r = machine_settings_check(&c->host, copy, text, len, e);
        if (r < 0)
                return error_prefix(e, r, "nothing was changed; edit it again, or remove '%s'", copy);
        return rename(copy, path) < 0 ? error_sys(e, -errno, "cannot write '%s'", path) : 0;
}

static int edit_one(Cli *c, const char *name, Error *e)
{
        _cleanup_free_ char *path = NULL;
        int r = machine_settings_path(&c->host, name, &path, e);
        if (r >= 0 && !path)
                r = machine_settings_new(&c->host, name, &path, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *copy = xasprintf("%s.edit", path);
        r = begin_copy(path, copy, e);
        bool kept = r > 0;
        if (r >= 0)
                r = run_editor(copy, e);
        if (r >= 0)
                return finish_copy(c, path, copy, e);
        if (!kept)
                (void)unlink(copy);
        return r;
}

int cli_edit(Cli *c, Error *e)
{
        return cli_each(c, edit_one);
}
