/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/strv.h"
#include "machine/run-autostart.h"
#include "machine/run-freeze.h"
#include "machine/run-identity.h"
#include "machine/run-log.h"
#include "machine/run-range.h"
#include "machine/run-registry.h"
#include "machine/run-tree.h"
#include "machine/run-written.h"

/* ---- what a running machine needs to hold still ---- */

typedef struct Still {
        Machine machine;
        Freeze freeze;
} Still;

static int hold_still(void *ctx, bool on, Error *e)
{
        Still *s = ctx;
        int r = on ? freeze_begin(&s->freeze, s->machine.cgroup, e) : freeze_end(&s->freeze, e);
        return r < 0 ? error_prefix(e, r, "machine '%s'", s->machine.name) : 0;
}

/* Without cgroup2 nothing can hold the machine still: the copy is then like one after a power cut. */
static StoreQuiesce quiesce(const MachineHost *h, const char *name, Still *s)
{
        StoreQuiesce q = {.running = machine_find(h, name, &s->machine, NULL) >= 0, .ctx = s};
        if (q.running && s->machine.cgroup)
                q.freeze = hold_still;
        else if (q.running)
                events_warning(&h->events,
                               "machine '%s' runs and cannot be frozen without cgroup2: files being written may be incomplete",
                               name);
        return q;
}

static int open_image(const MachineHost *h, const char *name, Store **ret_store, StoreImage *ret, Error *e)
{
        int r = machine_check_name(name, e);
        if (r >= 0)
                r = store_open(h->machines_dir, ret_store, e);
        return r < 0 ? r : store_find(*ret_store, STORE_MACHINE, name, ret, e);
}

static int check_stopped(const MachineHost *h, const char *name, const char *what, const char *way_out, Error *e)
{
        Machine m = {0};
        int r = machine_find(h, name, &m, NULL);
        machine_done(&m);
        return r < 0 ? 0 : error_set(e, -EBUSY, "machine '%s' is running and cannot be %s; %s", name, what, way_out);
}

/* ---- the verbs ---- */

int machine_images(const MachineHost *h, StoreImage **ret, size_t *ret_n, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        int r = store_open(h->machines_dir, &s, e);
        return r < 0 ? r : store_list(s, STORE_MACHINE, ret, ret_n, e);
}

int machine_snapshots(const MachineHost *h, const char *name, StoreSnapshot **ret, size_t *ret_n, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = open_image(h, name, &s, &i, e);
        return r < 0 ? r : store_snapshots(s, name, ret, ret_n, e);
}

static void tell_identity(const MachineHost *h, const char *name, const Identity *i)
{
        _cleanup_free_ char *list = strv_join(i->reset, ", ");
        if (i->reset)
                events_note(&h->events, "%s: reset %s (--same keeps what the first machine has)", name, list);
        if (i->keys_missing)
                events_warning(&h->events,
                               "machine '%s' has no SSH host keys now and nothing that makes them: run 'ssh-keygen -A' in it",
                               name);
}

int machine_clone(const MachineHost *h, const char *name, const char *new_name, bool same, StoreDriverId driver, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage source = {0};
        _cleanup_(identity_done) Identity identity = {.old_name = name};
        Renewal renewal = {.host = h, .identity = &identity};
        StoreEdit edit = {.edit = same ? NULL : machine_renew, .ctx = &renewal};
        Still still = {0};
        int r = machine_check_name(new_name, e);
        if (r >= 0)
                r = open_image(h, name, &s, &source, e);
        if (r < 0)
                return r;
        StoreQuiesce q = quiesce(h, name, &still);
        if (driver < 0 || driver == source.driver)
                r = store_clone(s, &source, new_name, &q, &edit, &h->events, e);
        else
                r = store_copy(s, &source, new_name, driver, &q, &edit, &h->events, e);
        machine_done(&still.machine);
        if (r >= 0)
                tell_identity(h, new_name, &identity);
        return r < 0 ? r : written_copy(h, name, new_name, e);
}

int machine_snapshot(const MachineHost *h, const char *name, const char *snapshot, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        Still still = {0};
        int r = open_image(h, name, &s, &i, e);
        if (r < 0)
                return r;
        StoreQuiesce q = quiesce(h, name, &still);
        r = store_snapshot(s, &i, snapshot, &q, &h->events, e);
        machine_done(&still.machine);
        return r;
}

static int rollback(const MachineHost *h, const char *name, const char *snapshot, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = open_image(h, name, &s, &i, e);
        return r < 0 ? r : store_rollback(s, &i, snapshot, e);
}

static int snapshot_exists(const MachineHost *h, const char *name, const char *snapshot, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0}, snap = {0};
        int r = open_image(h, name, &s, &i, e);
        return r < 0 ? r : store_find_snapshot(s, name, snapshot, &snap, e);
}

int machine_rollback(const MachineHost *h, const char *name, const char *snapshot, bool restart, Error *e)
{
        if (!restart) {
                int r = check_stopped(h, name, "rolled back", "power it off first, or use --restart", e);
                return r < 0 ? r : rollback(h, name, snapshot, e);
        }
        int r = snapshot_exists(h, name, snapshot, e); /* before the machine is stopped for nothing */
        if (r < 0)
                return r;
        Machine m = {0};
        bool running = machine_find(h, name, &m, NULL) >= 0;
        machine_done(&m);
        char *names[] = {(char *)name, NULL};
        r = running ? machine_poweroff(h, names, USEC_INFINITY, e) : 0;
        if (r >= 0)
                r = rollback(h, name, snapshot, e);
        return r < 0 || !running ? r : machine_start_name(h, name, e);
}

int machine_snapshot_remove(const MachineHost *h, const char *name, const char *snapshot, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = open_image(h, name, &s, &i, e);
        return r < 0 ? r : store_snapshot_remove(s, name, snapshot, e);
}

int machine_remove(const MachineHost *h, const char *name, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        _cleanup_free_ char *way_out = xasprintf("stop it with 'berth poweroff %s'", name);
        int r = check_stopped(h, name, "removed", way_out, e);
        if (r >= 0)
                r = open_image(h, name, &s, &i, e);
        if (r >= 0)
                r = store_remove(s, &i, e);
        if (r >= 0) {
                written_remove(h, name);
                machine_range_forget(h, name);
                log_remove(h, name);
                autostart_remove(h, name);
        }
        return r;
}

int machine_rename(const MachineHost *h, const char *name, const char *new_name, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        _cleanup_free_ char *way_out = xasprintf("stop it with 'berth poweroff %s'", name);
        int r = machine_check_name(new_name, e);
        if (r >= 0)
                r = check_stopped(h, name, "renamed", way_out, e);
        if (r >= 0)
                r = open_image(h, name, &s, &i, e);
        if (r >= 0)
                r = store_rename(s, &i, new_name, e);
        if (r < 0)
                return r;
        machine_range_rename(h, name, new_name);
        log_rename(h, name, new_name);
        autostart_rename(h, name, new_name);
        r = written_copy(h, name, new_name, e); /* from where the store does not look for it */
        if (r >= 0)
                written_remove(h, name);
        return r;
}

int machine_read_only(const MachineHost *h, const char *name, bool on, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        _cleanup_free_ char *way_out = xasprintf("stop it with 'berth poweroff %s'", name);
        int r = check_stopped(h, name, on ? "made read-only" : "made writable", way_out, e);
        if (r >= 0)
                r = open_image(h, name, &s, &i, e);
        return r < 0 ? r : store_read_only(s, &i, on, e);
}

int machine_set_limit(const MachineHost *h, const char *name, uint64_t bytes, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = open_image(h, name, &s, &i, e);
        return r < 0 ? r : store_set_limit(s, &i, bytes, e);
}

static int open_stopped(const MachineHost *h, const char *name, const char *what, Store **ret_store, StoreImage *ret, Error *e)
{
        _cleanup_free_ char *way_out = xasprintf("stop it with 'berth poweroff %s'", name);
        int r = check_stopped(h, name, what, way_out, e);
        return r < 0 ? r : open_image(h, name, ret_store, ret, e);
}

int machine_convert(const MachineHost *h, const char *name, StoreDriverId driver, bool snapshots, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = open_stopped(h, name, "converted", &s, &i, e);
        return r < 0 ? r : store_convert(s, &i, driver, snapshots, &h->events, e);
}

int machine_flatten(const MachineHost *h, const char *name, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage i = {0};
        int r = open_stopped(h, name, "flattened", &s, &i, e);
        return r < 0 ? r : store_flatten(s, &i, &h->events, e);
}
