/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the drivers' vtable needs of ZFS, through zfs(8), whose output for scripts is a stable interface. One program serves OpenZFS and
 * zfs-fuse; what the latter's does not know (list -p, keystatus, the .zfs directory) is done without. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/driver.h"

#define ZFS_PRIVATE   ".berth.v"        /* below the machines' dataset: what is no machine */
#define ZFS_STATE     "org.berth:state" /* of a dataset that something is to be done about: its place, or one of these */
#define ZFS_REMOVED   "removed"
#define ZFS_REPLACE   "replace:"           /* before the place: what is there is removed first */
#define ZFS_READ_ONLY "org.berth:readonly" /* as readonly, where that does not tell */
#define ZFS_MACHINE   "org.berth:machine"  /* an ID that ties snapshots kept in other datasets to their machine */
#define ZFS_HIDDEN    ".berth-"            /* begins the names of snapshots that nobody took */

typedef struct Dataset {
        char *name;       /* pool/machines/NAME, or with @SNAPSHOT */
        char *mountpoint; /* a path, "none" or "legacy"; NULL: of a snapshot */
        char *origin;     /* the snapshot it is a clone of, or NULL */
        char *state, *machine;
        char *key_root; /* whose key is missing; NULL: none */
        uint64_t created_usec, used, referenced, limit;
        bool snapshot, mounted, read_only, deferred, canmount;
} Dataset;

typedef struct Datasets {
        Dataset *items;
        size_t n;
} Datasets;

typedef struct Zfs {
        bool native;       /* OpenZFS in the kernel, else zfs-fuse */
        bool present;      /* whether there can be any ZFS here */
        char *root;        /* the store, without symlinks: as mount points have it */
        char *parent;      /* the dataset that machines are made below; NULL: the store is on no ZFS */
        char **properties; /* "compression=on": of new machines */
        int hold, work;    /* locks that shall be held as long as the tool runs, even if berth is killed; -1: none */
        Datasets table;    /* what zfs_table() read last */
        char *table_root;  /* NULL: nothing, or out of date */
} Zfs;

/* Of this store, looked for once. */
Zfs *zfs_of(Store *s);
void zfs_done(Zfs *z);

/* zfs ARG…, ended by NULL. The tool's own words go into the message behind "cannot DOING 'NAME'"; doing NULL: no message. */
int zfs_run(Zfs *z, Error *e, const char *doing, const char *name, ...) __attribute__((sentinel));
/* output: of the tool, may be NULL. terminal: the tool may ask on the caller's. */
int zfs_run_args(Zfs *z, Error *e, const char *doing, const char *name, char *const *args, bool terminal, char **ret_output);
/* The same for what follows an unmount, which zfs-fuse completes some time later. */
int zfs_run_settling(Zfs *z, Error *e, const char *doing, const char *name, ...) __attribute__((sentinel));

/* Everything from `root` downwards, as the tool sorts it: snapshots behind their dataset, oldest first. Valid until the tool runs again. */
int zfs_table(Zfs *z, const char *root, const Datasets **ret, Error *e);
void zfs_forget_table(Zfs *z);
const Dataset *datasets_find(const Datasets *v, const char *name);
const Dataset *datasets_clone_of(const Datasets *v, const char *snapshot);
bool dataset_is_below(const char *name, const char *parent);  /* directly */
bool dataset_snapshot_of(const Dataset *d, const char *name); /* whether it is a snapshot of that one */
const char *dataset_snapshot_name(const Dataset *d);

/* The dataset mounted at path; NULL. */
char *zfs_mounted_at(const char *path);

/* ---- transactions (zfs-settle.c) ----
 * Datasets of a transaction are PARENT/.berth.v/RANDOM-new and -past, with the RANDOM of its work directory. */
typedef struct ZfsWork {
        Store *store;
        Zfs *zfs;
        char *parent; /* of the machine's dataset */
        char *name;   /* of the machine */
        char *new, *past;
} ZfsWork;
#define ZFS_IMAGE "image-" /* begins the names of finished images */
int zfs_work_begin(Store *s, const char *parent, const Work *w, int hold, ZfsWork *ret,
                   Error *e); /* noted in w, PARENT/.berth.v made */
/* The same again for a transaction that is under way. */
void zfs_work_resume(Store *s, const char *parent, const Work *w, int hold, ZfsWork *ret);
void zfs_work_done(ZfsWork *t);
char *zfs_private(const char *parent, const char *suffix); /* PARENT/.berth.v/SUFFIX */
/* The dataset goes where its ZFS_STATE says, and is mounted there. */
int zfs_place(ZfsWork *t, const char *dataset, const char *target, Error *e);
/* The new dataset, at `where` in the work directory. */
int zfs_mount_new(ZfsWork *t, const Work *w, const char *where, Error *e);
int zfs_unmount(ZfsWork *t, const char *dataset, const char *doing, Error *e); /* if it is mounted */
/* Clones of it that are mounted are so afterwards, unless berth is killed; then they are when they are started. */
int zfs_rename_dataset(ZfsWork *t, const char *dataset, const char *target, const char *doing, Error *e);
/* It is unmounted, and marked so that zfs_settle_work() brings it back if it does not get a new name. */
int zfs_take_away(ZfsWork *t, const char *dataset, const char *doing, Error *e);
/* Finishes or undoes what was begun; then removes what nobody needs. Under store_hold(). */
int zfs_settle_work(ZfsWork *t, Error *e);
/* The same for a work directory whose owner died, if ZFS has to do with it. */
void zfs_settle(const Work *w, int hold);
/* Before a work directory is removed: its new dataset goes. False: it cannot go yet, and the directory with its note must stay. */
bool zfs_discard(const Work *w);

/* ---- the driver (driver-zfs.c, zfs-change.c) ---- */
char *zfs_parent_of(const char *dataset);                                   /* of a machine or of what is private; NULL: a pool */
char *zfs_hidden_name(const char *dataset);                                 /* of a snapshot that goes with its last clone */
char *zfs_find_snapshot(Zfs *z, const char *dataset, const char *snapshot); /* of a machine, wherever it is kept; NULL */
bool zfs_replaces(Store *s, const StoreImage *old);
int zfs_make(StoreBuild *b, const Work *w, Error *e);
int zfs_commit(StoreBuild *b, const Work *w, bool may_replace, int hold, Error *e);
int zfs_clone(const StoreChange *c, Error *e);
int zfs_snapshot(const StoreChange *c, Error *e);
int zfs_rollback(const StoreChange *c, Error *e);
int zfs_snapshot_remove(const StoreChange *c, Error *e);
int zfs_remove(const StoreChange *c, Error *e);
int zfs_rename(const StoreChange *c, Error *e);
