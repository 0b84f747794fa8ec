/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "store/zfs.h"

/* What is done is said in zfs-settle.c. An operation that fails half-way is undone by the same function that clears up after one that
 * was killed. */

typedef struct Change {
        Work work;
        ZfsWork zfs;
        int hold;
} Change;

static void change_done(Change *x)
{
        zfs_work_done(&x->zfs);
        fd_close(x->hold);
        work_end(&x->work);
}

#define CHANGE_NONE ((Change){.work = WORK_NONE, .hold = -1})

static int begin(Store *s, const char *name, const char *dataset, Change *x, Error *e)
{
        _cleanup_free_ char *parent = zfs_parent_of(dataset);
        int r = x->hold = store_hold(s, e);

        if (r >= 0)
                r = work_begin(s, name, &x->work, e);
        return r < 0 ? r : zfs_work_begin(s, parent, &x->work, x->hold, &x->zfs, e);
}

/* r: what has come of it; e is set already when it is a failure. */
static int end(Change *x, int r, Error *e)
{
        int k = x->zfs.zfs ? zfs_settle_work(&x->zfs, r < 0 ? NULL : e) : 0;

        if (k == 0)
                unlinkat(x->work.fd, WORK_ZFS, 0); /* else the next command goes on with it */
        return r < 0 ? r : k;
}

/* ---- another dataset in a machine's place ---- */

/* The ID that ties the machine and what it leaves behind together. */
static int machine_id(Change *x, const char *dataset, char **ret, Error *e)
{
        const Datasets *table;
        uint8_t random[16];
        char hex[2 * sizeof(random) + 1];
        int r = zfs_table(x->zfs.zfs, x->zfs.parent, &table, e);
        const Dataset *d = r < 0 ? NULL : datasets_find(table, dataset);

        if (r < 0)
                return r;
        if (d && d->machine) {
                *ret = xasprintf(ZFS_MACHINE "=%s", d->machine);
                return 0;
        }
        hash_random(random, sizeof(random));
        hash_hex(random, sizeof(random), hex);
        *ret = xasprintf(ZFS_MACHINE "=%s", hex);
        return zfs_run(x->zfs.zfs, e, "roll back", x->zfs.name, "set", *ret, dataset, NULL);
}

/* What is left behind keeps its snapshots; its own state is given up, now or with the last of them: zfs-fuse takes seconds for it. */
static void forget_state(Change *x)
{
        const Datasets *table;
        _cleanup_free_ char *newest = NULL;

        if (!x->zfs.zfs->native || zfs_table(x->zfs.zfs, x->zfs.parent, &table, NULL) < 0)
                return;
        for (size_t i = 0; i < table->n; i++)
                if (dataset_snapshot_of(&table->items[i], x->zfs.past)) {
                        free(newest);
                        newest = xstrdup(table->items[i].name);
                }
        if (newest)
                (void)zfs_run(x->zfs.zfs, NULL, NULL, NULL, "rollback", newest, NULL);
}

/* The new dataset becomes the machine, and the old one is where its snapshots are kept. */
static int take_place(Change *x, const char *dataset, const char *doing, Error *e)
{
        int r = zfs_unmount(&x->zfs, x->zfs.new, doing, e); /* zfs-fuse mounts it whatever it is told */

        if (r == 0)
                r = zfs_take_away(&x->zfs, dataset, doing, e);
        if (r == 0)
                r = zfs_rename_dataset(&x->zfs, dataset, x->zfs.past, doing, e);
        if (r == 0)
                r = zfs_place(&x->zfs, x->zfs.new, dataset, e);
        if (r == 0)
                forget_state(x);
        return r;
}

/* ---- new datasets ---- */

typedef char **Args;

static void add_property(Args *args, const char *property)
{
        strv_push(args, "-o");
        strv_push(args, property);
}

static void add_new(const Change *x, const char *command, const char *where, const char *target, Args *args)
{
        _cleanup_free_ char *mountpoint = xasprintf("mountpoint=%s/%s/%s", x->zfs.zfs->root, x->work.path, where),
                            *state = xasprintf(ZFS_STATE "=%s", target);

        strv_push(args, command);
        add_property(args, "canmount=noauto");
        add_property(args, mountpoint);
        add_property(args, state);
}

/* Those that were set for this very dataset, as its limit: a clone would not have them. */
static int add_properties_of(Zfs *z, const char *dataset, Args *args, Error *e)
{
        static const char *const not [] = {"mountpoint",  "canmount",    "encryption", "keyformat",
                                           "keylocation", "pbkdf2iters", "readonly"};
        char *get[] = {"get", "-H", "-p", "-s", "local", "-o", "property,value", "all", (char *)dataset, NULL};
        _cleanup_free_ char *text = NULL;
        char *save = NULL;
        int r = zfs_run_args(z, e, "read the properties of", dataset, get, false, &text);

        for (char *line = r < 0 ? NULL : strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *tab = strchr(line, '\t');
                bool skip = !tab || str_startswith(line, "org.berth:");
                if (tab)
                        *tab = '\0';
                for (size_t i = 0; i < ELEMENTSOF(not ); i++)
                        skip = skip || str_eq(line, not [i]);
                if (skip)
                        continue;
                *tab = '=';
                add_property(args, line);
        }
        return r;
}

static int make_clone(Change *x, Args *args, const char *snapshot, Error *e)
{
        strv_push(args, snapshot);
        strv_push(args, x->zfs.new);
        return zfs_run_args(x->zfs.zfs, e, "make", x->zfs.name, *args, false, NULL);
}

int zfs_make(StoreBuild *b, const Work *w, Error *e)
{
        _cleanup_(zfs_work_done) ZfsWork t = {0};
        _cleanup_strv_ char **args = NULL;
        Zfs *z = zfs_of(b->store);
        Change x = {.work = *w};
        _cleanup_free_ char *key = xasprintf(ZFS_IMAGE "%s", b->name),
                            *target = b->kind == STORE_IMAGE ? zfs_private(z->parent, key)
                                                             : xasprintf("%s/%s", z->parent, b->name);
        int r = zfs_work_begin(b->store, z->parent, w, -1, &t, e);

        if (r < 0)
                return r;
        x.zfs = t;
        add_new(&x, "create", WORK_TREE, target, &args);
        STRV_FOREACH (property, z->properties)
                add_property(&args, *property);
        if (b->replaces)
                r = add_properties_of(z, target, &args, e);
        if (r < 0)
                return r;
        strv_push(&args, t.new);
        r = zfs_run_args(z, e, "make", b->name, args, isatty(STDIN_FILENO), NULL);
        return r < 0 ? r : zfs_mount_new(&t, w, WORK_TREE, e);
}

bool zfs_replaces(Store *s, const StoreImage *old)
{
        _cleanup_free_ char *target = xasprintf("%s/%s", zfs_of(s)->parent, old->name);

        return zfs_of(s)->parent && str_eq(old->dataset, target);
}

/* A finished image of that name gives way: its clones stand on its snapshots, which are handed over to them. */
static int put_in_place(Change *x, const char *target, bool may_replace, Error *e)
{
        const Datasets *table;
        _cleanup_free_ char *state = xasprintf(ZFS_STATE "=" ZFS_REPLACE "%s", target);
        int r = zfs_table(x->zfs.zfs, x->zfs.parent, &table, e);

        if (r < 0)
                return r;
        if (!datasets_find(table, target))
                return zfs_place(&x->zfs, x->zfs.new, target, e);
        if (!may_replace)
                return store_failed(x->zfs.store, -EEXIST, e, "make", x->zfs.name);
        return zfs_run(x->zfs.zfs, e, "replace", x->zfs.name, "set", state, x->zfs.new, NULL); /* the rest is settled */
}

static int replace_machine(Change *x, const char *dataset, Error *e)
{
        _cleanup_free_ char *machine = NULL;
        int r = machine_id(x, dataset, &machine, e);

        if (r == 0)
                r = zfs_run(x->zfs.zfs, e, "replace", x->zfs.name, "set", machine, x->zfs.new, NULL);
        return r < 0 ? r : take_place(x, dataset, "replace", e);
}

int zfs_commit(StoreBuild *b, const Work *w, bool may_replace, int hold, Error *e)
{
        Zfs *z = zfs_of(b->store);
        Change x = {.work = *w};
        _cleanup_free_ char *key = xasprintf(ZFS_IMAGE "%s", b->name),
                            *target = b->kind == STORE_IMAGE ? zfs_private(z->parent, key)
                                                             : xasprintf("%s/%s", z->parent, b->name),
                            *entry = path_join(STORE_IMAGES, b->name);
        b->dirfd = fd_close(b->dirfd); /* else it could not be unmounted */
        int r = b->kind == STORE_IMAGE || b->replaces ? 0 : entries_clear_stale_snapshots(b->store, w, b->name);
        if (r < 0)
                return store_failed(b->store, r, e, "make", b->name);
        /* The entry of a finished image may be another driver's. */
        if (b->kind == STORE_IMAGE && may_replace && renameat(b->store->root_fd, entry, w->fd, WORK_OLD) < 0 && errno != ENOENT)
                return store_failed(b->store, -errno, e, "replace", b->name);
        zfs_work_resume(b->store, z->parent, w, hold, &x.zfs);
        r = b->replaces ? replace_machine(&x, target, e) : put_in_place(&x, target, may_replace, e);
        r = end(&x, r, e);
        zfs_work_done(&x.zfs);
        return r;
}

/* ---- clone, snapshot ---- */

/* The state to clone: the snapshot that was named, or one of this moment, which goes with its last clone. */
static int clone_source(Change *x, const char *dataset, Args *args, const char *new, Error *e)
{
        if (strchr(dataset, '@'))
                return make_clone(x, args, dataset, e);
        _cleanup_free_ char *hidden = zfs_hidden_name(dataset);
        int r = zfs_run(x->zfs.zfs, e, "clone", x->zfs.name, "snapshot", hidden, NULL);
        if (r == 0)
                r = make_clone(x, args, hidden, e);
        return r < 0 ? r : zfs_run(x->zfs.zfs, e, "clone", x->zfs.name, "destroy", "-d", hidden, NULL);
}

static int sync_tree(const StoreImage *i)
{
        _cleanup_close_ int fd = i->directory ? open(i->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        return fd >= 0 && syncfs(fd) < 0 ? -errno : 0;
}

static int do_clone(const StoreChange *c, Change *x, Error *e)
{
        _cleanup_strv_ char **args = NULL;
        const char *dataset = c->image->dataset;
        _cleanup_free_ char *target = xasprintf("%s/%s", x->zfs.parent, c->name),
                            *source = xstrndup(dataset, strcspn(dataset, "@"));
        int r = sync_tree(c->image);

        if (r < 0)
                return store_failed(c->store, r, e, "read", c->image->name);
        add_new(x, "clone", WORK_NEW, target, &args);
        r = add_properties_of(x->zfs.zfs, source, &args, e);
        if (r == 0)
                r = clone_source(x, dataset, &args, c->name, e);
        if (r == 0 && c->edit && c->edit->edit)
                r = zfs_mount_new(&x->zfs, &x->work, WORK_NEW, e);
        if (r == 0)
                r = edit_new(c, &x->work, e);
        if (r == 0)
                r = entries_clear_stale_snapshots(c->store, &x->work, c->name);
        return r < 0 ? r : zfs_place(&x->zfs, x->zfs.new, target, e);
}

int zfs_clone(const StoreChange *c, Error *e)
{
        _cleanup_(change_done) Change x = CHANGE_NONE;
        int r = begin(c->store, c->image->name, c->image->dataset, &x, e);

        if (r < 0)
                return r;
        r = entries_machine_is_free(c->store, c->name, e);
        if (r == 0)
                r = do_clone(c, &x, e);
        return end(&x, r, e);
}

/* One command, and the kernel's own instant. */
int zfs_snapshot(const StoreChange *c, Error *e)
{
        Zfs *z = zfs_of(c->store);
        _cleanup_free_ char *name = xasprintf("%s@%s", c->image->dataset, c->name), *there = NULL;
        _cleanup_close_ int hold = store_hold(c->store, e);
        int r = hold < 0 ? hold : sync_tree(c->image);

        if (hold < 0)
                return hold;
        if (r < 0)
                return store_failed(c->store, r, e, "read", c->image->name);
        there = zfs_find_snapshot(z, c->image->dataset, c->name);
        if (there)
                return error_set(e, -EEXIST, "machine '%s' already has a snapshot '%s'; choose another name", c->image->name,
                                 c->name);
        z->hold = hold;
        r = zfs_run(z, e, "take a snapshot of", c->image->name, "snapshot", name, NULL);
        z->hold = -1;
        return r;
}

/* ---- rollback ---- */

/* zfs rollback is one command, but knows only the newest snapshot. */
static bool is_newest(const Datasets *table, const char *dataset, const char *snapshot)
{
        const char *newest = NULL;

        for (size_t i = 0; i < table->n; i++)
                if (dataset_snapshot_of(&table->items[i], dataset))
                        newest = table->items[i].name;
        return newest && str_eq(newest, snapshot);
}

/* The machine's dataset takes over the snapshots that its state stands on, so that they bear its name. Whether that comes off or not,
 * they are found. */
static void adopt(Change *x, const char *dataset)
{
        const Datasets *table;

        for (;;) {
                if (zfs_table(x->zfs.zfs, x->zfs.parent, &table, NULL) < 0)
                        return;
                const Dataset *d = datasets_find(table, dataset);
                if (!d || !d->origin)
                        return;
                _cleanup_free_ char *holder = xstrndup(d->origin, strcspn(d->origin, "@"));
                const Dataset *h = datasets_find(table, holder);
                if (!h || !h->machine || !d->machine || !str_eq(h->machine, d->machine) ||
                    zfs_run(x->zfs.zfs, NULL, NULL, NULL, "promote", dataset, NULL) < 0)
                        return;
        }
}

/* To any other: a clone of the snapshot becomes the machine, and the old dataset is where the newer snapshots are kept. */
static int exchange(const StoreChange *c, Change *x, const char *snapshot, Error *e)
{
        const char *dataset = c->image->dataset;
        _cleanup_strv_ char **args = NULL;
        _cleanup_free_ char *machine = NULL;
        int r = machine_id(x, dataset, &machine, e);

        if (r < 0)
                return r;
        add_new(x, "clone", WORK_NEW, dataset, &args);
        add_property(&args, machine);
        r = add_properties_of(x->zfs.zfs, dataset, &args, e);
        if (r == 0)
                r = make_clone(x, &args, snapshot, e);
        if (r == 0)
                r = take_place(x, dataset, "roll back", e);
        if (r == 0)
                adopt(x, dataset);
        return r;
}

static int refuse_children(const StoreChange *c, Change *x, Error *e)
{
        const Datasets *table;
        _cleanup_free_ char *prefix = xasprintf("%s/", c->image->dataset);
        int r = zfs_table(x->zfs.zfs, x->zfs.parent, &table, e);

        for (size_t i = 0; r == 0 && i < table->n; i++)
                if (str_startswith(table->items[i].name, prefix))
                        return error_set(e, -EOPNOTSUPP,
                                         "machine '%s' has datasets of its own below it ('%s'), which only 'zfs' can change",
                                         c->image->name, table->items[i].name);
        return r;
}

static int begin_change(const StoreChange *c, Change *x, Error *e)
{
        if (c->image->read_only && !strchr(c->image->dataset, '@'))
                return entries_moved_away(c, -EROFS, e);
        int r = begin(c->store, c->image->name, c->image->dataset, x, e);
        return r < 0 ? r : refuse_children(c, x, e);
}

int zfs_rollback(const StoreChange *c, Error *e)
{
        _cleanup_(change_done) Change x = CHANGE_NONE;
        Zfs *z = zfs_of(c->store);
        const Datasets *table;
        int r = begin_change(c, &x, e);
        _cleanup_free_ char *snapshot = r < 0 ? NULL : zfs_find_snapshot(z, c->image->dataset, c->name);

        if (r == 0 && !snapshot)
                r = error_set(e, -ENOENT, "machine '%s' has no snapshot '%s'", c->image->name, c->name);
        if (r == 0)
                r = zfs_table(z, x.zfs.parent, &table, e);
        if (r < 0)
                return r;
        if (is_newest(table, c->image->dataset, snapshot))
                return zfs_run(z, e, "roll back", c->image->name, "rollback", snapshot, NULL);
        return end(&x, exchange(c, &x, snapshot, e), e);
}

/* ---- removal, renaming ---- */

int zfs_snapshot_remove(const StoreChange *c, Error *e)
{
        _cleanup_(change_done) Change x = CHANGE_NONE;
        Zfs *z = zfs_of(c->store);
        const Datasets *table;
        int r = begin(c->store, c->image->name, c->image->dataset, &x, e);
        _cleanup_free_ char *snapshot = r < 0 ? NULL : zfs_find_snapshot(z, c->image->dataset, c->name),
                            *dataset = snapshot ? xstrndup(snapshot, strcspn(snapshot, "@")) : NULL,
                            *hidden = dataset ? zfs_hidden_name(dataset) : NULL;

        if (r == 0)
                r = zfs_table(z, x.zfs.parent, &table, e);
        if (r < 0 || !snapshot)
                return r < 0 ? r : error_set(e, -ENOENT, "machine '%s' has no snapshot '%s'", c->image->name, c->name);
        if (datasets_clone_of(table, snapshot)) /* goes with the last of them */
                r = zfs_run(z, e, "remove the snapshot", c->name, "rename", snapshot, hidden, NULL);
        else
                r = zfs_run(z, e, "remove the snapshot", c->name, "destroy", snapshot, NULL);
        return end(&x, r, e);
}

int zfs_remove(const StoreChange *c, Error *e)
{
        _cleanup_(change_done) Change x = CHANGE_NONE;
        int r = begin_change(c, &x, e);

        if (r < 0)
                return r;
        r = zfs_take_away(&x.zfs, c->image->dataset, "remove", e);
        if (r == 0)
                r = zfs_run(x.zfs.zfs, e, "remove", c->image->name, "set", ZFS_STATE "=" ZFS_REMOVED, c->image->dataset, NULL);
        return end(&x, r, e);
}

static int rename_dataset(const StoreChange *c, const Work *w, const Place *place, int hold, Error *e)
{
        Change x = {.work = *w};
        _cleanup_free_ char *parent = zfs_parent_of(c->image->dataset), *target = xasprintf("%s/%s", parent, c->name);
        int r = zfs_work_begin(c->store, parent, w, hold, &x.zfs, e);

        if (r == 0)
                r = refuse_children(c, &x, e);
        if (r == 0)
                r = zfs_take_away(&x.zfs, c->image->dataset, "rename", e);
        if (r == 0)
                r = zfs_rename_dataset(&x.zfs, c->image->dataset, target, "rename", e);
        r = end(&x, r, e);
        zfs_work_done(&x.zfs);
        return r;
}

int zfs_rename(const StoreChange *c, Error *e)
{
        return entries_rename_by(c, rename_dataset, e);
}
