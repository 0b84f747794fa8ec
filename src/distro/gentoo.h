/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the Gentoo driver share. */

#include "base/events.h"
#include "distro/distro-private.h"
#include "distro/gentoo-index.h"
#include "distro/gentoo-profile.h"
#include "distro/gentoo-select.h"

/* A binary package host, its index read. */
typedef struct GentooHost {
        char *url;  /* as given, without a slash at the end */
        char *base; /* what PATHs are below: the index's URI, or url where that is a directory here */
        char *text;
        size_t len;
        GentooIndex index;
        bool is_signed; /* the index; then it vouches for the packages' digests */
} GentooHost;

typedef struct GentooPlan {
        char *arch, *cache; /* cache: CACHE_DIR/gentoo */
        char **keyrings;    /* NULL: there are none, or they are not wanted */
        DistroVerify verify;
        char **make_conf; /* KEY=VALUE */
        GentooRepos repos;
        bool has_profile;
        GentooProfile profile;
        GentooProfile user;      /* of --portage-config= */
        char *settings, *config; /* the text of its files, its path; NULL: not given */
        bool respect_use;        /* only builds with the flags that are wanted */
        struct {
                GentooHost *items;
                size_t n;
        } hosts;                 /* the preferred one first */
        GentooPackage *packages; /* of all hosts, the preferred one's last */
        size_t n_packages;
        size_t *host_of; /* for each package */
        char **hidden;   /* for each package why it must not be taken, NULL: it may; not a strv */
        char **implicit;
        char **wanted; /* atoms that were asked for, beside the sets: for the world file */
        GentooChoice choice;
        char *seed; /* gentoo:emerge: its name */
} GentooPlan;

int gentoo_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
int gentoo_install(DistroPlan *p, const DistroInstall *i, Error *e);
/* Stands for what the profile says is there by other means. */
bool gentoo_is_provided(const GentooPackage *package);
void gentoo_plan_done(DistroPlan *p);
char *gentoo_mirrors(const Distro *d, const DistroRequest *r);

/* gentoo-request.c: fills all of the plan that does not depend on where packages come from; fetches repositories. */
int gentoo_request_read(GentooPlan *p, const Distro *d, const DistroRequest *r, const Events *ev, Error *e);
char **gentoo_repo_words(const DistroPlan *p); /* its repositories, as "NAME=PATH" */
char *gentoo_host_arch(void);                  /* this machine's, by Gentoo's name; NULL: it has none */
/* The request's, else this host's; none where signatures are not wanted. -ENOKEY: there are none. */
int gentoo_find_keyrings(const DistroRequest *r, char ***ret, Error *e);

/* The file's name in the pool: each build has its own, whatever the host calls it. */
char *gentoo_pool_name(const GentooPackage *p);
int gentoo_clean(const char *dir, DistroCleaned *ret, Error *e);

/* gentoo-emerge.c: built by Portage in a seed; a GentooPlan, too. */
int emerge_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
int emerge_install(DistroPlan *p, const DistroInstall *i, Error *e);

/* gentoo-host.c: fetches and verifies the index of the host whose url is set. */
typedef struct GentooHostOptions {
        const char *cache;
        char *const *keyrings;
        DistroVerify verify;
        const Events *events;
} GentooHostOptions;
int gentoo_host_read(GentooHost *h, const GentooHostOptions *o, Error *e);
void gentoo_host_done(GentooHost *h);

/* gentoo-visible.c: fills plan->hidden. */
int gentoo_hide(GentooPlan *p, Error *e);
