/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system that another one is built in: a machine of the store or an image, in which changes are thrown away, or this host. */

#include "distro/distro.h"
#include "machine/create-runner.h"
#include "machine/create.h"

typedef struct Seed {
        Store *store;
        StoreImage image;
        StoreLock lock;
        StoreScratch scratch;
        char *log;
        TreeSeed tree;
} Seed;
#define SEED_NONE ((Seed){.lock = STORE_LOCK_NONE, .scratch = STORE_SCRATCH_NONE})

/* Whether it names a source ("gentoo:stage3", "./stage3.tar.xz") instead of a machine, or "host". */
bool seed_is_source(const char *name);
#define SEED_LOGS "emerge" /* below the cache: MACHINE.log */
/* machine: what is built, for the log. image: where the name is a source, what was made of it (emptied); else NULL. */
int seed_open(const MachineHost *h, const char *name, const char *machine, StoreImage *take_image, Seed *ret, Error *e);
/* The tree that is built, at DISTRO_TARGET, and what Portage shares: repos, "NAME=PATH", are read-only. */
int seed_bind(Seed *s, const MachineHost *h, const CreateShares *shares, const char *tree, char *const *repos, Error *e);
void seed_close(Seed *s);
/* What emerge said in all of them. */
void seed_clean_logs(const MachineHost *h);
