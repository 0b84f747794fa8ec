/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Images and snapshots behind one small vtable (store/driver.h). A store is a directory of machines (/var/lib/machines):
 *
 *   NAME/            driver "directory": a plain tree, as debootstrap or systemd-nspawn leave it
 *   NAME.mstack/     driver "overlay": systemd.mstack(7): layer@0, layer@1 … (symlinks to shared layers, lowest first), rw/data, rw/work
 *   NAME/            driver "btrfs": the same as a subvolume
 *   NAME/            driver "zfs": a dataset is mounted there
 *   NAME.raw         driver "raw": a disk image (store/disk.h), which is started as it is
 *   .berth.v/        what is not a machine: layers/ID (shared, read-only trees, an ID is 32 random hex digits), snapshots/NAME/SNAP.mstack
 *                    (the same layout without rw) or SNAP/, images/KEY.mstack (finished roots that create clones from), and
 *                    work/.#NAME.RANDOM, what is under construction or on its way out. The suffix ".v" makes systemd 256+ take it for
 *                    an empty versioned directory (systemd.v(7)): `machinectl clean`, which deletes images with hidden names, passes
 *                    it by, and so does tmpfiles' removal of .#* at boot. An older one stops at .#.berth.v.lck, a directory where it
 *                    wants to lock what it removes.
 *   .#NAME.lck       systemd-nspawn's lock of one image (.#NAME.mstack.lck of a stack)
 *
 * Every change is a transaction: it is built below .berth.v/work and renamed into place (or, for a removal, first renamed out of
 * place). After a kill -9 or a power cut at any instant the old state or the new one is there, and the next store_open() clears the
 * debris. docs/design/store.md has the argument.
 * No function here runs machines or unpacks archives. Paths on disk hold container-side IDs (0 is the machine's root): nothing is
 * ever chowned. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/events.h"

typedef struct Store Store;

typedef enum StoreDriverId {
        STORE_DIRECTORY,
        STORE_OVERLAY,
        STORE_BTRFS,
        STORE_RAW,
        STORE_ZFS,
        _STORE_DRIVER_MAX,
        _STORE_DRIVER_INVALID = -22
} StoreDriverId;
const char *store_driver_name(StoreDriverId id); /* "directory", "overlay", "btrfs", "zfs" */
const char *store_driver_type(StoreDriverId id); /* as machinectl calls it: "directory", "mstack", "subvolume"; "dataset" */
/* With a message that lists what there is. */
int store_driver_from_name(const char *name, StoreDriverId *ret, Error *e);

typedef enum StoreKind { STORE_MACHINE, STORE_IMAGE } StoreKind; /* NAME in the store itself, or KEY below .berth.v/images */

/* What a plan needs of an image, and what list-images shows. */
typedef struct StoreImage {
        char *name;
        StoreDriverId driver;
        char *path; /* /var/lib/machines/NAME or NAME.mstack */
        bool read_only;
        char *directory;        /* the root, when it is one tree: directory, btrfs, zfs; NULL: a dataset that is not mounted */
        char *dataset, *locked; /* zfs: its name, and whose key is missing */
        bool disk;              /* path is a disk image or block device; directory: while somebody looks into it */
        char **layers;          /* overlay: absolute paths of the lower layers, topmost first */
        char *upper, *work;     /* overlay: NULL when the image is read-only (a snapshot, a cached image) */
        uint64_t created_usec, modified_usec; /* realtime; 0 = unknown */
        dev_t dev; /* of path when it was read: store_lock() refuses an image that was exchanged since */
        ino_t ino;
} StoreImage;

void store_image_done(StoreImage *i);

typedef struct StoreSnapshot {
        char *name;
        uint64_t created_usec;
} StoreSnapshot;

/* Opens (and makes, mode 0700, when missing) the store at `root`. Clears the debris of killed commands: what is under
 * construction has its lock held by its maker, so only what is not locked goes. */
int store_open(const char *root, Store **ret, Error *e);
int store_open_as_is(const char *root, Store **ret, Error *e); /* one that is there, without clearing anything */
Store *store_close(Store *s);                                  /* NULL allowed, returns NULL */
static inline void store_closep(Store **s)
{
        store_close(*s);
}

/* The driver that new machines get here: that of the file system when it has snapshots of its own, overlay when it can carry one (xattrs,
 * whiteouts), else directory. */
StoreDriverId store_default_driver(Store *s);
/* -EOPNOTSUPP with a message when new machines cannot get it here. */
int store_check_driver(Store *s, StoreDriverId id, Error *e);
/* Whether the upper layer of an overlayfs can be here. */
bool store_can_carry_overlay(Store *s);

/* -ENOENT with a message that names the thing. STORE_MACHINE also finds what others made: plain directories, foreign .mstack. */
int store_find(Store *s, StoreKind kind, const char *name, StoreImage *ret, Error *e);
/* The stack of layers at an absolute path that ends in ".mstack", wherever it is. */
int store_stack_at(const char *path, StoreImage *ret, Error *e);
int store_list(Store *s, StoreKind kind, StoreImage **ret, size_t *ret_n, Error *e);
/* As an image: the read-only stack of a snapshot. */
int store_find_snapshot(Store *s, const char *name, const char *snapshot, StoreImage *ret, Error *e);

/* Before a machine is started: a dataset that is not mounted gets mounted, its key asked for on the terminal with `ask`. */
int store_ready(Store *s, StoreImage *i, bool ask, Error *e);
/* PROPERTY=VALUE of the datasets made from now on; -EOPNOTSUPP with a message where new machines get none. */
int store_use_zfs_properties(Store *s, StoreDriverId id, char *const *properties, Error *e);

/* The image's files seen from the host without mounting it (layers with whiteouts and opaque directories honoured, symlinks
 * followed inside the image): a read-only descriptor, or -errno. For passwd, os-release, machine-id, /sbin/init. */
int store_image_open(const StoreImage *i, const char *path, int flags);
/* Names in a directory of the image, sorted; nothing when it is not there. In a directory that was renamed below another name, those since
 * then. */
int store_image_names(const StoreImage *i, const char *path, char ***ret);

/* All files of the image, for who reads them one by one: a detached read-only mount (layers merged by the kernel, nothing that is mounted
 * below it on the host), to be closed. A machine that runs meanwhile changes under the reader's eyes. */
int store_tree_open(const StoreImage *i, Error *e);
/* The same to be changed, by who holds the machine's lock. */
int store_tree_open_writable(const StoreImage *i, Error *e);

/* Changes to an image that nothing uses, on its topmost layer, as the machine itself would make them: parents are copied up, or made with
 * mode 0755; what is new belongs to the owner of "/". Links on the way are followed inside the image, one at the end is not. */
int store_image_write(const StoreImage *i, const char *path, const char *text, mode_t mode);
int store_image_symlink(const StoreImage *i, const char *target, const char *path);
int store_image_unlink(const StoreImage *i, const char *path); /* no directories */

/* Building a new image. Between begin and commit the tree is `dirfd`/`path`, empty, mode 0755, hidden and locked. */
typedef struct StoreBuild {
        Store *store;
        StoreKind kind;
        char *name;
        StoreDriverId driver;
        char *path; /* absolute path of the tree being filled */
        int dirfd;
        int lock_fd; /* of the machine's name; -1 for an image */
        int work_fd;
        bool replaces; /* a machine of that name, from store_build_replace() */
        char *hidden;  /* the transaction's directory, relative to the store's root: what abort removes */
} StoreBuild;

/* With the raw driver the tree is a directory for one file: the image. */
#define STORE_DISK "disk"

/* -EEXIST when a machine of that name is there, -EBUSY when another command is just making it. Images are not refused here: of two
 * who build the same one, the first to commit has it, and the other gets -EEXIST (without replace) and may use what is there. */
int store_build_begin(Store *s, StoreKind kind, const char *name, StoreDriverId driver, StoreBuild *ret, Error *e);
/* The same for what takes the place of the machine `old`, with its driver: its snapshots stay. It must not run at the end. */
int store_build_replace(Store *s, const StoreImage *old, StoreBuild *ret, Error *e);
/* syncfs, then into place. replace: an existing image of that name is exchanged and removed (for --rebuild of cached images;
 * machines by store_build_replace() alone). */
int store_build_commit(StoreBuild *b, bool replace, Error *e);
/* Instead of either: what there is of the tree becomes a machine, to be looked into. */
int store_build_keep(StoreBuild *b, const char *machine, Error *e);
void store_build_abort(StoreBuild *b); /* removes what is left; harmless after commit */

/* Locks: systemd-nspawn's two (spec 1.12): .#NAME.lck beside the image and /run/systemd/nspawn/locks/inode-DEV:INO. Held while a machine
 * runs (shared when read-only), by whoever runs it; the verbs below take them themselves. -EBUSY at once, with a message that says so,
 * also when the image is not the one any more that `i` was read from: find it again then. */
typedef struct StoreLock {
        int local_fd, global_fd;
} StoreLock;
#define STORE_LOCK_NONE ((StoreLock){.local_fd = -1, .global_fd = -1})
/* Without a store (NULL) the image is a tree somewhere. */
int store_lock(Store *s, const StoreImage *i, bool exclusive, StoreLock *ret, Error *e);
void store_unlock(StoreLock *l);

/* A place for what is thrown away: path/data and path/work on the store's file system, data with the owner and mode of the image's root.
 * After a kill -9 the next store_open() clears it. */
typedef struct StoreScratch {
        char *path; /* absolute; NULL: none */
        int fd;     /* holds its lock */
} StoreScratch;
#define STORE_SCRATCH_NONE ((StoreScratch){.fd = -1})
int store_scratch_begin(Store *s, const StoreImage *i, StoreScratch *ret, Error *e);
void store_scratch_end(StoreScratch *x);
/* In a process that handed it to another one: without removing anything. */
void store_scratch_abandon(StoreScratch *x);

/* source may be running: `quiesce` (may be NULL, or have NULL fields) is called around the instant of the copy; what a running overlay
 * machine has changed since its last snapshot is copied, everything else is shared. A caller that is killed between freeze and
 * thaw leaves the machine frozen: whoever finds it so thaws it. */
typedef struct StoreQuiesce {
        bool running;                                /* the machine's upper layer is in use */
        int (*freeze)(void *ctx, bool on, Error *e); /* stop and continue all its processes */
        void *ctx;
} StoreQuiesce;

/* What a copy gets of its own: called with the new image, whole but hidden, so that it is there with that or not at all. NULL: nothing. */
typedef struct StoreEdit {
        int (*edit)(void *ctx, const StoreImage *made, Error *e);
        void *ctx;
} StoreEdit;

int store_clone(Store *s, const StoreImage *source, const char *new_name, const StoreQuiesce *q, const StoreEdit *edit,
                const Events *ev, Error *e);
int store_snapshot(Store *s, const StoreImage *i, const char *snapshot, const StoreQuiesce *q, const Events *ev, Error *e);
int store_snapshots(Store *s, const char *name, StoreSnapshot **ret, size_t *ret_n, Error *e); /* oldest first */
void store_snapshots_free(StoreSnapshot *v, size_t n);
/* The machine's present state is given up for the snapshot's; newer snapshots stay. The machine must not run. */
int store_rollback(Store *s, const StoreImage *i, const char *snapshot, Error *e);
int store_snapshot_remove(Store *s, const char *name, const char *snapshot, Error *e);
/* The image, its snapshots and the settings beside it or in /etc/systemd/nspawn. The machine must not run. */
int store_rename(Store *s, const StoreImage *i, const char *new_name, Error *e);
/* What machinectl does: the flag of a subvolume, the immutable attribute of a directory. The machine must not run. */
int store_read_only(Store *s, const StoreImage *i, bool on, Error *e);

#define STORE_UNKNOWN UINT64_MAX
typedef struct StoreUsage { /* bytes; STORE_UNKNOWN where nobody counts or limits */
        uint64_t used, exclusive, limit, exclusive_limit;
} StoreUsage;
int store_set_limit(Store *s, const StoreImage *i, uint64_t bytes /* STORE_UNKNOWN: none */, Error *e);
/* What the file system keeps count of. Never fails for want of it. */
void store_usage(Store *s, const StoreImage *i, StoreUsage *ret);
/* With its snapshots; layers that nothing else uses go too. The machine must not run. */
int store_remove(Store *s, const StoreImage *i, Error *e);
void store_images_free(StoreImage *v, size_t n);

/* Several of these changes as one: steps that are noted on disk, to be done when this process comes to an end before it has noted others.
 * The next store_open() does it, and so does store_journal_end(). Each step is done once or more:
 *   "remove" NAME            the machine, if it is there
 *   "rollback" NAME SNAP     if both are there
 *   "forget" NAME SNAP       the snapshot, if it is there
 *   "replace" NAME OLD       if NAME is there: OLD goes, and NAME gets its name */
typedef struct StoreJournal {
        Store *store;
        char *path, *name;
        int fd; /* holds its lock */
        char **steps;
        unsigned lists; /* that were written */
} StoreJournal;
#define STORE_JOURNAL_NONE ((StoreJournal){.fd = -1})
int store_journal_begin(Store *s, const char *name, StoreJournal *ret, Error *e);
void store_journal_add(StoreJournal *j, const char *verb, const char *name, const char *what);
int store_journal_write(StoreJournal *j, Error *e); /* what was added is noted, instead of what was */
/* What fails now is tried again by the next command. Nobody may hold locks of these machines. */
int store_journal_end(StoreJournal *j, Error *e);
/* In a process that handed it to another one: without doing anything. */
void store_journal_abandon(StoreJournal *j);

/* store_tree_open() of what may have to be made readable before: a snapshot on ZFS where it has no files of its own is cloned for that
 * time. */
typedef struct StoreTree {
        int fd;
        StoreJournal journal;
} StoreTree;
#define STORE_TREE_NONE ((StoreTree){.fd = -1, .journal = STORE_JOURNAL_NONE})
int store_tree_begin(Store *s, const StoreImage *i, StoreTree *ret, Error *e);
void store_tree_end(StoreTree *t);

/* A name that no machine has, for one that is under construction. */
char *store_new_name(Store *s);

/* A copy on another driver, file by file: a new machine, there when it is whole. Its snapshots are not copied. */
int store_copy(Store *s, const StoreImage *source, const char *new_name, StoreDriverId driver, const StoreQuiesce *q,
               const StoreEdit *edit, const Events *ev, Error *e);
/* The same machine on another driver: its name, settings, limit and (as whole copies) its snapshots stay. It must not run. */
int store_convert(Store *s, const StoreImage *i, StoreDriverId driver, bool snapshots, const Events *ev, Error *e);
/* A machine on the overlay driver gets one layer of its own. Its snapshots stay as they are. */
int store_flatten(Store *s, const StoreImage *i, const Events *ev, Error *e);

/* What should not be in a store that was opened as it is (fsck.c). */
typedef struct StoreProblem {
        const char *what; /* "work", "lock", "layer", "image", "snapshot", "mount" */
        char *name;       /* of the machine, image or layer */
        char *detail;     /* a sentence */
        bool repaired;
} StoreProblem;
typedef struct StoreProblems {
        StoreProblem *items;
        size_t n;
} StoreProblems;
int store_fsck(Store *s, bool repair, StoreProblems *ret, Error *e);
void store_problems_done(StoreProblems *p);
