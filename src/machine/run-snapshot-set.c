/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "machine/run-freeze.h"
#include "machine/run-keep.h"
#include "machine/run-registry.h"

#define SET_MAX 65536

/* Snapshots of several machines at one instant: those that run are all held still before the first one is taken. */
typedef struct Member {
        const char *name;
        StoreImage image;
        Machine machine;
        Freeze freeze;
        bool running, frozen, taken;
} Member;

typedef struct Together {
        const MachineHost *host;
        Store *store;
        Member *items;
        size_t n;
} Together;

static void together_done(Together *t)
{
        for (size_t i = 0; i < t->n; i++) {
                if (t->items[i].frozen)
                        (void)freeze_end(&t->items[i].freeze, NULL);
                machine_done(&t->items[i].machine);
                store_image_done(&t->items[i].image);
        }
        free(t->items);
        store_close(t->store);
}

static int find_members(Together *t, char *const *names, Error *e)
{
        int r = store_open(t->host->machines_dir, &t->store, e);

        t->items = xnew(Member, strv_len(names) + 1);
        STRV_FOREACH (name, names) {
                Member *m = &t->items[t->n];
                for (size_t i = 0; i < t->n && r >= 0; i++)
                        if (str_eq(t->items[i].name, *name))
                                r = error_set(e, -EINVAL, "machine '%s' is named twice", *name);
                if (r >= 0)
                        r = machine_check_name(*name, e);
                if (r >= 0)
                        r = store_find(t->store, STORE_MACHINE, *name, &m->image, e);
                if (r < 0)
                        return r;
                m->name = *name;
                t->n++;
        }
        return r;
}

static int hold_all(Together *t, Error *e)
{
        for (size_t i = 0; i < t->n; i++) {
                Member *m = &t->items[i];
                m->running = machine_find(t->host, m->name, &m->machine, NULL) >= 0;
                if (!m->running)
                        continue;
                if (!m->machine.cgroup) {
                        events_warning(&t->host->events,
                                       "machine '%s' runs and cannot be frozen without cgroup2: files being written may be "
                                       "incomplete",
                                       m->name);
                        continue;
                }
                int r = freeze_begin(&m->freeze, m->machine.cgroup, e);
                if (r < 0)
                        return error_prefix(e, r, "machine '%s'", m->name);
                m->frozen = true;
        }
        return 0;
}

static int thaw_all(Together *t, Error *e)
{
        int result = 0;

        for (size_t i = 0; i < t->n; i++)
                if (t->items[i].frozen) {
                        int r = freeze_end(&t->items[i].freeze, result < 0 ? NULL : e);
                        t->items[i].frozen = false;
                        if (r < 0 && result == 0)
                                result = error_prefix(e, r, "machine '%s'", t->items[i].name);
                }
        return result;
}

/* All, or none: what was taken before one that failed goes again. */
static int take_all(Together *t, const char *snapshot, Error *e)
{
        int r = hold_all(t, e);

        for (size_t i = 0; i < t->n && r >= 0; i++) {
                Member *m = &t->items[i];
                r = store_snapshot(t->store, &m->image, snapshot, &(StoreQuiesce){.running = m->running}, &t->host->events, e);
                m->taken = r >= 0;
        }
        int k = thaw_all(t, r < 0 ? NULL : e);
        for (size_t i = 0; i < t->n && r < 0; i++)
                if (t->items[i].taken)
                        (void)store_snapshot_remove(t->store, t->items[i].name, snapshot, NULL);
        return r < 0 ? r : k;
}

static int take(const MachineHost *h, char *const *names, const char *snapshot, Error *e)
{
        _cleanup_(together_done) Together t = {.host = h};
        int r = find_members(&t, names, e);

        return r < 0 ? r : take_all(&t, snapshot, e);
}

/* ---- sets: STATE/snapshot-sets/NAME lists the machines, one a line ---- */

static char *set_path(const MachineHost *h, const char *set)
{
        return xasprintf("%s/snapshot-sets/%s", h->state_dir, set);
}

static char **set_machines(const MachineHost *h, const char *set)
{
        _cleanup_free_ char *path = path_snapshot_name_is_valid(set) ? set_path(h, set) : NULL, *text = NULL;

        if (!path || file_read_at(AT_FDCWD, path, SET_MAX, &text, NULL) < 0)
                return NULL;
        return strv_split(text, "\n");
}

char **machine_snapshot_set_of(const MachineHost *h, const char *name, const char *snapshot)
{
        char **machines = set_machines(h, snapshot);

        return strv_contains(machines, name) ? machines : strv_free(machines);
}

int machine_snapshot_set(const MachineHost *h, char *const *names, const char *set, Error *e)
{
        _cleanup_free_ char *path = NULL, *dir = NULL, *list = strv_join(names, "\n");

        if (!path_snapshot_name_is_valid(set))
                return error_set(e, -EINVAL,
                                 "'%s' is no name of a set: letters, digits, '.', '_', ':' and '-', no dot in front, at most 128",
                                 set);
        int r = take(h, names, set, e);
        if (r < 0)
                return r;
        path = set_path(h, set);
        dir = path_dirname(path);
        r = file_mkdir_p(dir, 0700);
        if (r >= 0)
                r = file_write_atomic_at(AT_FDCWD, path, list, strlen(list), 0600, true);
        return r < 0 ? error_sys(e, r, "the snapshots '%s' are taken, but their set cannot be noted in '%s'", set, path) : 0;
}

/* ---- all or none: what is done is noted before, with the way back ---- */

static void note_steps(StoreJournal *j, const char *verb, char *const *names, const char *snapshot)
{
        STRV_FOREACH (name, names)
                store_journal_add(j, verb, *name, snapshot);
}

/* Nothing is rolled back while one of them cannot be. *ret_running: those that are to be started again. */
static int check_set(const MachineHost *h, Store *s, char *const *names, const char *set, bool restart, char ***ret_running,
                     Error *e)
{
        STRV_FOREACH (name, names) {
                _cleanup_(store_image_done) StoreImage found = {0};
                Machine m = {0};
                bool running = machine_find(h, *name, &m, NULL) >= 0;
                machine_done(&m);
                if (running && !restart)
                        return error_set(
                                        e, -EBUSY,
                                        "machine '%s' is running and cannot be rolled back; power it off first, or use --restart",
                                        *name);
                if (running)
                        strv_push(ret_running, *name);
                int r = store_find_snapshot(s, *name, set, &found, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int each_member(Store *s, char *const *names, const char *snapshot, bool back, const Events *ev, Error *e)
{
        STRV_FOREACH (name, names) {
                _cleanup_(store_image_done) StoreImage i = {0};
                int r = store_find(s, STORE_MACHINE, *name, &i, e);
                if (r >= 0)
                        r = back ? store_rollback(s, &i, snapshot, e) : store_snapshot(s, &i, snapshot, NULL, ev, e);
                if (r < 0)
                        return error_prefix(e, r, "nothing was rolled back");
        }
        return 0;
}

/* The present states are kept as snapshots until all are back. */
static int rollback_all(const MachineHost *h, Store *s, char *const *names, const char *set, Error *e)
{
        StoreJournal j = STORE_JOURNAL_NONE;
        _cleanup_free_ char *undo = store_new_name(s);
        int r = store_journal_begin(s, set, &j, e);

        if (r < 0)
                return r;
        note_steps(&j, "rollback", names, undo);
        note_steps(&j, "forget", names, undo);
        r = store_journal_write(&j, e);
        if (r >= 0)
                r = each_member(s, names, undo, false, &h->events, e);
        if (r >= 0)
                r = each_member(s, names, set, true, &h->events, e);
        if (r >= 0) {
                note_steps(&j, "forget", names, undo);
                r = store_journal_write(&j, e);
        }
        int k = store_journal_end(&j, r < 0 ? NULL : e);
        return r < 0 ? r : k;
}

static int start_again(const MachineHost *h, char *const *names, Error *e)
{
        int result = 0;

        STRV_FOREACH (name, names) {
                int r = machine_start_name(h, *name, result < 0 ? NULL : e);
                if (result == 0)
                        result = r < 0 ? r : 0;
        }
        return result;
}

static int no_such_set(const char *set, Error *e)
{
        return error_set(e, -ENOENT, "there is no set of snapshots '%s'; 'berth snapshot NAME… --set=%s' takes one", set, set);
}

int machine_rollback_set(const MachineHost *h, const char *set, bool restart, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_strv_ char **names = set_machines(h, set), **running = NULL;

        if (!names)
                return no_such_set(set, e);
        int r = store_open(h->machines_dir, &s, e);
        if (r >= 0)
                r = check_set(h, s, names, set, restart, &running, e);
        if (r >= 0 && running)
                r = machine_poweroff(h, running, USEC_INFINITY, e);
        if (r >= 0)
                r = rollback_all(h, s, names, set, e);
        int k = running ? start_again(h, running, r < 0 ? NULL : e) : 0; /* those that could not be rolled back, too */
        return r < 0 ? r : k;
}

/* Those that are there; none of them may be in use. */
static int check_removable(Store *s, char *const *names, const char *set, char ***ret, Error *e)
{
        STRV_FOREACH (name, names) {
                _cleanup_(store_image_done) StoreImage found = {0};
                _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
                int r = store_find_snapshot(s, *name, set, &found, NULL);
                if (r < 0)
                        continue;
                r = store_lock(s, &found, true, &lock, e);
                if (r < 0)
                        return r;
                strv_push(ret, *name);
        }
        return 0;
}

int machine_remove_set(const MachineHost *h, const char *set, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_strv_ char **names = set_machines(h, set), **there = NULL;
        _cleanup_free_ char *path = set_path(h, set);
        StoreJournal j = STORE_JOURNAL_NONE;

        if (!names)
                return no_such_set(set, e);
        int r = store_open(h->machines_dir, &s, e);
        if (r >= 0)
                r = check_removable(s, names, set, &there, e);
        if (r >= 0)
                r = store_journal_begin(s, set, &j, e);
        if (r < 0)
                return r;
        note_steps(&j, "forget", there, set);
        r = store_journal_write(&j, e);
        int k = store_journal_end(&j, r < 0 ? NULL : e);
        if (r < 0 || k < 0)
                return r < 0 ? r : k;
        return unlink(path) < 0 && errno != ENOENT ? error_sys(e, -errno, "cannot remove '%s'", path) : 0;
}

/* ---- schedules ---- */

static int prune(const MachineHost *h, Store *s, const char *name, const KeepRule *rule, Error *e)
{
        StoreSnapshot *all = NULL;
        size_t n = 0, n_own = 0;
        int r = store_snapshots(s, name, &all, &n, e);

        if (r < 0)
                return r;
        _cleanup_free_ int64_t *times = xnew(int64_t, n + 1);
        _cleanup_free_ size_t *own = xnew(size_t, n + 1);
        _cleanup_free_ bool *keep = xnew(bool, n + 1);
        for (size_t i = 0; i < n; i++)
                if (keep_time(all[i].name, &times[n_own]))
                        own[n_own++] = i;
        keep_select(rule, times, n_own, keep);
        for (size_t i = 0; i < n_own && r >= 0; i++) {
                Error why = {0};
                if (keep[i])
                        continue;
                r = store_snapshot_remove(s, name, all[own[i]].name, &why);
                if (r == -EBUSY) { /* being cloned or exported: the next time */
                        events_warning(&h->events, "%s", why.message);
                        r = 0;
                } else if (r < 0 && e)
                        *e = why;
        }
        store_snapshots_free(all, n);
        return r;
}

int machine_snapshot_keep(const MachineHost *h, char *const *names, const char *keep, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        char snapshot[KEEP_NAME_MAX];
        KeepRule rule;
        int r = keep_parse(keep, &rule, e);

        if (r >= 0)
                r = take(h, names, keep_name((int64_t)(clock_realtime() / USEC_PER_SEC), snapshot), e);
        if (r >= 0)
                r = store_open(h->machines_dir, &s, e);
        STRV_FOREACH (name, names) {
                if (r >= 0)
                        r = prune(h, s, *name, &rule, e);
        }
        return r;
}
