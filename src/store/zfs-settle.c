/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/zfs.h"

/* Every command of the tool is a transaction of its own, and one of them decides each of ours:
 *
 *   a new dataset      rename RANDOM-new to its place
 *   a rollback         rename the machine to RANDOM-past; RANDOM-new follows in its place
 *   a replacement      set ZFS_STATE of RANDOM-new to "replace:PLACE"; what is in its place is removed, and it follows
 *   a removal          set ZFS_STATE to "removed"
 *
 * Until then a RANDOM-new is debris, and what was taken away is brought back; afterwards what is missing is made up for. All that can
 * be told from the datasets' names and from ZFS_STATE, which else names the place: zfs_settle_work() needs no memory, and it is also
 * how an operation that failed is undone. A removal is no rename, as zfs-fuse refuses that of a dataset whose clones are mounted. */

char *zfs_private(const char *parent, const char *suffix)
{
        return xasprintf("%s/" ZFS_PRIVATE "/%s", parent, suffix);
}

void zfs_work_resume(Store *s, const char *parent, const Work *w, int hold, ZfsWork *ret)
{
        const char *entry = path_basename(w->path) + strlen(".#"), *random = strrchr(entry, '.');
        _cleanup_free_ char *prefix = zfs_private(parent, random + 1);

        *ret = (ZfsWork){
                        .store = s,
                        .zfs = zfs_of(s),
                        .parent = xstrdup(parent),
                        .name = xstrndup(entry, (size_t)(random - entry)),
                        .new = xasprintf("%s-new", prefix),
                        .past = xasprintf("%s-past", prefix),
        };
        ret->zfs->hold = hold;
        ret->zfs->work = w->fd;
}

int zfs_work_begin(Store *s, const char *parent, const Work *w, int hold, ZfsWork *ret, Error *e)
{
        _cleanup_free_ char *private = xasprintf("%s/" ZFS_PRIVATE, parent),
                            *mountpoint = xasprintf("mountpoint=%s", zfs_of(s)->root);
        const Datasets *table;

        zfs_work_resume(s, parent, w, hold, ret);
        if (symlinkat(parent, w->fd, WORK_ZFS) < 0 || fsync(w->fd) < 0)
                return store_failed(s, -errno, e, "begin a change of", ret->name);
        int r = zfs_table(ret->zfs, parent, &table, NULL);
        if (r == -ENOENT) /* what only holds the store has no child for the machines yet */
                r = zfs_run(ret->zfs, e, "make room for machines in", s->root, "create", "-o", "canmount=off", "-o", mountpoint,
                            parent, NULL);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r == 0)
                r = zfs_table(ret->zfs, parent, &table, e);
        if (r < 0 || datasets_find(table, private))
                return r;
        r = zfs_run(ret->zfs, e, "make room for changes of", ret->name, "create", "-o", "canmount=off", "-o", "mountpoint=none",
                    private, NULL);
        if (r < 0 && zfs_table(ret->zfs, parent, &table, NULL) == 0 && datasets_find(table, private))
                return 0; /* another command was faster */
        return r;
}

void zfs_work_done(ZfsWork *t)
{
        if (t->zfs)
                t->zfs->hold = t->zfs->work = -1;
        free(t->parent);
        free(t->name);
        free(t->new);
        free(t->past);
        *t = (ZfsWork){0};
}

/* ---- into place ---- */

/* Where a dataset in its place is mounted; NULL: a finished image, which has just an entry. */
static char *place_of(const ZfsWork *t, const char *dataset)
{
        return dataset_is_below(dataset, t->parent) ? xasprintf("%s/%s", t->zfs->root, path_basename(dataset)) : NULL;
}

static int make_image_entry(const ZfsWork *t, const char *dataset, Error *e)
{
        _cleanup_free_ char *entry = xasprintf(STORE_IMAGES "/%s", path_basename(dataset) + strlen(ZFS_IMAGE));

        if (mkdirat(t->store->root_fd, entry, 0700) < 0 && errno != EEXIST)
                return store_failed(t->store, -errno, e, "make", entry);
        return 0;
}

/* Some versions mount with the command before, canmount=noauto or not. */
static int mount_at(ZfsWork *t, const char *dataset, const char *path, Error *e)
{
        _cleanup_free_ char *mounted = zfs_mounted_at(path);

        return mounted && str_eq(mounted, dataset) ? 0 : zfs_run(t->zfs, e, "mount", t->name, "mount", dataset, NULL);
}

/* Each only where it is not so already: somebody may be in there. */
static int mount_in_place(ZfsWork *t, const char *dataset, const char *path, Error *e)
{
        Zfs *z = t->zfs;
        _cleanup_free_ char *property = xasprintf("mountpoint=%s", path);
        const Datasets *table;
        int r = zfs_table(z, t->parent, &table, e);

        if (r < 0)
                return r;
        const Dataset *parent = datasets_find(table, t->parent), *d = datasets_find(table, dataset);
        bool inherits = parent && parent->mountpoint && str_eq(parent->mountpoint, z->root);
        bool placed = d && d->mountpoint && str_eq(d->mountpoint, path), may = d && d->canmount;
        if (!placed && inherits)
                r = zfs_run(z, e, "set the mount point of", t->name, "inherit", "mountpoint", dataset, NULL);
        else if (!placed)
                r = zfs_run(z, e, "set the mount point of", t->name, "set", property, dataset, NULL);
        if (r == 0 && !may)
                r = zfs_run(z, e, "set the mount point of", t->name, "set", "canmount=on", dataset, NULL);
        return r < 0 ? r : mount_at(t, dataset, path, e);
}

int zfs_mount_new(ZfsWork *t, const Work *w, const char *where, Error *e)
{
        _cleanup_free_ char *path = xasprintf("%s/%s/%s", t->zfs->root, w->path, where);

        return mount_at(t, t->new, path, e);
}

static int complete(ZfsWork *t, const char *dataset, Error *e)
{
        if (str_endswith(dataset, "-past"))
                return zfs_run(t->zfs, e, "complete the change of", t->name, "inherit", ZFS_STATE, dataset, NULL);
        _cleanup_free_ char *path = place_of(t, dataset);
        int r = path ? mount_in_place(t, dataset, path, e) : make_image_entry(t, dataset, e);

        if (r == 0 && !path)
                r = zfs_run(t->zfs, e, "complete the change of", t->name, "set", "mountpoint=none", dataset, NULL);
        return r < 0 ? r : zfs_run(t->zfs, e, "complete the change of", t->name, "inherit", ZFS_STATE, dataset, NULL);
}

int zfs_unmount(ZfsWork *t, const char *dataset, const char *doing, Error *e)
{
        const Datasets *table;
        int r = zfs_table(t->zfs, t->parent, &table, e);
        const Dataset *d = r < 0 ? NULL : datasets_find(table, dataset);

        return d && d->mounted ? zfs_run(t->zfs, e, doing, t->name, "unmount", dataset, NULL) : r;
}

/* zfs-fuse renames nothing while clones of it are mounted: they are unmounted for that time, unless somebody is in there. */
static char **unmount_clones(ZfsWork *t, const Datasets *table, const char *dataset)
{
        char **names = NULL;

        for (size_t i = 0; i < table->n; i++) {
                const Dataset *d = &table->items[i];
                const char *at = d->mounted && d->origin ? str_startswith(d->origin, dataset) : NULL;
                if (at && at[0] == '@')
                        strv_push(&names, d->name);
        }
        STRV_FOREACH (name, names)
                (void)zfs_run(t->zfs, NULL, NULL, NULL, "unmount", *name, NULL);
        return names;
}

static void mount_again(ZfsWork *t, char *const *mounted)
{
        const Datasets *table;

        STRV_FOREACH (name, mounted) {
                const Dataset *d = zfs_table(t->zfs, t->parent, &table, NULL) < 0 ? NULL : datasets_find(table, *name);
                if (d && !d->mounted)
                        (void)zfs_run(t->zfs, NULL, NULL, NULL, "mount", *name, NULL);
        }
}

int zfs_rename_dataset(ZfsWork *t, const char *dataset, const char *target, const char *doing, Error *e)
{
        _cleanup_strv_ char **mounted = NULL;
        const Datasets *table;
        int r = zfs_table(t->zfs, t->parent, &table, e);

        if (r == 0 && !t->zfs->native)
                mounted = unmount_clones(t, table, dataset);
        if (r == 0)
                r = zfs_run_settling(t->zfs, e, doing, t->name, "rename", dataset, target, NULL);
        mount_again(t, mounted);
        /* zfs-fuse may say that it failed when it has done it. */
        if (r < 0 && zfs_table(t->zfs, t->parent, &table, NULL) == 0 && !datasets_find(table, dataset) &&
            datasets_find(table, target))
                r = 0;
        return r;
}

int zfs_place(ZfsWork *t, const char *dataset, const char *target, Error *e)
{
        int r = zfs_unmount(t, dataset, "complete", e);

        if (r == 0)
                r = zfs_rename_dataset(t, dataset, target, "make", e);
        return r < 0 ? r : complete(t, target, e);
}

int zfs_take_away(ZfsWork *t, const char *dataset, const char *doing, Error *e)
{
        _cleanup_free_ char *state = xasprintf(ZFS_STATE "=%s", dataset);
        int r = zfs_run(t->zfs, e, doing, t->name, "set", state, dataset, NULL);

        if (r == 0)
                r = zfs_unmount(t, dataset, doing, e);
        return r < 0 ? r : zfs_run(t->zfs, e, doing, t->name, "set", "canmount=noauto", dataset, NULL);
}

/* ---- what is left to do ---- */

static bool is_in_place(const ZfsWork *t, const char *name)
{
        _cleanup_free_ char *images = zfs_private(t->parent, ZFS_IMAGE);

        return dataset_is_below(name, t->parent) || str_startswith(name, images);
}

/* A dataset that is in its place (one with older states is wherever it is), or was not taken away after all. Returns 1 when there
 * was one. */
static int complete_one(ZfsWork *t, Error *e)
{
        const Datasets *table;
        int r = zfs_table(t->zfs, t->parent, &table, e);

        for (size_t i = 0; r == 0 && i < table->n; i++) {
                const Dataset *d = &table->items[i];
                if (d->snapshot || !d->state || str_eq(d->state, ZFS_REMOVED) ||
                    (!is_in_place(t, d->name) && !str_endswith(d->name, "-past")))
                        continue;
                _cleanup_free_ char *name = xstrdup(d->name);
                r = complete(t, name, e);
                return r < 0 ? r : 1;
        }
        return r;
}

/* ---- what nobody needs ---- */

static bool is_hidden(const Dataset *d)
{
        return d->snapshot && str_startswith(dataset_snapshot_name(d), ZFS_HIDDEN);
}

static bool machine_lives(const ZfsWork *t, const Datasets *table, const char *machine)
{
        for (size_t i = 0; i < table->n; i++) {
                const Dataset *d = &table->items[i];
                if (!d->snapshot && d->machine && str_eq(d->machine, machine) &&
                    (dataset_is_below(d->name, t->parent) || str_endswith(d->name, "-new")))
                        return true;
        }
        return false;
}

static bool has_visible_snapshots(const Datasets *table, const char *name)
{
        for (size_t i = 0; i < table->n; i++)
                if (dataset_snapshot_of(&table->items[i], name) && !is_hidden(&table->items[i]))
                        return true;
        return false;
}

static bool is_garbage(const ZfsWork *t, const Datasets *table, const Dataset *d)
{
        _cleanup_free_ char *private = xasprintf("%s/" ZFS_PRIVATE, t->parent);

        if (d->snapshot)
                return false;
        if (is_in_place(t, d->name))
                return d->state && str_eq(d->state, ZFS_REMOVED);
        if (!dataset_is_below(d->name, private))
                return false;
        if (str_endswith(d->name, "-dead"))
                return true;
        return str_endswith(d->name, "-past") &&
               (!d->machine || !machine_lives(t, table, d->machine) || !has_visible_snapshots(table, d->name));
}

/* Who stands on a snapshot of it: the newest such snapshot, and preferably somebody who stays. */
static const Dataset *dependent(const ZfsWork *t, const Datasets *table, const char *name, const Dataset **ret_snapshot)
{
        const Dataset *found = NULL;

        for (size_t i = 0; i < table->n; i++) {
                if (!dataset_snapshot_of(&table->items[i], name))
                        continue;
                for (size_t k = 0; k < table->n; k++) {
                        const Dataset *d = &table->items[k];
                        if (!d->origin || !str_eq(d->origin, table->items[i].name) || (found && is_garbage(t, table, d)))
                                continue;
                        found = d;
                        *ret_snapshot = &table->items[i];
                }
        }
        return found;
}

char *zfs_hidden_name(const char *dataset)
{
        uint64_t random;

        hash_random(&random, sizeof(random));
        return xasprintf("%s@" ZFS_HIDDEN "%016" PRIx64, dataset, random);
}

/* What depends on it takes over the snapshot it stands on, and all older ones. They must not have names that are taken there. */
static int hand_over(ZfsWork *t, const Datasets *table, const char *name, const char *to)
{
        _cleanup_strv_ char **visible = NULL;
        _cleanup_free_ char *heir = xstrdup(to);
        int r = 0;

        for (size_t i = 0; i < table->n; i++)
                if (dataset_snapshot_of(&table->items[i], name) && !is_hidden(&table->items[i]))
                        strv_push(&visible, table->items[i].name);
        STRV_FOREACH (snapshot, visible) {
                _cleanup_free_ char *hidden = zfs_hidden_name(name);
                if (r == 0)
                        r = zfs_run(t->zfs, NULL, NULL, NULL, "rename", *snapshot, hidden, NULL);
        }
        return r < 0 ? r : zfs_run(t->zfs, NULL, NULL, NULL, "promote", heir, NULL);
}

/* What cannot go yet, as somebody holds a snapshot of it, does not keep its name. */
static int destroy(ZfsWork *t, const char *name)
{
        int r = zfs_run_settling(t->zfs, NULL, NULL, NULL, "destroy", "-r", name, NULL);

        if (r < 0 && is_in_place(t, name)) {
                _cleanup_free_ char *random = zfs_hidden_name(""),
                                    *suffix = xasprintf("%s-dead", random + strlen("@" ZFS_HIDDEN)),
                                    *dead = zfs_private(t->parent, suffix);
                (void)zfs_run(t->zfs, NULL, NULL, NULL, "rename", name, dead, NULL);
        }
        return r;
}

/* Returns 1 when something changed. What fails is tried again by the next transaction. */
static int collect_one(ZfsWork *t, char ***failed)
{
        const Datasets *table;
        int r = zfs_table(t->zfs, t->parent, &table, NULL);

        for (size_t i = 0; r == 0 && i < table->n; i++) {
                const Dataset *d = &table->items[i], *snapshot;
                _cleanup_free_ char *name = xstrdup(d->name);
                if (strv_contains(*failed, name))
                        continue;
                if (is_hidden(d) && !d->deferred)
                        r = zfs_run(t->zfs, NULL, NULL, NULL, "destroy", "-d", name, NULL);
                else if (is_garbage(t, table, d)) {
                        const Dataset *heir = dependent(t, table, name, &snapshot);
                        if (heir && is_garbage(t, table, heir) && !strv_contains(*failed, heir->name))
                                continue; /* that one goes first */
                        r = heir ? hand_over(t, table, name, heir->name) : destroy(t, name);
                } else
                        continue;
                if (r < 0)
                        strv_push(failed, name);
                return 1;
        }
        return r;
}

static void collect(ZfsWork *t)
{
        _cleanup_strv_ char **failed = NULL;

        while (collect_one(t, &failed) > 0)
                ;
}

/* ---- all together ---- */

static int replace_old(ZfsWork *t, const char *target, Error *e)
{
        const Datasets *table;
        int r = zfs_table(t->zfs, t->parent, &table, e);
        const Dataset *old = r < 0 ? NULL : datasets_find(table, target);

        if (old && (!old->state || !str_eq(old->state, ZFS_REMOVED)))
                r = zfs_run(t->zfs, e, "replace", t->name, "set", ZFS_STATE "=" ZFS_REMOVED, target, NULL);
        if (r < 0)
                return r;
        collect(t);
        return zfs_place(t, t->new, target, e);
}

static int settle_new(ZfsWork *t, Error *e)
{
        const Datasets *table;
        int r = zfs_table(t->zfs, t->parent, &table, e);
        const Dataset *new = r < 0 ? NULL : datasets_find(table, t->new);
        const char *replace = new &&new->state ? str_startswith(new->state, ZFS_REPLACE) : NULL;

        if (!new)
                return r;
        _cleanup_free_ char *target = xstrdup(replace ? replace : new->state);
        if (replace)
                return replace_old(t, target, e);
        if (target && datasets_find(table, t->past) && !datasets_find(table, target))
                return zfs_place(t, t->new, target, e);
        r = zfs_unmount(t, t->new, "undo the change of", e);
        return r < 0 ? r : zfs_run_settling(t->zfs, e, "undo the change of", t->name, "destroy", "-r", t->new, NULL);
}

/* Where a dataset was mounted that is elsewhere now, or the entry of an image. A directory with anything in it is somebody's. */
static int remove_mount_point(ZfsWork *t, Error *e)
{
        const Datasets *table;
        _cleanup_free_ char *key = xasprintf(ZFS_IMAGE "%s", t->name), *image = zfs_private(t->parent, key),
                            *machine = xasprintf("%s/%s", t->parent, t->name), *entry = path_join(STORE_IMAGES, t->name);
        int r = zfs_table(t->zfs, t->parent, &table, e);

        if (r < 0)
                return r;
        if (!datasets_find(table, machine))
                (void)unlinkat(t->store->root_fd, t->name, AT_REMOVEDIR);
        if (!datasets_find(table, image))
                (void)unlinkat(t->store->root_fd, entry, AT_REMOVEDIR);
        return 0;
}

int zfs_settle_work(ZfsWork *t, Error *e)
{
        int r = settle_new(t, e);

        do
                r = r < 0 ? r : complete_one(t, e);
        while (r > 0);
        if (r < 0)
                return r;
        collect(t);
        return remove_mount_point(t, e);
}

static char *noted_parent(const Work *w)
{
        char parent[PATH_MAX];
        ssize_t n = readlinkat(w->fd, WORK_ZFS, parent, sizeof(parent) - 1);

        return n < 0 ? NULL : xstrndup(parent, (size_t)n);
}

void zfs_settle(const Work *w, int hold)
{
        _cleanup_(zfs_work_done) ZfsWork t = {0};
        _cleanup_free_ char *parent = noted_parent(w);

        if (!parent || !zfs_of(w->store)->present)
                return;
        zfs_work_resume(w->store, parent, w, hold, &t);
        int r = zfs_settle_work(&t, NULL);
        if (r == 0 || r == -ENOENT) /* the pool is gone, and with it what there was to settle */
                unlinkat(w->fd, WORK_ZFS, 0);
}

bool zfs_discard(const Work *w)
{
        _cleanup_(zfs_work_done) ZfsWork t = {0};
        _cleanup_free_ char *parent = noted_parent(w);
        const Datasets *table;

        if (!parent)
                return true;
        if (!zfs_of(w->store)->present)
                return false;
        zfs_work_resume(w->store, parent, w, -1, &t);
        int r = zfs_table(t.zfs, t.parent, &table, NULL);
        if (r < 0 || !datasets_find(table, t.new))
                return r == 0 || r == -ENOENT;
        r = zfs_unmount(&t, t.new, NULL, NULL);
        return r == 0 && zfs_run_settling(t.zfs, NULL, NULL, NULL, "destroy", "-r", t.new, NULL) == 0;
}
