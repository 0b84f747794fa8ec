/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/distro.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/archive.h"
#include "distro/deb.h"
#include "distro/distro-private.h"
#include "distro/gentoo.h"

static const char *const debian_keyrings[] = {"debian-archive-keyring.gpg", "debian-archive-keyring.pgp", NULL};
static const char *const debian_suites[] = {"stable",       "oldstable", "testing",  "unstable", "sid",
                                            "experimental", "buster",    "bullseye", "bookworm", "trixie",
                                            "forky",        "duke",      NULL};
static const DebDistro debian = {
                .keyrings = debian_keyrings,
                .keyring_prefix = "debian-archive-",
                .keyring_package = "debian-archive-keyring",
                .suites = debian_suites,
                .default_components = "main",
};

static const char *const ubuntu_keyrings[] = {"ubuntu-archive-keyring.gpg", "ubuntu-archive-keyring.pgp", NULL};
static const char *const ubuntu_suites[] = {"devel", "bionic", "focal", "jammy", "noble", "plucky", "questing", "resolute", NULL};
static const DebDistro ubuntu = {
                .keyrings = ubuntu_keyrings,
                .keyring_prefix = "ubuntu-archive-",
                .keyring_package = "ubuntu-keyring",
                .suites = ubuntu_suites,
                .default_components = "main",
};

/* clang-format off */
static const Distro distros[] = {
        {.name = "debian", .title = "Debian", .default_suite = "stable", .driver = &debian,
         .resolve = deb_resolve, .install = deb_install, .plan_done = deb_plan_done, .mirrors = deb_mirrors, .clean = deb_clean},
        {.name = "ubuntu", .title = "Ubuntu", .default_suite = "noble", .driver = &ubuntu,
         .resolve = deb_resolve, .install = deb_install, .plan_done = deb_plan_done, .mirrors = deb_mirrors, .clean = deb_clean},
        {.name = "gentoo", .title = "Gentoo", .default_suite = "stage3", .prefix = "stage3",
         .resolve = stage3_resolve, .install = archive_install, .plan_done = archive_plan_done, .mirrors = gentoo_mirrors},
        {.name = "gentoo", .title = "Gentoo", .default_suite = "emerge", .prefix = "emerge",
         .resolve = emerge_resolve, .install = emerge_install, .plan_done = gentoo_plan_done, .mirrors = gentoo_mirrors,
         .repos = gentoo_repo_words},
        {.name = "gentoo", .title = "Gentoo", .default_suite = "binhost",
         .resolve = gentoo_resolve, .install = gentoo_install, .plan_done = gentoo_plan_done, .mirrors = gentoo_mirrors,
         .clean = gentoo_clean}, /* of all three */
        {.name = "archive", .title = "An archive", .is_path = true,
         .resolve = archive_resolve, .install = archive_install, .plan_done = archive_plan_done, .mirrors = archive_mirrors},
};
/* clang-format on */

const Distro *distro_find(const char *name, const char *suite)
{
        const Distro *any = NULL;

        for (size_t i = 0; i < ELEMENTSOF(distros); i++) {
                const Distro *d = &distros[i];
                if (!str_eq(d->name, name))
                        continue;
                if (d->prefix && suite && str_startswith(suite, d->prefix))
                        return d;
                if (!any || (any->prefix && !d->prefix))
                        any = d;
        }
        return any;
}

static int unknown_distribution(const char *name, Error *e)
{
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(distros); i++)
                if (!distros[i].is_path && !strv_contains(names, distros[i].name))
                        strv_push(&names, distros[i].name);
        _cleanup_free_ char *list = strv_join(names, ", ");
        return error_set(e, -EINVAL,
                         "unknown distribution '%s'; known are: %s (as in 'debian:bookworm'), and archives ('./root.tar.xz')",
                         name, list);
}

/* Suites become parts of URLs, paths and apt's sources. */
static bool suite_is_valid(const char *s)
{
        if (*s == 0 || *s == '.' || *s == '-' || strlen(s) > 64)
                return false;
        return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_")] == 0;
}

int distro_parse_source(const char *source, char **ret_distribution, char **ret_suite, Error *e)
{
        if (archive_is_source(source)) {
                *ret_distribution = xstrdup("archive");
                *ret_suite = xstrdup(source);
                return 0;
        }
        const char *colon = strchr(source, ':');
        _cleanup_free_ char *name = colon ? xstrndup(source, (size_t)(colon - source)) : xstrdup(source);

        const Distro *d = distro_find(name, colon ? colon + 1 : NULL);
        if (!d)
                return unknown_distribution(name, e);
        if (colon && !suite_is_valid(colon + 1))
                return error_set(e, -EINVAL, "'%s' is not the name of a suite; write for example '%s:%s'", colon + 1, name,
                                 d->default_suite);
        *ret_suite = colon ? xstrdup(colon + 1) : NULL;
        *ret_distribution = TAKE_PTR(name);
        return 0;
}

/* What a source has no use for is not passed over in silence. */
static int check_request(const Distro *d, const DistroRequest *r, Error *e)
{
        if (r->seed && d->resolve != emerge_resolve)
                return error_set(e, -EINVAL, "--seed is for gentoo:emerge: nothing is built from source here");
        if ((r->portage_config || r->respect_use) && d->resolve != emerge_resolve && d->resolve != gentoo_resolve)
                return error_set(e, -EINVAL, "--portage-config and --binpkg-respect-use are for Gentoo's packages");
        if (d->install == archive_install && (r->profile || (r->make_conf && *r->make_conf) || (r->include && *r->include) ||
                                              (r->exclude && *r->exclude) || (r->components && *r->components) || r->variant))
                return error_set(e, -EINVAL,
                                 "an archive is taken as it is: --variant, --include, --exclude, --components, --package, "
                                 "--profile and "
                                 "--make-conf do not apply to it");
        return 0;
}

int distro_resolve(const DistroRequest *r, const Events *ev, DistroPlan **ret, Error *e)
{
        const Distro *d = distro_find(r->distribution, r->suite);

        if (!d)
                return unknown_distribution(r->distribution, e);
        if (r->suite && !d->is_path && !suite_is_valid(r->suite))
                return error_set(e, -EINVAL, "'%s' is not the name of a suite", r->suite);
        _cleanup_(distro_plan_freep) DistroPlan *p = xnew(DistroPlan, 1);
        p->distro = d;
        int c = check_request(d, r, e);
        if (c < 0)
                return c;
        DistroRequest full = *r;
        full.suite = r->suite ?: d->default_suite;
        int k = d->resolve(d, &full, ev, p, e);
        if (k < 0)
                return k;
        *ret = TAKE_PTR(p);
        return 0;
}

DistroPlan *distro_plan_free(DistroPlan *p)
{
        if (!p)
                return NULL;
        if (p->data)
                p->distro->plan_done(p);
        free(p->key);
        free(p->title);
        strv_free(p->packages);
        free(p);
        return NULL;
}

const char *distro_plan_key(const DistroPlan *p)
{
        return p->key;
}

char **distro_plan_packages(const DistroPlan *p)
{
        return p->packages;
}

const char *distro_plan_title(const DistroPlan *p)
{
        return p->title;
}

char **distro_plan_repos(const DistroPlan *p)
{
        return p->distro->repos ? p->distro->repos(p) : NULL;
}

int distro_install(DistroPlan *p, const DistroInstall *i, Error *e)
{
        return p->distro->install(p, i, e);
}

int distro_clean(const char *cache_dir, DistroCleaned *ret, Error *e)
{
        int k = distro_keys(cache_dir, &ret->keys, e);

        for (size_t i = 0; i < ELEMENTSOF(distros) && k >= 0; i++) {
                _cleanup_free_ char *dir = path_join(cache_dir, distros[i].name);
                if (distros[i].clean)
                        k = distros[i].clean(dir, ret, e);
        }
        return k;
}

void distro_cleaned_done(DistroCleaned *c)
{
        c->keys = strv_free(c->keys);
}
