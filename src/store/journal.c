/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/work.h"

/* What several of the store's transactions are together: a list of steps in a work directory, each a symlink "VERB/NAME[/WHAT]" in
 * WORK_STEPS, in the order of their numbers. Each step may have been done before. A list takes the place of another one by one rename,
 * and is done by whoever ends the transaction, or by the next command when that was killed. */

#define STEPS_NEXT WORK_STEPS ".next"

int store_journal_begin(Store *s, const char *name, StoreJournal *ret, Error *e)
{
        Work w = WORK_NONE;
        _cleanup_close_ int hold = store_hold(s, e);
        int r = hold < 0 ? hold : work_begin(s, name, &w, e);

        *ret = STORE_JOURNAL_NONE;
        if (r < 0)
                return r;
        *ret = (StoreJournal){.store = s, .path = w.path, .name = xstrdup(name), .fd = w.fd};
        return 0;
}

void store_journal_add(StoreJournal *j, const char *verb, const char *name, const char *what)
{
        strv_pushf(&j->steps, what ? "%s/%s/%s" : "%s/%s", verb, name, what);
}

/* The list is a directory of its own, and WORK_STEPS a link to it, since a link can be replaced everywhere. */
static int write_steps(StoreJournal *j)
{
        _cleanup_free_ char *old = j->lists > 0 ? xasprintf(WORK_STEPS ".%u", j->lists - 1) : NULL,
                            *list = xasprintf(WORK_STEPS ".%u", j->lists++);
        size_t n = 0;

        if (mkdirat(j->fd, list, 0700) < 0)
                return -errno;
        STRV_FOREACH (step, j->steps) {
                _cleanup_free_ char *path = xasprintf("%s/%06zu", list, n++);
                if (symlinkat(*step, j->fd, path) < 0)
                        return -errno;
        }
        _cleanup_close_ int fd = openat(j->fd, list, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0 || symlinkat(list, j->fd, STEPS_NEXT) < 0 ||
            renameat(j->fd, STEPS_NEXT, j->fd, WORK_STEPS) < 0 || fsync(j->fd) < 0)
                return -errno;
        return old ? file_remove_tree_at(j->fd, old) : 0;
}

int store_journal_write(StoreJournal *j, Error *e)
{
        int r = write_steps(j);

        j->steps = strv_free(j->steps);
        return r < 0 ? store_failed(j->store, r, e, "begin a change of", j->name) : 0;
}

/* ---- the steps ---- */

static int do_remove(Store *s, const char *name, const char *what, Error *e)
{
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = store_find(s, STORE_MACHINE, name, &i, e);

        return r == -ENOENT ? 0 : r < 0 ? r : store_remove(s, &i, e);
}

static int do_rollback(Store *s, const char *name, const char *snapshot, Error *e)
{
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = store_find(s, STORE_MACHINE, name, &i, e);

        if (r == 0)
                r = store_rollback(s, &i, snapshot, e);
        if (r == -EBUSY && !e)
                return 0; /* its owner is long gone, and somebody has started it as it is */
        return r == -ENOENT ? 0 : r;
}

static int do_forget(Store *s, const char *name, const char *snapshot, Error *e)
{
        int r = store_snapshot_remove(s, name, snapshot, e);

        return r == -ENOENT ? 0 : r;
}

/* `name` is what machine `what` is from now on. */
static int do_replace(Store *s, const char *name, const char *what, Error *e)
{
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = store_find(s, STORE_MACHINE, name, &i, e);

        if (r == -ENOENT)
                return 0;
        if (r == 0)
                r = do_remove(s, what, NULL, e);
        return r < 0 ? r : store_rename(s, &i, what, e);
}

static const struct {
        const char *verb;
        int (*run)(Store *s, const char *name, const char *what, Error *e);
} steps[] = {
                {"remove", do_remove},
                {"rollback", do_rollback},
                {"forget", do_forget},
                {"replace", do_replace},
};

static int run_step(Store *s, char *step, Error *e)
{
        char *name = strchr(step, '/'), *what = name ? strchr(name + 1, '/') : NULL;

        if (!name)
                return 0;
        *name++ = '\0';
        if (what)
                *what++ = '\0';
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                if (str_eq(steps[i].verb, step))
                        return steps[i].run(s, name, what, e);
        return 0;
}

int journal_settle(Store *s, int work_fd, Error *e)
{
        _cleanup_strv_ char **names = NULL;
        int r = dir_entries(work_fd, WORK_STEPS, &names);

        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = xasprintf(WORK_STEPS "/%s", *name);
                char step[PATH_MAX];
                ssize_t n = readlinkat(work_fd, path, step, sizeof(step) - 1);
                if (n < 0)
                        return error_sys(e, -errno, "cannot read '%s'", path);
                step[n] = '\0';
                if (r == 0)
                        r = run_step(s, step, e); /* what follows may count on it */
        }
        return r;
}

void store_journal_abandon(StoreJournal *j)
{
        fd_close(j->fd);
        free(j->path);
        strv_free(j->steps);
        free(j->name);
        *j = STORE_JOURNAL_NONE;
}

int store_journal_end(StoreJournal *j, Error *e)
{
        int r = j->path ? journal_settle(j->store, j->fd, e) : 0;

        if (r == 0 && j->path) {
                Work w = {.store = j->store, .path = TAKE_PTR(j->path), .fd = TAKE_FD(j->fd)};
                work_end(&w);
        }
        store_journal_abandon(j); /* if it could not be done, the next command goes on with it */
        return r;
}
