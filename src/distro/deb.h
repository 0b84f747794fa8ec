/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the Debian family share. */

#include "base/events.h"
#include "distro/deb-packages.h"
#include "distro/deb-release.h"
#include "distro/deb-select.h"
#include "distro/deb-source.h"
#include "distro/distro-private.h"

/* A suite in one archive, read and verified. */
typedef struct DebArchive {
        char *url, *suite; /* without a slash at the end */
        DebRelease release;
        struct {
                struct DebList {
                        char *text;
                        size_t len;
                } * items;
                size_t n;
        } lists; /* Packages files */
} DebArchive;

typedef struct DebPlan {
        const DebDistro *distro;
        char *distribution, *suite, *arch, *cache; /* cache: CACHE_DIR/DISTRIBUTION */
        char **components;
        struct {
                DebArchive *items;
                size_t n;
        } archives; /* the first is the suite itself */
        DebPackages packages;
        DebChoice choice;
} DebPlan;

int deb_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
int deb_install(DistroPlan *p, const DistroInstall *i, Error *e);
void deb_plan_done(DistroPlan *p);
int deb_clean(const char *dir, DistroCleaned *ret, Error *e);
char *deb_mirrors(const Distro *d, const DistroRequest *r);

/* deb-index.c: Release and package lists of one suite into `a`, whose url and suite are set. -ENOENT when there is no such
 * suite. */
typedef struct DebIndexOptions {
        const char *cache; /* CACHE_DIR/DISTRIBUTION */
        const char *arch;
        char *const *components, *const *keyrings;
        bool allow_expired, no_verify;
        const Events *events;
} DebIndexOptions;
int deb_index_read_release(DebArchive *a, const DebIndexOptions *o, Error *e);
int deb_index_read_lists(DebArchive *a, const DebIndexOptions *o, Error *e);
void deb_archive_done(DebArchive *a);
