/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-select.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/solve.h"

#define PRIORITY(p) (1u << (p))

typedef struct Variant {
        const char *name;
        unsigned priorities;
        const char *packages; /* besides; what a suite does not have (as login in old ones) is passed by */
} Variant;

/* Essential packages are in every variant. */
static const Variant variants[] = {
                {"minbase", PRIORITY(DEB_REQUIRED), "apt"},
                {"standard", PRIORITY(DEB_REQUIRED) | PRIORITY(DEB_IMPORTANT) | PRIORITY(DEB_STANDARD), "apt"},
                /* agetty is in util-linux, and libpam-systemd gives a login its session. */
                {"boot", PRIORITY(DEB_REQUIRED), "apt systemd systemd-sysv dbus libpam-systemd login iproute2 util-linux"},
};

static const Variant *find_variant(const char *name, Error *e)
{
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(variants); i++) {
                if (str_eq(variants[i].name, name ?: "boot"))
                        return &variants[i];
                strv_push(&names, variants[i].name);
        }
        _cleanup_free_ char *list = strv_join(names, ", ");
        error_set(e, -EINVAL, "unknown variant '%s'; there are %s", name, list);
        return NULL;
}

static void add_root(char ***roots, const DebSelection *s, Slice name)
{
        _cleanup_free_ char *n = slice_dup(name);

        if (!strv_contains(*roots, n) && !strv_contains(s->exclude, n))
                strv_push(roots, n);
}

/* Essential and priority are what the suite itself says; an update does not change what the base system is. */
static void add_matching(const DebPackages *p, const DebSelection *s, bool essential, unsigned priorities, char ***roots)
{
        for (size_t i = 0; i < p->records.n; i++) {
                const DebRecord *r = &p->records.items[i];
                if (r->archive == 0 && (essential ? r->essential : (PRIORITY(r->priority) & priorities) != 0))
                        add_root(roots, s, r->name);
        }
}

static int add_include(DebPackages *p, const DebSelection *s, const char *word, char ***roots, Error *e)
{
        const char *eq = strchr(word, '=');
        _cleanup_free_ char *name = eq ? xstrndup(word, (size_t)(eq - word)) : xstrdup(word);
        Slice n = {name, strlen(name)};

        if (strv_contains(s->exclude, name))
                return error_set(e, -EINVAL, "package '%s' is both included and excluded", name);
        if (eq) {
                int k = deb_packages_pin(p, name, eq + 1, e);
                if (k < 0)
                        return k;
        }
        if (deb_packages_candidate(p, n)) {
                add_root(roots, s, n);
                return 0;
        }
        _cleanup_strv_ char **providers = deb_packages_providers(p, n);
        if (strv_len(providers) == 1) {
                add_root(roots, s, (Slice){providers[0], strlen(providers[0])});
                return 0;
        }
        if (!providers)
                return deb_packages_unknown(p, name, e);
        _cleanup_free_ char *list = strv_join(providers, ", ");
        return error_set(e, -ENOENT, "'%s' is not a package, but several provide it; include one of: %s", name, list);
}

static int rank_by_priority(void *ctx, const char *name)
{
        const DebRecord *r = deb_packages_candidate(ctx, (Slice){name, strlen(name)});

        return r ? r->priority : _DEB_PRIORITY_MAX;
}

static bool provides(const DebRecord *r, Slice name)
{
        Slice value = deb822_get(r->stanza, "Provides"), one;

        while (slice_until(&value, ',', &one))
                if (slice_eq(deb_dependency_name(one), name))
                        return true;
        return false;
}

static size_t find_chosen(const DebChoice *c, Slice name)
{
        for (size_t i = 0; i < c->n; i++)
                if (slice_eq(c->items[i]->name, name))
                        return i;
        for (size_t i = 0; i < c->n; i++)
                if (provides(c->items[i], name))
                        return i;
        return SIZE_MAX;
}

/* Of each group the first alternative that was chosen; true when something was added. */
static bool close_field(const DebChoice *c, bool *set, Slice value)
{
        Slice group, one;
        bool added = false;

        while (slice_until(&value, ',', &group))
                while (slice_until(&group, '|', &one)) {
                        size_t i = find_chosen(c, deb_dependency_name(one));
                        if (i == SIZE_MAX)
                                continue;
                        added = added || !set[i];
                        set[i] = true;
                        break;
                }
        return added;
}

void deb_choice_close(const DebChoice *c, bool *set, const char *const *fields)
{
        bool *seen = xnew(bool, c->n + 1);
        bool again = true;

        while (again) {
                again = false;
                for (size_t i = 0; i < c->n; i++) {
                        if (!set[i] || seen[i])
                                continue;
                        seen[i] = true;
                        for (const char *const *f = fields; *f; f++)
                                again = close_field(c, set, deb822_get(c->items[i]->stanza, *f)) || again;
                }
        }
        free(seen);
}

static void mark_base_and_automatic(DebChoice *c, char *const *roots)
{
        static const char *const fields[] = {"Pre-Depends", "Depends", NULL};
        bool *base = c->base = xnew(bool, c->n + 1);

        for (size_t i = 0; i < c->n; i++)
                base[i] = c->items[i]->essential;
        deb_choice_close(c, base, fields);
        for (size_t i = 0; i < c->n; i++) {
                _cleanup_free_ char *name = slice_dup(c->items[i]->name);
                c->automatic[i] = !base[i] && !strv_contains(roots, name);
        }
}

static void take_names(const DebPackages *p, char *const *names, char *const *roots, DebChoice *ret)
{
        *ret = (DebChoice){.n = strv_len(names)};
        ret->items = xnew(const DebRecord *, ret->n + 1);
        ret->automatic = xnew(bool, ret->n + 1);
        for (size_t i = 0; i < ret->n; i++)
                ret->items[i] = deb_packages_candidate(p, (Slice){names[i], strlen(names[i])});
        mark_base_and_automatic(ret, roots);
}

/* The essential packages with all they need, as apt sees them installed already when the rest is looked at. */
static int solve_roots(DebPackages *p, const DebSelection *s, char *const *roots, size_t n_first, DebChoice *ret, Error *e)
{
        Buf text = {0};
        _cleanup_strv_ char **names = NULL;

        deb_packages_closure(p, roots, s->exclude, &text);
        SolveRequest q = {
                        .format = SOLVE_DEB,
                        .arch = s->arch,
                        .text = text.data,
                        .len = text.len,
                        .install = roots,
                        .n_first = n_first,
                        .excluded = s->exclude,
                        .rank = rank_by_priority,
                        .ctx = p,
        };
        int k = solve_install(&q, &names, e);
        buf_done(&text);
        if (k >= 0)
                take_names(p, names, roots, ret);
        return k;
}

int deb_select(DebPackages *p, const DebSelection *s, DebChoice *ret, Error *e)
{
        const Variant *v = find_variant(s->variant, e);
        _cleanup_strv_ char **roots = NULL, **extra = NULL;
        int k = 0;

        if (!v)
                return -EINVAL;
        add_matching(p, s, true, 0, &roots);
        size_t n_first = strv_len(roots);
        add_matching(p, s, false, v->priorities, &roots);
        extra = strv_split(v->packages, " ");
        STRV_FOREACH (x, extra)
                if (deb_packages_candidate(p, (Slice){*x, strlen(*x)}))
                        add_root(&roots, s, (Slice){*x, strlen(*x)});
        for (char *const *i = s->include; i && *i && k >= 0; i++)
                k = add_include(p, s, *i, &roots, e);
        return k < 0 ? k : solve_roots(p, s, roots, n_first, ret, e);
}

void deb_choice_done(DebChoice *c)
{
        free(c->items);
        free(c->base);
        free(c->automatic);
        *c = (DebChoice){0};
}
