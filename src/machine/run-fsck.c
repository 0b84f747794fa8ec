/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "machine/run-range.h"
#include "machine/run-registry.h"

#define SET_MAX 65536

/* The store, and what is noted about its machines elsewhere. */
typedef struct Check {
        const MachineHost *host;
        Store *store;
        bool repair;
        StoreProblems *found;
} Check;

static void note(Check *c, const char *what, const char *name, bool repaired, char *take_detail)
{
        *vec_push(c->found) = (StoreProblem){.what = what, .name = xstrdup(name), .detail = take_detail, .repaired = repaired};
}

static bool exists(const Check *c, const char *name)
{
        _cleanup_(store_image_done) StoreImage i = {0};

        Machine m = {0};

        if (store_find(c->store, STORE_MACHINE, name, &i, NULL) != -ENOENT)
                return true;
        bool running = machine_find(c->host, name, &m, NULL) >= 0; /* from a tree elsewhere */
        machine_done(&m);
        return running;
}

static char **names_in(const MachineHost *h, const char *dir)
{
        _cleanup_free_ char *path = xasprintf("%s/%s", h->state_dir, dir);
        _cleanup_closedir_ DIR *d = NULL;
        char **names = NULL;
        const struct dirent *entry;

        if (fd_opendir(AT_FDCWD, path, &d) < 0)
                return NULL;
        while ((entry = readdir(d)))
                if (entry->d_name[0] != '.' && entry->d_type == DT_REG)
                        strv_push(&names, entry->d_name);
        strv_sort(names);
        return names;
}

/* A machine that is run from elsewhere, or was made meanwhile, just gets a range again. */
static void check_ranges(Check *c)
{
        _cleanup_strv_ char **names = names_in(c->host, "id-ranges"), **seen = NULL;

        STRV_FOREACH (name, names) {
                _cleanup_free_ char *base = xasprintf("%u ", machine_range_peek(c->host, *name));
                const char *other = NULL;
                if (machine_check_name(*name, NULL) < 0)
                        continue;
                STRV_FOREACH (line, seen)
                        other = other ?: str_startswith(*line, base);
                strv_pushf(&seen, "%s%s", base, *name);
                bool gone = !exists(c, *name);
                if (!gone && !other)
                        continue;
                if (c->repair)
                        machine_range_forget(c->host, *name);
                note(c, "range", *name, c->repair,
                     other ? xasprintf("machine '%s' has the ID range of machine '%s'", *name, other)
                           : xasprintf("an ID range is kept for '%s', which is no machine of the store", *name));
        }
}

static void check_received(Check *c)
{
        _cleanup_strv_ char **names = names_in(c->host, "received");

        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = xasprintf("%s/received/%s", c->host->state_dir, *name);
                if (machine_check_name(*name, NULL) >= 0 && !exists(c, *name))
                        note(c, "record", *name, c->repair && unlink(path) == 0,
                             xasprintf("'%s' is about a machine that is gone", path));
        }
}

static void check_set(Check *c, const char *set)
{
        _cleanup_free_ char *path = xasprintf("%s/snapshot-sets/%s", c->host->state_dir, set), *text = NULL;
        _cleanup_strv_ char **names = NULL, **lost = NULL, **kept = NULL;

        if (file_read_at(AT_FDCWD, path, SET_MAX, &text, NULL) < 0)
                return;
        names = strv_split(text, "\n");
        STRV_FOREACH (name, names) {
                _cleanup_(store_image_done) StoreImage i = {0};
                bool there = store_find_snapshot(c->store, *name, set, &i, NULL) != -ENOENT;
                strv_push(there ? &kept : &lost, *name);
        }
        _cleanup_free_ char *list = kept ? strv_join(kept, "\n") : NULL;
        bool repaired = c->repair && lost &&
                        (kept ? file_write_atomic_at(AT_FDCWD, path, list, strlen(list), 0600, true) : unlink(path)) == 0;
        STRV_FOREACH (name, lost)
                note(c, "set", *name, repaired, xasprintf("the set '%s' has no snapshot of machine '%s' any more", set, *name));
}

static void check_sets(Check *c)
{
        _cleanup_strv_ char **sets = names_in(c->host, "snapshot-sets");

        STRV_FOREACH (set, sets)
                check_set(c, *set);
}

static void keep_of(StoreProblems *all, const char *name)
{
        size_t n = 0;

        for (size_t i = 0; i < all->n; i++) {
                StoreProblem *p = &all->items[i];
                size_t len = strlen(name);
                if (strncmp(p->name, name, len) == 0 && (p->name[len] == '\0' || p->name[len] == '@')) {
                        all->items[n++] = *p;
                        continue;
                }
                free(p->name);
                free(p->detail);
        }
        all->n = n;
}

int machine_fsck(const MachineHost *h, const char *name, bool repair, StoreProblems *ret, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = store_open_as_is(h->machines_dir, &s, e);

        *ret = (StoreProblems){0};
        if (r >= 0 && name && repair)
                r = error_set(e, -EINVAL, "--repair puts the whole store in order: leave '%s' out", name);
        if (r >= 0 && name && machine_check_name(name, e) < 0)
                r = -EINVAL;
        if (r < 0)
                return r;
        r = store_fsck(s, repair, ret, e);
        Check c = {.host = h, .store = s, .repair = repair, .found = ret};
        check_ranges(&c);
        check_received(&c);
        check_sets(&c);
        if (!name)
                return r;
        keep_of(ret, name);
        return r < 0 || ret->n > 0 ? r : store_find(s, STORE_MACHINE, name, &i, e);
}
