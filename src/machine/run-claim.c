/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/strv.h"
#include "machine/run-disk.h"
#include "machine/run-identity.h"
#include "machine/run-record.h"
#include "machine/run-scope.h"

#define STEP_USEC   20000U
#define ENDING_USEC 3000000U

/* A name that was only derived from a path gives way: two trees may be called "rootfs". */
static void make_name_unique(Target *t)
{
        uint32_t random;
        hash_random(&random, sizeof(random));
        char *name = xasprintf("%.55s-%08x", t->name, random);
        free(t->name);
        t->name = name;
}

/* Whether somebody has the name. A machine that is at its end keeps it for the moment in which its supervisor clears up. */
static bool name_is_taken(Target *t, bool patient)
{
        for (unsigned left = patient ? ENDING_USEC / STEP_USEC : 0;; left--) {
                Machine running = {0};
                int r = machine_find(t->host, t->name, &running, NULL); /* its leader may live on after its supervisor */
                machine_done(&running);
                if (r >= 0)
                        return true;
                t->record_lock = machine_record_lock(t->host, t->name);
                if (t->record_lock != -EAGAIN || left == 0)
                        return t->record_lock == -EAGAIN;
                usleep(STEP_USEC);
        }
}

static int claim_name(Target *t, Error *e)
{
        bool derived = !spec_is_set(&t->spec, SPEC_FIELD_MACHINE), taken = name_is_taken(t, !derived);

        if (taken && derived) {
                make_name_unique(t);
                t->record_lock = machine_record_lock(t->host, t->name);
                taken = false;
        }
        if (taken)
                return error_set(e, -EBUSY,
                                 "machine '%s' is already running; see 'berth list', or stop it with 'berth poweroff %s'",
                                 t->name, t->name);
        if (t->record_lock < 0)
                return error_sys(e, t->record_lock, "cannot lock machine '%s' in %s/machines", t->name, t->host->run_dir);

        int r = machine_record_remove(t->host, t->name); /* a console log of a start that was killed before it had a record */
        return r < 0 ? error_sys(e, r, "cannot remove the old record of machine '%s'", t->name) : 0;
}

static int claim_range(Target *t, Error *e)
{
        if (t->host->rootless)
                return 0;
        bool chosen = (!spec_is_set(&t->spec, SPEC_FIELD_USERS) && !spec_is_set(&t->spec, SPEC_FIELD_USERS_MAP)) ||
                      t->spec.users == SPEC_USERS_PICK;
        if (!chosen)
                return 0;
        _cleanup_close_ int root = store_image_open(&t->image, "/", O_PATH | O_DIRECTORY);
        struct stat st;
        if (root >= 0 && fstat(root, &st) >= 0 && st.st_uid >= RANGE_COUNT &&
            !PLAN_OWNER_IS_BUSY(st.st_uid)) /* a shifted tree keeps its range (plan.h) */
                return machine_range_lock(st.st_uid & ~(RANGE_COUNT - 1), &t->range, e);
        return machine_range_take(t->host, t->name, t->store != NULL && !t->snapshot_of, &t->range, e);
}

/* Kept like the machine's own: what machines inside it made belongs to them the next time, too. */
static int claim_delegated(Target *t, Error *e)
{
        for (uint32_t i = 0; !t->host->rootless && i < t->spec.users_delegate; i++) {
                _cleanup_free_ char *name = machine_range_delegated(t->name, i);
                int r = machine_range_take(t->host, name, t->store != NULL && !t->snapshot_of, &t->delegated[i], e);
                if (r < 0)
                        return r;
                t->n_delegated++;
        }
        return 0;
}

/* The identity is renewed where the changes go, on top of the snapshot. */
static int renew_snapshot(const Target *t, Error *e)
{
        _cleanup_(identity_done) Identity identity = {.old_name = t->snapshot_of};
        _cleanup_strv_ char **layers = strv_copy(t->image.layers);
        _cleanup_free_ char *upper = t->scratch.path ? path_join(t->scratch.path, "data") : NULL;
        StoreImage made = {.name = t->name, .driver = STORE_OVERLAY, .path = t->scratch.path, .upper = upper};

        if (!upper)
                return 0;
        if (t->image.directory)
                strv_push(&layers, t->image.directory);
        made.layers = layers;
        int r = identity_renew(&identity, &made, e);
        if (r >= 0)
                events_note(&t->host->events, "%s is machine '%s' while it runs", t->snapshot_of, t->name);
        return r;
}

/* Where the changes cannot go on top of the snapshot, a clone of it takes them. */
static int claim_clone(Target *t, Error *e)
{
        _cleanup_(identity_done) Identity identity = {.old_name = t->snapshot_of};
        const StoreEdit edit = {.edit = identity_renew, .ctx = &identity};
        int r = store_journal_begin(t->store, t->name, &t->clone, e);

        if (r < 0)
                return r;
        store_journal_add(&t->clone, "remove", t->name, NULL);
        r = store_journal_write(&t->clone, e);
        if (r == 0)
                r = store_clone(t->store, &t->image, t->name, NULL, &edit, &t->host->events, e);
        if (r < 0)
                return r;
        store_image_done(&t->image);
        t->image = (StoreImage){0};
        t->spec.ephemeral = false;
        r = store_find(t->store, STORE_MACHINE, t->name, &t->image, e);
        if (r < 0)
                return r;
        machine_image_os_done(&t->os);
        machine_image_os(&t->image, &t->os);
        events_note(&t->host->events, "%s is machine '%s' while it runs", t->snapshot_of, t->name);
        return 0;
}

/* The store that it was begun with may be closed by now. */
static void release_clone(Target *t)
{
        if (!t->clone.path)
                return;
        _cleanup_(store_closep) Store *store = NULL;
        if (store_open(t->host->machines_dir, &store, NULL) < 0)
                return store_journal_abandon(&t->clone);
        t->clone.store = store;
        (void)store_journal_end(&t->clone, NULL); /* if it cannot go now, it goes with the next command */
}

/* Beside the machines when an overlay can be there and the tree is not around it, else in memory. */
static int claim_scratch(Target *t, Error *e)
{
        Store *store = NULL;
        int r;

        if (!t->spec.ephemeral || t->spec.read_only || t->spec.volatile_mode != SPEC_VOLATILE_NO ||
            (t->image.directory && path_has_prefix(t->host->machines_dir, t->image.directory)))
                return 0;
        r = store_open(t->host->machines_dir, &store, e);
        if (r < 0)
                return r;
        if (store_can_carry_overlay(store))
                r = store_scratch_begin(store, &t->image, &t->scratch, e);
        if (r >= 0 && t->snapshot_of)
                r = renew_snapshot(t, e);
        store_close(store);
        return r;
}

/* Where an ordinary user has no control group of its own, its own systemd makes one. Before the facts are read, which find it then. */
static void claim_group(const Target *t)
{
        _cleanup_free_ char *cgroup = NULL;
        Error error = {0};

        if (!t->host->rootless || t->host->cgroup_parent || t->spec.keep_unit || machine_cgroup_is_delegated(t->host))
                return;
        if (scope_enter(t->host, t->name, NULL, NULL, &cgroup, &error) < 0)
                events_warning(&t->host->events, "machine '%s' has no control group: %s", t->name, error.message);
}

int target_claim(Target *t, Error *e)
{
        int r = claim_name(t, e);
        if (r < 0)
                return r;
        claim_group(t);
        if (t->snapshot_of && t->image.dataset)
                r = claim_clone(t, e);
        if (r < 0)
                return r;
        bool read_only =
                        t->image.read_only || t->spec.read_only || t->spec.ephemeral || t->spec.volatile_mode != SPEC_VOLATILE_NO;
        r = t->spec.unlocked ? 0 : store_lock(t->store, &t->image, !read_only, &t->image_lock, e);
        if (r >= 0)
                r = target_disk_open(t, e);
        if (r >= 0)
                r = claim_range(t, e);
        if (r >= 0)
                r = claim_delegated(t, e);
        return r < 0 ? r : claim_scratch(t, e);
}

void target_abandon(Target *t)
{
        t->record_lock = fd_close(t->record_lock);
        t->range.lock_fd = fd_close(t->range.lock_fd);
        for (size_t i = 0; i < t->n_delegated; i++)
                t->delegated[i].lock_fd = fd_close(t->delegated[i].lock_fd);
        t->image_lock.local_fd = fd_close(t->image_lock.local_fd);
        t->image_lock.global_fd = fd_close(t->image_lock.global_fd);
        store_scratch_abandon(&t->scratch);
        store_journal_abandon(&t->clone);
        target_release(t);
}

void target_release(Target *t)
{
        target_disk_close(t);
        if (t->passphrase)
                explicit_bzero(t->passphrase, strlen(t->passphrase));
        free(t->passphrase);
        free(t->versions_of);
        free(t->snapshot_of);
        store_scratch_end(&t->scratch);
        store_unlock(&t->image_lock);
        release_clone(t);
        machine_range_release(&t->range);
        for (size_t i = 0; i < t->n_delegated; i++)
                machine_range_release(&t->delegated[i]);
        if (t->record_lock >= 0) {
                (void)machine_record_remove(t->host, t->name);
                machine_record_unlock(t->host, t->name, &t->record_lock);
        }
        spec_done(&t->spec);
        store_image_done(&t->image);
        machine_image_os_done(&t->os);
        t->store = store_close(t->store);
        free(t->name);
        *t = (Target)TARGET_NONE;
}
