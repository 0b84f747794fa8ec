/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transactions. Each works in a directory of its own, .berth.v/work/.#NAME.RANDOM, which it keeps locked with flock(2): what
 * is there without a lock was left by a command that was killed. All states of an image are made as WORK_NEW in it and renamed into place;
 * all that is given up is renamed into it first. So there is one place to look for debris, and removing it needs no care. */

#include "store/store.h"

struct Store {
        char *root;
        int root_fd;
        struct Zfs *zfs; /* what zfs_of() found; NULL: nobody has asked */
};

#define STORE_PRIVATE ".berth.v"
#define STORE_GUARD \
        ".#.berth.v.lck" /* a directory where machinectl before systemd 256 wants a lock file, and so removes nothing */
#define STORE_WORK      ".berth.v/work"
#define STORE_LAYERS    ".berth.v/layers"
#define STORE_SNAPSHOTS ".berth.v/snapshots"
#define STORE_IMAGES    ".berth.v/images"
#define STORE_SPARE \
        ".berth.v/spare" /* an empty directory for a transaction on a full disk: else nothing could be removed there */

#define WORK_NEW       "new"       /* a state under construction; layers it names are in use */
#define WORK_TREE      "tree"      /* a tree that is being filled, no layer yet */
#define WORK_OLD       "old"       /* given up */
#define WORK_DEAD      "dead"      /* was WORK_NEW of a killed command */
#define WORK_REMOVED   "removed"   /* a machine given up: its snapshots follow */
#define WORK_RENAME    "rename"    /* what a machine is about to be called (rename.c) */
#define WORK_ZFS       "zfs"       /* below which dataset this one works (zfs-settle.c) */
#define WORK_SNAPSHOTS "snapshots" /* snapshots given up */
#define WORK_STEPS     "steps"     /* what is to be done when its owner is gone (journal.c) */

typedef struct Work {
        Store *store;
        char *path; /* relative to the store's root; NULL: none */
        int fd;
        bool collect; /* layers may have lost their last user */
} Work;

#define WORK_NONE ((Work){.fd = -1})

/* The store-wide lock, for the short time in which names and layers change. It is not recursive: close the descriptor before work_end().
 * What killed commands left half done is completed first. */
int store_hold(Store *s, Error *e);

int work_begin(Store *s, const char *name, Work *ret, Error *e); /* under store_hold() */
void work_end(Work *w);                                          /* not under store_hold(); removes what is in it */
void work_abandon(Work *w);                                      /* leaves everything to the next command */
void work_clear_debris(Store *s);
int rename_settle(const Work *w);
int journal_settle(Store *s, int work_fd, Error *e); /* not under store_hold() */
/* Lock files that nobody holds: whoever was killed could not take them away. */
void locks_clear_stale(Store *s);
/* RENAME_NOREPLACE, or its like where the file system has none: all who make names here hold the store's lock. */
int rename_exclusive(int from_fd, const char *from, int to_fd, const char *to);
/* Renames `name` of w to the free `entry` in `dir` (relative to the store's root), durably. -EEXIST when it is taken. */
int work_place(const Work *w, const char *name, const char *dir, const char *entry);

/* Sets e, and says so when the file system is full. `doing` completes "cannot …". */
int store_failed(const Store *s, int code, Error *e, const char *doing, const char *name);

/* Names in a directory, sorted, without "." and ".."; a missing directory is empty. */
int dir_entries(int dirfd, const char *path, char ***ret);
