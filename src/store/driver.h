/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a storage driver is to the rest of the store. A function that is NULL is what the driver cannot do; the caller says so by
 * name. The table in store.c is in order of precedence: an entry of the store belongs to the first driver that claims it. */

#include "store/work.h"

typedef struct StoreChange {
        Store *store;
        const StoreImage *image; /* the source; its lock is held unless quiesce->running */
        const char *name;        /* clone: the new machine; else the snapshot */
        const StoreQuiesce *quiesce;
        const StoreEdit *edit; /* of a clone, may be NULL */
        const Events *events;
} StoreChange;

typedef struct StoreDriver {
        StoreDriverId id;
        const char *name;
        const char *type;            /* machinectl's word */
        const char *suffix;          /* of its entries in the store, "" or ".mstack" */
        bool is_file;                /* its entries are regular files, which no tree becomes, else directories */
        bool (*available)(Store *s); /* whether new images can be made here; NULL: anywhere */
        /* NULL: the suffix tells. `dir` is relative to the store's root; fd may be O_PATH. */
        bool (*claims)(Store *s, const char *dir, const char *entry, int fd);
        int (*load)(Store *s, StoreImage *i, int fd, Error *e); /* fills in what lies below i->path */

        int (*make)(StoreBuild *b, const Work *w, Error *e); /* the empty WORK_TREE; NULL: a plain directory */
        /* Makes WORK_NEW from the WORK_TREE that was filled; the store is held. */
        int (*finish)(StoreBuild *b, const Work *w, Error *e);
        /* Instead of that and of renaming WORK_NEW into its place. hold: the lock of the store. */
        int (*commit)(StoreBuild *b, const Work *w, bool replace, int hold, Error *e);
        bool (*replaces)(Store *s, const StoreImage *old); /* with commit: whether b->replaces is possible here; NULL: never */

        int (*clone)(const StoreChange *c, Error *e);
        int (*snapshot)(const StoreChange *c, Error *e);
        int (*rollback)(const StoreChange *c, Error *e);
        int (*snapshot_remove)(const StoreChange *c, Error *e);
        int (*remove)(const StoreChange *c, Error *e);
        int (*snapshot_find)(const StoreChange *c, StoreImage *ret, Error *e); /* -ENOENT without a message */
        int (*snapshots)(const StoreChange *c, StoreSnapshot **ret, size_t *ret_n, Error *e);

        int (*rename)(const StoreChange *c, Error *e);
        int (*read_only)(const StoreChange *c, bool on, Error *e);
        int (*set_limit)(const StoreChange *c, uint64_t bytes, Error *e);
        int (*ready)(Store *s, StoreImage *i, bool ask, Error *e);              /* before a machine is started */
        int (*usage)(Store *s, const StoreImage *i, StoreUsage *ret, Error *e); /* only what is known without counting */
} StoreDriver;

extern const StoreDriver driver_zfs, driver_btrfs, driver_overlay, driver_directory, driver_raw;

const StoreDriver *driver_at(size_t precedence); /* NULL behind the last */
const StoreDriver *driver_by_id(StoreDriverId id);
bool driver_takes_trees(const StoreDriver *d); /* whether a tree becomes a machine of it */
/* Whose an entry of the store is, by its name and the open directory; NULL: nobody's. */
const StoreDriver *driver_of_entry(Store *s, const char *dir, const char *entry, int fd, char **ret_name);

/* For drivers whose images and snapshots are entries of directories: snapshot SNAP of NAME is .berth.v/snapshots/NAME/SNAP + suffix. */
typedef struct Place {
        char *dir; /* relative to the store's root */
        char *entry;
} Place;
void place_done(Place *p);

extern const char *const entry_suffixes[]; /* of all drivers, NULL-terminated */

char *entry_name(const char *entry); /* without its suffix */

/* For drivers whose every state is a whole copy (driver-directory.c). */
int copied_clone(const StoreChange *c, Error *e);
int copied_snapshot(const StoreChange *c, Error *e);
int copied_rollback(const StoreChange *c, Error *e);

/* WORK_TREE as it is becomes WORK_NEW. */
int entries_finish(StoreBuild *b, const Work *w, Error *e);
/* Where clone or snapshot c->name will be; -EEXIST with a message when it is there already. Under store_hold(), as the next three. */
int entries_place(const StoreChange *c, bool snapshot, Place *ret, Error *e);
int entries_commit(Store *s, const Work *w, const Place *p, Error *e); /* WORK_NEW goes there */
int entries_exchange(const StoreChange *c, const Work *w, Error *e);   /* WORK_NEW becomes c->image, and that WORK_OLD */
int entries_machine_is_free(Store *s, const char *name, Error *e);     /* 0 or -EEXIST */
/* Snapshots without a machine: somebody removed it with other means. A new one must not inherit them. */
int entries_clear_stale_snapshots(Store *s, const Work *w, const char *entry);
/* Why the image could not be renamed. */
int entries_moved_away(const StoreChange *c, int code, Error *e);
int entries_remove(const StoreChange *c, Error *e);
int entries_rename(const StoreChange *c, Error *e);
/* The same with something else than rename(2) for the image itself; hold: the lock of the store. */
typedef int (*RenameFunc)(const StoreChange *c, const Work *w, const Place *p, int hold, Error *e);
int entries_rename_by(const StoreChange *c, RenameFunc rename, Error *e);
int entries_snapshot_remove(const StoreChange *c, Error *e);
int entries_snapshot_find(const StoreChange *c, StoreImage *ret, Error *e);
int entries_snapshots(const StoreChange *c, StoreSnapshot **ret, size_t *ret_n, Error *e);

/* Reads the image NAME in the directory `dir`, relative to the store's root. -ENOENT without a message. */
int image_load(Store *s, const char *dir, const char *name, StoreImage *ret, Error *e);
/* The image c->name as it stands in WORK_NEW. */
int image_load_new(const StoreChange *c, const Work *w, StoreImage *ret, Error *e);
/* The path of the directory or file without links, as components. O_NOFOLLOW: the last one may be a link. */
int image_resolve(const StoreImage *i, const char *path, int flags, char ***ret);
void image_set_created(int fd, uint64_t usec);
uint64_t image_noted_created(int fd); /* 0: none */
/* store_lock(), which waits for the lock with `block`. */
int image_lock(const StoreImage *i, bool exclusive, bool block, StoreLock *ret, Error *e);
/* Whoever may write to it can no longer, nor remove it: what chattr +i gives. */
int image_set_immutable(const StoreChange *c, bool on, Error *e);
bool image_is_running(const StoreQuiesce *q);

/* Lets the caller of a clone do its part in WORK_NEW. */
int edit_new(const StoreChange *c, const Work *w, Error *e);

/* As sys_copy_tree() from an absolute path into WORK_TREE or WORK_NEW, with the machine frozen for that time when it runs. On disk
 * when it returns. */
int copy_frozen(const StoreChange *c, const char *source, const Work *w, const char *name, Error *e);
