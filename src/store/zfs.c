/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/zfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/command.h"

/* ---- which dataset is where ---- */

/* \040 and the like in /proc/self/mountinfo. */
static char *unescape(const char *s)
{
        char *text = xstrdup(s), *to = text;

        for (const char *from = text; *from; to++) {
                if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
                        *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
                        from += 4;
                } else
                        *to = *from++;
        }
        *to = '\0';
        return text;
}

static bool is_zfs(const char *type)
{
        return str_eq(type, "zfs") || str_eq(type, "fuse.zfs");
}

/* The mount that path lies in, the last one on top of others: true when it is ZFS's. exact: only one at that very path. */
static bool find_mount(const char *path, bool exact, char **ret_dataset, char **ret_at)
{
        _cleanup_free_ char *text = NULL, *dataset = NULL, *at = NULL;
        char *save = NULL;
        bool zfs = false;

        if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", 64 * 1024 * 1024, &text, NULL) < 0)
                return false;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                _cleanup_strv_ char **words = strv_split(line, " ");
                size_t n = strv_len(words), dash = 6;
                while (dash < n && !str_eq(words[dash], "-"))
                        dash++;
                if (dash + 2 >= n)
                        continue;
                _cleanup_free_ char *point = unescape(words[4]);
                if (exact ? !str_eq(point, path) : !path_has_prefix(path, point) || (at && strlen(point) < strlen(at)))
                        continue;
                free(dataset);
                free(at);
                at = TAKE_PTR(point);
                dataset = unescape(words[dash + 2]);
                zfs = is_zfs(words[dash + 1]) && str_eq(words[3], "/");
        }
        if (!zfs)
                return false;
        *ret_dataset = TAKE_PTR(dataset);
        if (ret_at)
                *ret_at = TAKE_PTR(at);
        return true;
}

char *zfs_mounted_at(const char *path)
{
        char *dataset;

        return find_mount(path, true, &dataset, NULL) ? dataset : NULL;
}

/* New machines go below the dataset that is mounted at the store; in one that only holds it, below a child with the name of the store's
 * directory. */
static char *find_parent(const char *root)
{
        _cleanup_free_ char *dataset = NULL, *at = NULL;

        if (!find_mount(root, false, &dataset, &at))
                return NULL;
        return str_eq(root, at) ? TAKE_PTR(dataset) : xasprintf("%s/%s", dataset, path_basename(root));
}

Zfs *zfs_of(Store *s)
{
        if (s->zfs)
                return s->zfs;
        s->zfs = xnew(Zfs, 1);
        *s->zfs = (Zfs){.hold = -1, .work = -1};
        s->zfs->native = access("/sys/module/zfs", F_OK) == 0;
        s->zfs->present = access("/dev/zfs", F_OK) == 0 || access("/run/zfs/zfs_socket", F_OK) == 0;
        s->zfs->root = s->zfs->present ? realpath(s->root, NULL) : NULL;
        if (s->zfs->root)
                s->zfs->parent = find_parent(s->zfs->root);
        else
                s->zfs->present = false;
        return s->zfs;
}

void zfs_done(Zfs *z)
{
        if (!z)
                return;
        zfs_forget_table(z);
        free(z->root);
        free(z->parent);
        strv_free(z->properties);
        free(z);
}

/* ---- the tool ---- */

/* Its first line is the reason, the others are advice for those who typed the command. */
static int failed(Error *e, const char *doing, const char *name, char *words)
{
        words[strcspn(words, "\n")] = '\0';
        int code = strstr(words, "out of space") || strstr(words, "quota exceeded") ? -ENOSPC
                   : strstr(words, "busy")                                          ? -EBUSY
                   : strstr(words, "does not exist")                                ? -ENOENT
                                                                                    : -EIO;
        if (!doing)
                return code;
        return error_set(e, code, "cannot %s '%s': zfs: %s", doing, name, *words ? words : "it failed without a word");
}

int zfs_run_args(Zfs *z, Error *e, const char *doing, const char *name, char *const *args, bool terminal, char **ret_output)
{
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *errors = NULL, *output = NULL;
        int status;

        strv_push(&argv, "zfs");
        strv_extend(&argv, args);
        if (!str_eq(args[0], "get"))
                zfs_forget_table(z);
        int r = sys_command(&(SysCommand){.argv = argv, .keep = (int[]){z->hold, z->work}, .n_keep = 2, .terminal = terminal},
                            &output, &errors, &status);
        if (r == -ENOENT)
                return doing ? error_set(e, -EOPNOTSUPP, "cannot %s '%s': there is no program 'zfs'; install the ZFS utilities",
                                         doing, name)
                             : -EOPNOTSUPP;
        if (r < 0)
                return doing ? error_sys(e, r, "cannot %s '%s': zfs", doing, name) : r;
        if (status != 0)
                return failed(e, doing, name, errors);
        if (ret_output)
                *ret_output = TAKE_PTR(output);
        return 0;
}

static char **collect(va_list ap)
{
        char **args = NULL;

        for (const char *arg; (arg = va_arg(ap, const char *));)
                strv_push(&args, arg);
        return args;
}

int zfs_run(Zfs *z, Error *e, const char *doing, const char *name, ...)
{
        va_list ap;

        va_start(ap, name);
        _cleanup_strv_ char **args = collect(ap);
        va_end(ap);
        return zfs_run_args(z, e, doing, name, args, false, NULL);
}

int zfs_run_settling(Zfs *z, Error *e, const char *doing, const char *name, ...)
{
        va_list ap;
        int r = -EBUSY;

        va_start(ap, name);
        _cleanup_strv_ char **args = collect(ap);
        va_end(ap);
        for (unsigned wait_ms = 5; r == -EBUSY && wait_ms < 2000; wait_ms *= 2) {
                if (wait_ms > 5)
                        nanosleep(&(struct timespec){.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L}, NULL);
                r = zfs_run_args(z, e, doing, name, args, false, NULL);
        }
        if (r == -EBUSY && doing && !z->native)
                return error_set(e, r,
                                 "cannot %s '%s': the dataset is busy, or a clone of it, which zfs-fuse would have to unmount",
                                 doing, name);
        return r;
}
