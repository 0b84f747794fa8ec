/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a request to a plan: which archives, what they hold, which packages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/deb-arch.h"
#include "distro/deb.h"
#include "distro/key.h"

void deb_plan_done(DistroPlan *plan)
{
        DebPlan *p = plan->data;

        deb_choice_done(&p->choice);
        deb_packages_done(&p->packages);
        for (size_t i = 0; i < p->archives.n; i++)
                deb_archive_done(&p->archives.items[i]);
        free(p->archives.items);
        strv_free(p->components);
        free(p->distribution);
        free(p->suite);
        free(p->arch);
        free(p->cache);
        free(p);
        plan->data = NULL;
}

static int suite_is_missing(const Distro *d, const DebArchive *a, Error *e)
{
        const DebDistro *deb = d->driver;
        _cleanup_free_ char *known = strv_join((char *const *)deb->suites, ", ");

        if (e)
                *e = (Error){0};
        return error_set(e, -ENOENT, "suite '%s' does not exist on %s; %s's suites have names like %s", a->suite, a->url,
                         d->title, known);
}

static DebArchive new_archive(const char *url, const char *suite)
{
        size_t n = strlen(url);

        while (n > 0 && url[n - 1] == '/')
                n--;
        return (DebArchive){.url = xstrndup(url, n), .suite = xstrdup(suite)};
}

static int read_archive(const Distro *d, DebPlan *p, const DebIndexOptions *o, const char *url, const char *suite, Error *e)
{
        DebArchive a = new_archive(url, suite);
        int k = deb_index_read_release(&a, o, e);

        if (k == -ENOENT && a.release.n_files == 0)
                k = suite_is_missing(d, &a, e);
        if (k >= 0)
                k = deb_index_read_lists(&a, o, e);
        if (k < 0) {
                deb_archive_done(&a);
                return k;
        }
        *vec_push(&p->archives) = a;
        return 0;
}

/* Updates and security fixes of a released suite. What cannot be had is left out with a warning: the suite itself is complete
 * without. */
static void read_extra(const Distro *d, DebPlan *p, const DebIndexOptions *o, const char *url, const char *kind)
{
        _cleanup_free_ char *suite = xasprintf("%s-%s", p->suite, kind);
        Error e = {0};

        if (read_archive(d, p, o, url, suite, &e) < 0)
                events_warning(o->events, "continuing without '%s': %s", suite, e.message);
}

static int no_mirror(const Distro *d, Error *e)
{
        return error_set(e, -ENOENT,
                         "no mirror of %s is known: give --mirror=URL, set BERTH_MIRROR, or add one to this host's "
                         "/etc/apt/sources.list.d",
                         d->title);
}

static int read_given(const Distro *d, DebPlan *p, const DebIndexOptions *o, char *const *mirrors, Error *e)
{
        int k = 0;

        for (char *const *m = mirrors; m && *m && k >= 0; m++)
                k = read_archive(d, p, o, *m, p->suite, e);
        return k;
}

/* For the key of a request: what read_archives() would read from. */
char *deb_mirrors(const Distro *d, const DistroRequest *r)
{
        const char *environment = secure_getenv("BERTH_MIRROR");
        _cleanup_free_ char *arch = r->arch ? xstrdup(r->arch) : deb_arch_host();
        DebSources sources = {0};

        if (environment && *environment)
                return xstrdup(environment);
        deb_sources_read("/etc/apt", &sources);
        const char *url = deb_sources_find(&sources, d->driver, arch ?: "", false),
                   *security = deb_sources_find(&sources, d->driver, arch ?: "", true);
        char *text = xasprintf("%s %s", url ?: "", security ?: "");
        deb_sources_done(&sources);
        return text;
}

static int read_host(const Distro *d, DebPlan *p, const DebIndexOptions *o, Error *e)
{
        DebSources sources = {0};

        deb_sources_read("/etc/apt", &sources);
        const char *url = deb_sources_find(&sources, d->driver, p->arch, false),
                   *security = deb_sources_find(&sources, d->driver, p->arch, true);
        int k = url ? read_archive(d, p, o, url, p->suite, e) : no_mirror(d, e);
        /* Only what was released has a version, and updates. */
        if (k >= 0 && p->archives.items[0].release.version) {
                read_extra(d, p, o, url, "updates");
                if (security)
                        read_extra(d, p, o, security, "security");
        }
        deb_sources_done(&sources);
        return k;
}

static int read_archives(const Distro *d, const DistroRequest *r, DebPlan *p, const DebIndexOptions *o, Error *e)
{
        const char *environment = secure_getenv("BERTH_MIRROR");

        if (r->mirrors && *r->mirrors)
                return read_given(d, p, o, r->mirrors, e);
        if (environment && *environment) {
                _cleanup_strv_ char **mirrors = strv_split(environment, " \t\n");
                return read_given(d, p, o, mirrors, e);
        }
        return read_host(d, p, o, e);
}

static int choose_packages(const DistroRequest *r, DebPlan *p, Error *e)
{
        DebSelection s = {.variant = r->variant, .arch = p->arch, .include = r->include, .exclude = r->exclude};
        int k = 0;

        for (size_t i = 0; i < p->archives.n && k >= 0; i++) {
                DebArchive *a = &p->archives.items[i];
                for (size_t j = 0; j < a->lists.n && k >= 0; j++)
                        k = deb_packages_add(&p->packages, (Slice){a->lists.items[j].text, a->lists.items[j].len}, (unsigned)i,
                                             p->arch, e);
        }
        if (k < 0)
                return k;
        deb_packages_seal(&p->packages);
        return deb_select(&p->packages, &s, &p->choice, e);
}

/* Until when all of it holds. */
static int64_t valid_until(const DebPlan *p)
{
        int64_t first = 0;

        for (size_t i = 0; i < p->archives.n; i++) {
                int64_t t = p->archives.items[i].release.valid_until;
                if (t != 0 && (first == 0 || t < first))
                        first = t;
        }
        return first;
}

static void describe(const Distro *d, const DistroRequest *r, DistroPlan *plan)
{
        DebPlan *p = plan->data;
        const DebRelease *release = &p->archives.items[0].release;

        for (size_t i = 0; i < p->choice.n; i++) {
                const DebRecord *c = p->choice.items[i];
                strv_pushf(&plan->packages, "%.*s %.*s %.*s", (int)c->name.n, c->name.s, (int)c->version.n, c->version.s,
                           (int)c->architecture.n, c->architecture.s);
        }
        strv_sort(plan->packages);
        plan->valid_until = valid_until(p);
        plan->title = xasprintf("%s%s%s (%s) %s, %s, %zu packages", d->title, release->version ? " " : "", release->version ?: "",
                                release->codename ?: p->suite, p->arch, r->variant ?: "boot", p->choice.n);
}

/* The key names what decides the tree: the packages by digest and what is written into it beside them. */
static int make_key(const DistroRequest *r, DistroPlan *plan, Error *e)
{
        DebPlan *p = plan->data;
        _cleanup_strv_ char **lines = NULL;
        char hex[33];

        for (size_t i = 0; i < p->choice.n; i++) {
                const DebRecord *c = p->choice.items[i];
                Slice digest = deb822_get(c->stanza, "SHA256");
                strv_pushf(&lines, "%.*s %d %.*s", (int)c->name.n, c->name.s, p->choice.automatic[i], (int)digest.n,
                           digest.s ?: "");
        }
        strv_sort(lines);
        strv_pushf(&lines, "berth 1 %s %s %s", p->distribution, p->suite, p->arch);
        for (size_t i = 0; i < p->archives.n; i++)
                strv_pushf(&lines, "%s %s", p->archives.items[i].url, p->archives.items[i].suite);
        strv_extend(&lines, p->components);
        _cleanup_free_ char *text = strv_join(lines, "\n");
        int k = key_of_text(text, strlen(text), hex, e);
        if (k < 0)
                return k;
        plan->key = xasprintf("%s-%s-%s-%s-%s", p->distribution, p->suite, p->arch, r->variant ?: "boot", hex);
        return 0;
}

/* What only Gentoo has is not passed over in silence. */
static int check_request(const Distro *d, const DistroRequest *r, Error *e)
{
        if (!r->profile && !(r->repos && *r->repos) && !(r->make_conf && *r->make_conf))
                return 0;
        return error_set(e, -EINVAL, "--profile, --repo and --make-conf are for Gentoo, not for %s", d->title);
}

int deb_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *plan, Error *e)
{
        _cleanup_strv_ char **keyrings = NULL;
        const DebDistro *deb = d->driver;
        DebPlan *p = plan->data = xnew(DebPlan, 1);
        int k = check_request(d, r, e);

        if (k < 0)
                return k;

        p->distro = deb;
        p->distribution = xstrdup(d->name);
        p->suite = xstrdup(r->suite);
        p->arch = r->arch ? xstrdup(r->arch) : deb_arch_host();
        p->cache = xasprintf("%s/%s", r->cache_dir, d->name);
        p->components = r->components && *r->components ? strv_copy(r->components) : strv_split(deb->default_components, " ");
        if (!p->arch)
                return error_set(e, -EOPNOTSUPP, "this machine's architecture has no name in %s; give --arch", d->title);
        k = deb_arch_check(p->arch, e);
        if (k >= 0 && r->verify == DISTRO_VERIFY_SIGNATURE)
                k = deb_keyrings(deb, r->keyrings, &keyrings, e);
        DebIndexOptions o = {
                        .cache = p->cache,
                        .arch = p->arch,
                        .components = p->components,
                        .keyrings = keyrings,
                        .allow_expired = r->allow_expired,
                        .no_verify = r->verify != DISTRO_VERIFY_SIGNATURE,
                        .events = ev,
        };
        events_step(ev, "Reading %s %s", d->title, p->suite);
        if (k >= 0)
                k = read_archives(d, r, p, &o, e);
        if (k >= 0)
                k = choose_packages(r, p, e);
        if (k < 0)
                return k;
        describe(d, r, plan);
        return make_key(r, plan, e);
}
