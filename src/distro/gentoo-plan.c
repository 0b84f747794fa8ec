/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a request to a plan: which profile, which hosts, what they have, which packages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo.h"
#include "distro/key.h"

void gentoo_plan_done(DistroPlan *plan)
{
        GentooPlan *p = plan->data;

        gentoo_choice_done(&p->choice);
        for (size_t i = 0; p->hidden && i < p->n_packages; i++)
                free(p->hidden[i]);
        free(p->hidden);
        free(p->packages);
        free(p->host_of);
        for (size_t i = 0; i < p->hosts.n; i++)
                gentoo_host_done(&p->hosts.items[i]);
        free(p->hosts.items);
        gentoo_profile_done(&p->profile);
        gentoo_profile_done(&p->user);
        free(p->settings);
        free(p->config);
        gentoo_repos_done(&p->repos);
        strv_free(p->implicit);
        strv_free(p->wanted);
        strv_free(p->make_conf);
        strv_free(p->keyrings);
        free(p->arch);
        free(p->seed);
        free(p->cache);
        free(p);
        plan->data = NULL;
}

/* ---- the hosts ---- */

static int read_hosts(GentooPlan *p, const DistroRequest *r, const Events *ev, Error *e)
{
        GentooHostOptions o = {.cache = p->cache, .keyrings = p->keyrings, .verify = r->verify, .events = ev};

        STRV_FOREACH (url, r->mirrors) {
                GentooHost *h = vec_push(&p->hosts);
                size_t n = strlen(*url);
                while (n > 0 && (*url)[n - 1] == '/')
                        n--;
                h->url = (*url)[0] == '/' ? xasprintf("file://%.*s", (int)n, *url) : xstrndup(*url, n);
                events_step(ev, "Reading the index of %s", h->url);
                int k = gentoo_host_read(h, &o, e);
                if (k < 0)
                        return k;
        }
        return 0;
}

static const char provided[] = "package.provided";

/* package.provided of the profile: as a package that needs nothing and is there already, see drop_provided(). */
static bool add_provided(GentooPlan *p, const char *cpv, size_t at)
{
        GentooPackage *package = &p->packages[at];

        *package = (GentooPackage){.eapi = gentoo_eapi(SLICE("0")),
                                   .slot = SLICE("0"),
                                   .subslot = SLICE("0"),
                                   .place = at,
                                   .repository = {provided, sizeof(provided) - 1}};
        return gentoo_package_set_cpv(package, (Slice){cpv, strlen(cpv)});
}

bool gentoo_is_provided(const GentooPackage *package)
{
        return package->repository.s == provided;
}

static void drop_provided(GentooChoice *c)
{
        size_t n = 0;

        for (size_t i = 0; i < c->n; i++)
                if (!gentoo_is_provided(c->items[i]))
                        c->items[n++] = c->items[i];
        c->n = n;
}

/* All packages in one row: of the same version and build time, the one further back is taken. */
static void join_packages(GentooPlan *p)
{
        size_t total = 0, at = 0;

        for (size_t i = 0; i < p->hosts.n; i++)
                total += p->hosts.items[i].index.packages.n;
        total += strv_len(p->profile.provided);
        p->packages = xnew(GentooPackage, total + 1);
        p->host_of = xnew(size_t, total + 1);
        for (size_t i = p->hosts.n; i-- > 0;)
                for (size_t j = 0; j < p->hosts.items[i].index.packages.n; j++) {
                        p->packages[at] = p->hosts.items[i].index.packages.items[j];
                        p->packages[at].place = at;
                        p->host_of[at++] = i;
                }
        STRV_FOREACH (cpv, p->profile.provided)
                at += add_provided(p, *cpv, at);
        p->n_packages = at;
}

/* ---- choosing ---- */

static const char *profile_variable(const void *from, const char *variable)
{
        return gentoo_profile_get(from, variable);
}

/* A header's value, as text that lasts: `from` keeps it. */
typedef struct HeaderReader {
        const GentooIndex *index;
        char **kept;
} HeaderReader;

static const char *header_variable(const void *from, const char *variable)
{
        HeaderReader *h = (HeaderReader *)from;
        Slice value = gentoo_index_header(h->index, variable);

        strv_consume(&h->kept, xstrndup(value.s, value.n));
        return h->kept[strv_len(h->kept) - 1];
}

static void find_implicit(GentooPlan *p)
{
        if (p->has_profile)
                gentoo_implicit_flags(profile_variable, &p->profile, &p->implicit);
        for (size_t i = 0; i < p->hosts.n; i++) {
                HeaderReader h = {.index = &p->hosts.items[i].index};
                gentoo_implicit_flags(header_variable, &h, &p->implicit);
                strv_free(h.kept);
        }
        if (!strv_contains(p->implicit, p->arch))
                strv_push(&p->implicit, p->arch);
        strv_sort(p->implicit);
}

static int choose(GentooPlan *p, Error *e)
{
        const GentooWish wishes[] = {
                        {"@system", p->profile.system}, {"@profile", p->profile.profile}, {"what is asked for", p->wanted}};
        const GentooSelection s = {
                        .packages = p->packages,
                        .n = p->n_packages,
                        .hidden = p->hidden,
                        .implicit = p->implicit,
                        .wishes = wishes,
                        .n_wishes = ELEMENTSOF(wishes),
        };
        int k = gentoo_select(&s, &p->choice, e);
        if (k >= 0)
                drop_provided(&p->choice);
        return k;
}

static void describe(DistroPlan *plan)
{
        GentooPlan *p = plan->data;

        for (size_t i = 0; i < p->choice.n; i++) {
                const GentooPackage *c = p->choice.items[i];
                strv_pushf(&plan->packages, "%.*s/%.*s %.*s %s", (int)c->category.n, c->category.s, (int)c->name.n, c->name.s,
                           (int)c->version.n, c->version.s, p->arch);
        }
        strv_sort(plan->packages);
        plan->title = xasprintf("Gentoo %s%s%s, %zu packages", p->arch, p->has_profile ? ", " : "",
                                p->has_profile ? p->profile.name : "", p->choice.n);
}

/* What decides the tree: the packages by digest, and what is written beside them. */
static int make_key(DistroPlan *plan, Error *e)
{
        GentooPlan *p = plan->data;
        _cleanup_strv_ char **lines = NULL;
        char hex[33];

        for (size_t i = 0; i < p->choice.n; i++) {
                const GentooPackage *c = p->choice.items[i];
                strv_pushf(&lines, "%.*s %.*s %.*s %llu", (int)c->cpv.n, c->cpv.s, (int)c->build_id.n, c->build_id.s,
                           (int)c->sha1.n, c->sha1.s, (unsigned long long)c->size);
        }
        strv_sort(lines);
        strv_pushf(&lines, "berth 1 gentoo %s %s", p->arch, p->profile.name ?: "");
        strv_extend(&lines, p->wanted);
        strv_extend(&lines, p->make_conf);
        strv_push(&lines, p->settings ?: "");
        strv_push(&lines, p->respect_use ? "respect-use" : "");
        for (size_t i = 0; i < p->hosts.n; i++)
                strv_push(&lines, p->hosts.items[i].url);
        _cleanup_free_ char *text = strv_join(lines, "\n");
        int k = key_of_text(text, strlen(text), hex, e);
        if (k >= 0)
                plan->key = xasprintf("gentoo-%s-%s", p->arch, hex);
        return k;
}

char *gentoo_mirrors(const Distro *d, const DistroRequest *r)
{
        return strv_join(r->mirrors, " ");
}

static int check_request(const DistroRequest *r, Error *e)
{
        if (!str_eq(r->suite, "binhost"))
                return error_set(e, -EINVAL,
                                 "Gentoo has no '%s'; there is gentoo:binhost, the default; also gentoo:stage3-… and "
                                 "gentoo:emerge",
                                 r->suite);
        if (!r->mirrors || !*r->mirrors)
                return error_set(e, -EINVAL,
                                 "which binary packages? Name their host with --binhost=URL, or take gentoo:stage3-openrc");
        return 0;
}

int gentoo_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *plan, Error *e)
{
        GentooPlan *p = plan->data = xnew(GentooPlan, 1);
        int k = check_request(r, e);
        if (k >= 0)
                k = gentoo_find_keyrings(r, &p->keyrings, e);
        if (k >= 0)
                k = gentoo_request_read(p, d, r, ev, e);
        if (k >= 0)
                k = read_hosts(p, r, ev, e);
        if (k < 0)
                return k;
        join_packages(p);
        find_implicit(p);
        k = gentoo_hide(p, e);
        if (k >= 0)
                k = choose(p, e);
        if (k < 0)
                return k;
        describe(plan);
        return make_key(plan, e);
}
