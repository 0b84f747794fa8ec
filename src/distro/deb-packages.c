/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-packages.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/strv.h"
#include "distro/deb-version.h"

#define NEAREST_MAX 3 /* suggestions for a name that does not exist */

static DebPriority parse_priority(Slice s)
{
        static const char *const names[_DEB_PRIORITY_MAX] = {"required", "important", "standard", "optional", "extra"};

        for (DebPriority i = 0; i < _DEB_PRIORITY_MAX; i++)
                if (slice_eq_str(s, names[i]))
                        return i;
        return DEB_OPTIONAL;
}

Slice deb_dependency_name(Slice s)
{
        size_t n = 0;

        while (n < s.n && !memchr(" \t\n:([<=>", s.s[n], 9))
                n++;
        return (Slice){s.s, n};
}

static void add_provides(DebPackages *p, Slice value, uint32_t record)
{
        Slice one;

        while (slice_until(&value, ',', &one))
                *vec_push(&p->provides) = (DebProvide){.name = deb_dependency_name(one), .record = record};
}

static DebRecord read_record(Slice stanza, Slice *ret_provides)
{
        DebRecord r = {.stanza = stanza, .priority = DEB_OPTIONAL};
        Slice rest = stanza, name, value;

        *ret_provides = (Slice){NULL, 0};
        while (deb822_next_field(&rest, &name, &value)) {
                if (slice_caseeq(name, SLICE("Package")))
                        r.name = value;
                else if (slice_caseeq(name, SLICE("Version")))
                        r.version = value;
                else if (slice_caseeq(name, SLICE("Architecture")))
                        r.architecture = value;
                else if (slice_caseeq(name, SLICE("Essential")))
                        r.essential = slice_caseeq(value, SLICE("yes"));
                else if (slice_caseeq(name, SLICE("Priority")))
                        r.priority = (uint8_t)parse_priority(value);
                else if (slice_caseeq(name, SLICE("Provides")))
                        *ret_provides = value;
        }
        return r;
}

int deb_packages_add(DebPackages *p, Slice text, unsigned archive, const char *arch, Error *e)
{
        Slice stanza, provides;

        while (deb822_next_stanza(&text, &stanza)) {
                DebRecord r = read_record(stanza, &provides);
                if (r.name.n == 0 || r.version.n == 0)
                        return error_set(e, -EBADMSG, "the package list has an entry without a name or a version");
                if (!slice_eq_str(r.architecture, arch) && !slice_eq_str(r.architecture, "all"))
                        continue;
                r.archive = (uint16_t)archive;
                *vec_push(&p->records) = r;
                add_provides(p, provides, (uint32_t)(p->records.n - 1));
        }
        return 0;
}

/* A colon is no good in the name of a file. */
char *deb_pool_name(const DebRecord *r)
{
        Buf b = {0};

        buf_append(&b, r->name.s, r->name.n);
        buf_adds(&b, "_");
        for (size_t i = 0; i < r->version.n; i++)
                if (r->version.s[i] == ':')
                        buf_adds(&b, "%3a");
                else
                        buf_append(&b, &r->version.s[i], 1);
        buf_addf(&b, "_%.*s.deb", (int)r->architecture.n, r->architecture.s);
        return buf_take(&b);
}

/* FNV-1a: the tables are only as large as a signed index makes them. */
static size_t bucket_of(const DebPackages *p, Slice name)
{
        uint32_t h = 2166136261u;

        for (size_t i = 0; i < name.n; i++)
                h = (h ^ (unsigned char)name.s[i]) * 16777619u;
        return h & (p->n_buckets - 1);
}

void deb_packages_seal(DebPackages *p)
{
        for (p->n_buckets = 1024; p->n_buckets < p->records.n + p->provides.n; p->n_buckets *= 2)
                ;
        free(p->by_name);
        free(p->by_provide);
        p->by_name = xnew(uint32_t, p->n_buckets);
        p->by_provide = xnew(uint32_t, p->n_buckets);
        /* From the back, so that a chain is in the order of the lists. */
        for (size_t i = p->records.n; i-- > 0;) {
                uint32_t *b = &p->by_name[bucket_of(p, p->records.items[i].name)];
                p->records.items[i].next = *b;
                *b = (uint32_t)i + 1;
        }
        for (size_t i = p->provides.n; i-- > 0;) {
                uint32_t *b = &p->by_provide[bucket_of(p, p->provides.items[i].name)];
                p->provides.items[i].next = *b;
                *b = (uint32_t)i + 1;
        }
}

void deb_packages_done(DebPackages *p)
{
        free(p->records.items);
        free(p->provides.items);
        free(p->by_name);
        free(p->by_provide);
        for (size_t i = 0; i < p->pins.n; i++) {
                free(p->pins.items[i].name);
                free(p->pins.items[i].version);
        }
        free(p->pins.items);
        *p = (DebPackages){0};
}

/* The record after `r` (NULL: the first) with that name. */
static const DebRecord *next_of_name(const DebPackages *p, Slice name, const DebRecord *r)
{
        uint32_t i = r ? r->next : p->by_name[bucket_of(p, name)];

        for (; i > 0; i = p->records.items[i - 1].next)
                if (slice_eq(p->records.items[i - 1].name, name))
                        return &p->records.items[i - 1];
        return NULL;
}

int deb_packages_pin(DebPackages *p, const char *name, const char *version, Error *e)
{
        _cleanup_strv_ char **versions = NULL;
        Slice n = {name, strlen(name)};

        for (const DebRecord *r = next_of_name(p, n, NULL); r; r = next_of_name(p, n, r)) {
                if (slice_eq_str(r->version, version)) {
                        *vec_push(&p->pins) = (struct DebPin){xstrdup(name), xstrdup(version)};
                        return 0;
                }
                strv_consume(&versions, slice_dup(r->version));
        }
        if (!versions)
                return deb_packages_unknown(p, name, e);
        _cleanup_free_ char *list = strv_join(versions, ", ");
        return error_set(e, -ENOENT, "package '%s' has no version %s here; there is %s", name, version, list);
}

const DebRecord *deb_packages_candidate(const DebPackages *p, Slice name)
{
        const DebRecord *best = NULL;
        const char *pinned = NULL;

        for (size_t i = 0; i < p->pins.n; i++)
                if (slice_eq_str(name, p->pins.items[i].name))
                        pinned = p->pins.items[i].version;
        for (const DebRecord *r = next_of_name(p, name, NULL); r; r = next_of_name(p, name, r)) {
                if (pinned && !slice_eq_str(r->version, pinned))
                        continue;
                if (!best || deb_version_compare(r->version, best->version) > 0)
                        best = r;
        }
        return best;
}

static const DebProvide *next_provide(const DebPackages *p, Slice name, const DebProvide *v)
{
        uint32_t i = v ? v->next : p->by_provide[bucket_of(p, name)];

        for (; i > 0; i = p->provides.items[i - 1].next)
                if (slice_eq(p->provides.items[i - 1].name, name))
                        return &p->provides.items[i - 1];
        return NULL;
}

char **deb_packages_providers(const DebPackages *p, Slice name)
{
        char **names = NULL;

        for (const DebProvide *v = next_provide(p, name, NULL); v; v = next_provide(p, name, v)) {
                const DebRecord *r = &p->records.items[v->record];
                if (deb_packages_candidate(p, r->name) == r)
                        strv_consume(&names, slice_dup(r->name));
        }
        return names;
}

/* Levenshtein distance, given up (limit + 1) once it cannot come below the limit. */
static unsigned distance(Slice a, Slice b, unsigned limit)
{
        unsigned row[64];

        if (a.n >= ELEMENTSOF(row) || b.n >= ELEMENTSOF(row) || a.n > b.n + limit || b.n > a.n + limit)
                return limit + 1;
        for (unsigned j = 0; j <= b.n; j++)
                row[j] = j;
        for (unsigned i = 1; i <= a.n; i++) {
                unsigned corner = row[0], least = row[0] = i;
                for (unsigned j = 1; j <= b.n; j++) {
                        unsigned above = row[j];
                        unsigned change = corner + (a.s[i - 1] != b.s[j - 1]), one_more = MIN(above, row[j - 1]) + 1;
                        row[j] = MIN(change, one_more);
                        corner = above;
                        least = MIN(least, row[j]);
                }
                if (least > limit)
                        return limit + 1;
        }
        return row[b.n];
}

int deb_packages_unknown(const DebPackages *p, const char *name, Error *e)
{
        _cleanup_strv_ char **near = NULL;
        Slice want = {name, strlen(name)};

        for (unsigned d = 1; d <= 3 && strv_len(near) < NEAREST_MAX; d++)
                for (size_t i = 0; i < p->records.n && strv_len(near) < NEAREST_MAX; i++) {
                        if (distance(want, p->records.items[i].name, d) != d)
                                continue;
                        _cleanup_free_ char *s = slice_dup(p->records.items[i].name);
                        if (!strv_contains(near, s))
                                strv_push(&near, s);
                }
        if (!near)
                return error_set(e, -ENOENT, "package '%s' does not exist in this suite and its components", name);
        _cleanup_free_ char *list = strv_join(near, ", ");
        return error_set(e, -ENOENT, "package '%s' does not exist in this suite and its components; near in spelling: %s", name,
                         list);
}

typedef struct Closure {
        const DebPackages *packages;
        char *const *excluded;
        bool *seen;
        struct {
                uint32_t *items;
                size_t n;
        } queue;
} Closure;

static void want_record(Closure *c, const DebRecord *r)
{
        if (!r)
                return;
        size_t i = (size_t)(r - c->packages->records.items);
        if (c->seen[i])
                return;
        c->seen[i] = true;
        for (char *const *x = c->excluded; x && *x; x++)
                if (slice_eq_str(r->name, *x)) {
                        c->seen[i] = false;
                        return;
                }
        *vec_push(&c->queue) = (uint32_t)i;
}

static void want_name(Closure *c, Slice name)
{
        const DebPackages *p = c->packages;

        want_record(c, deb_packages_candidate(p, name));
        for (const DebProvide *v = next_provide(p, name, NULL); v; v = next_provide(p, name, v)) {
                const DebRecord *r = &p->records.items[v->record];
                if (deb_packages_candidate(p, r->name) == r)
                        want_record(c, r);
        }
}

static void want_dependencies(Closure *c, Slice value)
{
        Slice group, one;

        while (slice_until(&value, ',', &group))
                while (slice_until(&group, '|', &one))
                        want_name(c, deb_dependency_name(one));
}

void deb_packages_closure(const DebPackages *p, char *const *roots, char *const *excluded, Buf *ret)
{
        Closure c = {.packages = p, .excluded = excluded, .seen = xnew(bool, p->records.n + 1)};

        STRV_FOREACH (r, roots)
                want_name(&c, (Slice){*r, strlen(*r)});
        for (size_t i = 0; i < c.queue.n; i++) {
                Slice stanza = p->records.items[c.queue.items[i]].stanza;
                want_dependencies(&c, deb822_get(stanza, "Pre-Depends"));
                want_dependencies(&c, deb822_get(stanza, "Depends"));
        }
        for (size_t i = 0; i < p->records.n; i++)
                if (c.seen[i]) {
                        buf_append(ret, p->records.items[i].stanza.s, p->records.items[i].stanza.n);
                        buf_adds(ret, "\n\n");
                }
        free(c.queue.items);
        free(c.seen);
}
