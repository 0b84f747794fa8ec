/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* index readers -> one package model -> one solver -> one transaction -> install. A distribution is a const vtable row;
 * nothing outside compares their names. Programs inside the new root run through a function that is handed in. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/events.h"

typedef enum DistroVerify {                          /* --verify= */
                            DISTRO_VERIFY_SIGNATURE, /* what is used is signed, or named by digest in something that is */
                            DISTRO_VERIFY_CHECKSUM,  /* by digests in an index that nobody signed */
                            DISTRO_VERIFY_NO,
                            _DISTRO_VERIFY_MAX,
} DistroVerify;

/* What `berth create NAME SOURCE` asks for, after parsing of SOURCE ("debian:bookworm", "ubuntu:noble"). Borrowed strings. */
typedef struct DistroRequest {
        const char *distribution; /* "debian", "ubuntu" */
        const char *suite;        /* "bookworm", "stable", "sid"; NULL = the distribution's default */
        const char *arch;         /* dpkg name, NULL = the host's */
        const char *variant;      /* "minbase", "standard", "boot"; NULL = "boot" */
        char *const *include;     /* package names, may be "name=version" */
        char *const *exclude;
        char *const *components; /* NULL = main */
        /* base URLs; NULL = $BERTH_MIRROR, then the host's apt sources for that distribution, with its updates and security */
        char *const *mirrors;
        char *const *keyrings; /* files; NULL = the host's /usr/share/keyrings of that distribution */
        bool allow_expired;    /* take an index past its Valid-Until */
        DistroVerify verify;
        /* Gentoo: mirrors are binary package hosts, include has atoms */
        const char *profile;        /* "repo:path"; NULL: only what is included */
        char *const *repos;         /* "NAME=PATH", "PATH", or "NAME=URL" for git */
        const char *repos_dir;      /* where git's are kept */
        char *const *make_conf;     /* "KEY=VALUE" */
        const char *portage_config; /* a directory with package.use and its kin */
        bool respect_use;           /* take no package that was built with other flags than are wanted */
        const char *seed;           /* gentoo:emerge: what it is built in; also a part of what makes two requests the same */
        const char *cache_dir;      /* /var/cache/berth */
} DistroRequest;

/* Runs a program inside the tree that is being built, confined, as its root. *ret_status as a shell shows it. */
typedef struct DistroCommand {
        char *const *argv;
        char *const *env;       /* added to a clean default environment */
        const char *stdin_text; /* NULL: /dev/null */
} DistroCommand;
typedef struct DistroRunner {
        int (*run)(void *ctx, const DistroCommand *c, int *ret_status, char **ret_output,
                   Error *e); /* output: the last 64 KiB of stdout and stderr */
        void *ctx;
} DistroRunner;

typedef struct Distro Distro;         /* private vtable row */
typedef struct DistroPlan DistroPlan; /* index read, verified, solved */

/* "debian:bookworm" -> distribution and suite; -EINVAL with the list of known distributions. */
int distro_parse_source(const char *source, char **ret_distribution, char **ret_suite, Error *e);

/* Fetches and verifies the index (from the cache when the mirror says it is unchanged), solves. Fails with the suites or
 * packages that do not exist, or the solver's explanation. */
int distro_resolve(const DistroRequest *r, const Events *ev, DistroPlan **ret, Error *e);
DistroPlan *distro_plan_free(DistroPlan *p);
static inline void distro_plan_freep(DistroPlan **p)
{
        distro_plan_free(*p);
}

/* "NAME=PATH" of the repositories that a Gentoo is built from; NULL: none. */
char **distro_plan_repos(const DistroPlan *p);
/* A key that is equal if and only if the finished root would be the same: distribution, resolved suite, arch, variant,
 * packages with versions and digests. File-name safe. */
const char *distro_plan_key(const DistroPlan *p);
/* "name version arch" lines, sorted. */
char **distro_plan_packages(const DistroPlan *p);
const char *distro_plan_title(const DistroPlan *p); /* "Debian 12 (bookworm) amd64, boot, 164 packages" */

/* For "same source again", without any network: request and the mirrors it means -> what the last successful resolve led to, kept in
 * cache_dir. -ENOENT when unknown. */
typedef struct DistroLast {
        char *key;
        int64_t read, valid_until; /* when the index was read, until when it said it holds (0: it did not say), since the epoch */
} DistroLast;
int distro_last(const DistroRequest *r, DistroLast *ret);
void distro_last_done(DistroLast *l);
int distro_remember(const DistroRequest *r, const DistroPlan *p, Error *e);

/* Takes out of the cache what no package list there names any more. Also tells which plan keys requests lead to, by the last index read. */
typedef struct DistroCleaned {
        size_t files;
        uint64_t bytes;
        char **keys;
} DistroCleaned;
int distro_clean(const char *cache_dir, DistroCleaned *ret, Error *e);
void distro_cleaned_done(DistroCleaned *c);

/* Fetches the packages (cache first), verifies, unpacks into root_dirfd while the rest still downloads, configures, cleans up
 * (apt's lists and the sources file written, machine-id emptied, logs). */
#define DISTRO_TARGET "/target"
typedef struct DistroInstall {
        int root_dirfd;
        const char *root_path;
        uint32_t id_base; /* for the unpack workers */
        const DistroRunner *runner;
        const DistroRunner *seed; /* gentoo:emerge: programs of another root, which has this tree at DISTRO_TARGET; else NULL */
        const Events *events;
} DistroInstall;
int distro_install(DistroPlan *p, const DistroInstall *i, Error *e);
