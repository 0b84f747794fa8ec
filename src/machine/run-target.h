/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What one start works on: the image, the settings that hold, and what is held while the machine runs (its name in the registry, its ID
 * range, the image's locks). target_open() changes nothing, target_claim() takes, target_release() gives back. */

#include "machine/machine.h"
#include "machine/run-facts.h"
#include "machine/run-range.h"

typedef struct Target {
        const MachineHost *host;
        MachineVerb verb;
        MachineSpec spec; /* command line over settings file over the verb's defaults */
        char *name;
        Store *store; /* NULL with --directory= */
        StoreImage image;
        ImageOs os;
        IdRange range;
        IdRange delegated[SPEC_DELEGATE_MAX];
        size_t n_delegated;
        StoreLock image_lock;
        char *snapshot_of;    /* a snapshot of this machine is started; else NULL */
        StoreScratch scratch; /* where an ephemeral machine's changes go */
        StoreJournal clone;   /* of a snapshot that is started: it goes at the end */
        int record_lock;
        FactDisk disk; /* of a disk image, while it is looked into (run-disk.h) */
        struct {
                int root, namespace;
                bool writable; /* to be changed through it */
        } view;
        char *versions_of; /* the name, when the newest of several versions was taken */
        char *passphrase;  /* of its encrypted partitions, once it is known */
} Target;

#define TARGET_NONE                                                                                                             \
        {                                                                                                                       \
                .range.lock_fd = -1, .image_lock = STORE_LOCK_NONE, .scratch = STORE_SCRATCH_NONE, .clone = STORE_JOURNAL_NONE, \
                .record_lock = -1, .view = {                                                                                    \
                        -1,                                                                                                     \
                        -1,                                                                                                     \
                        false                                                                                                   \
                }                                                                                                               \
        }

int target_open(const MachineHost *h, MachineVerb verb, MachineSpec *spec, Target *ret, Error *e);
int target_claim(Target *t, Error *e);
/* A fresh one for each boot. Of a target that was not claimed: the plan of the range it would get. */
int target_plan(Target *t, MachinePlan *ret, Error *e);
void target_release(Target *t);
/* In the process that handed the target to a supervisor: closes the descriptors without giving anything back. */
void target_abandon(Target *t);

/* run-settings.c: the verb's defaults, the settings file and the command line, in the order that --settings= says. */
int target_merge_settings(Target *t, Error *e);
/* run-bundle.c: the config.json of --oci-bundle= below the command line. */
int target_read_bundle(Target *t, Error *e);
/* NAME.nspawn from the host's settings_dirs (trusted), else from beside the image (trusted if `trusted`). */
int target_read_settings(const MachineHost *h, const char *name, const char *image_path, bool trusted, MachineSpec *s, Error *e);
/* The defaults of a verb. */
void target_defaults(MachineVerb verb, bool rootless, MachineSpec *s);
