/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The solver knows names, so each atom becomes one: a name that all packages provide which match it. Versions, slots and USE flags are
 * thereby settled here, and a slot is what there is one of. A branch of several atoms in an any-of group is a package of its own that
 * needs them. Only what could be reached from the wishes is handed over. */
#include "distro/gentoo-select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-dep.h"
#include "distro/gentoo-index.h"
#include "distro/solve.h"

#define NEVER "|| ( )"

typedef struct Blocker {
        size_t owner;
        GentooAtom atom;
        char *text; /* what the atom points to */
} Blocker;

typedef struct Closure {
        const GentooSelection *s;
        const GentooPackage **sorted; /* by category and name, then what is taken first last */
        size_t *at;                   /* for each package 1 + its index in `out`, 0: not reached */
        struct {
                SolvePackage *items;
                size_t n;
        } out;
        const GentooPackage **origin; /* for each in `out`; NULL: a wish, or a branch of a group */
        size_t n_origin;
        struct {
                Blocker *items;
                size_t n;
        } blockers;
} Closure;

/* ---- the packages of one name ---- */

static int compare_slices(Slice a, Slice b)
{
        size_t n = MIN(a.n, b.n);
        int d = n ? memcmp(a.s, b.s, n) : 0;
        return d ?: (a.n > b.n) - (a.n < b.n);
}

static int compare_name(Slice category, Slice name, const GentooPackage *p)
{
        return compare_slices(category, p->category) ?: compare_slices(name, p->name);
}

static int compare_sorted(const void *x, const void *y)
{
        const GentooPackage *a = *(GentooPackage *const *)x, *b = *(GentooPackage *const *)y;
        return compare_name(a->category, a->name, b) ?: gentoo_package_compare(a, b);
}

static const GentooPackage **find_first(const Closure *c, Slice category, Slice name, size_t *ret_n)
{
        size_t low = 0, high = c->s->n, n = 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (compare_name(category, name, c->sorted[middle]) > 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        while (low + n < c->s->n && compare_name(category, name, c->sorted[low + n]) == 0)
                n++;
        *ret_n = n;
        return &c->sorted[low];
}

/* ---- names for the solver ---- */

static const char *hidden(const Closure *c, const GentooPackage *p)
{
        if (!p->eapi)
                return "has an EAPI that berth does not know";
        return c->s->hidden ? c->s->hidden[p - c->s->packages] : NULL;
}

static size_t add_package(Closure *c, const GentooPackage *origin, char *name, char *label)
{
        SolvePackage *p = vec_push(&c->out);
        p->name = name;
        p->label = label;
        c->origin = xreallocarray(c->origin, c->out.n, sizeof(*c->origin));
        c->origin[c->out.n - 1] = origin;
        return c->out.n - 1;
}

static size_t reach(Closure *c, const GentooPackage *p, unsigned version)
{
        size_t *at = &c->at[p - c->s->packages];

        if (*at == 0) {
                char *name = xasprintf("%.*s/%.*s:%.*s", (int)p->category.n, p->category.s, (int)p->name.n, p->name.s,
                                       (int)p->slot.n, p->slot.s);
                *at = 1 + add_package(c, p, name, slice_dup(p->cpv));
                c->out.items[*at - 1].version = version;
        }
        return *at - 1;
}

static void provide(SolvePackage *p, const char *name)
{
        if (!strv_contains(p->provides, name))
                strv_push(&p->provides, name);
}

/* The name for an atom, provided by all that match it. */
static char *name_of_atom(Closure *c, const GentooAtom *a)
{
        char *name = slice_dup(a->text);
        size_t n;
        const GentooPackage **first = find_first(c, a->category, a->name, &n);

        for (size_t i = 0; i < n; i++)
                if (!hidden(c, first[i]) && gentoo_atom_matches(a, first[i], c->s->implicit)) {
                        size_t at = reach(c, first[i], (unsigned)i + 1);
                        provide(&c->out.items[at], name);
                }
        return name;
}

static void add_blocker(Closure *c, size_t owner, const GentooAtom *a)
{
        size_t marks = a->block == GENTOO_BLOCK_STRONG ? 2 : 1;
        Blocker b = {.owner = owner, .text = slice_dup((Slice){a->text.s + marks, a->text.n - marks})};

        if (gentoo_atom_parse((Slice){b.text, a->text.n - marks}, NULL, &b.atom, NULL) < 0) {
                free(b.text);
                return;
        }
        strv_push(&c->out.items[owner].conflicts, b.text);
        *vec_push(&c->blockers) = b;
}

/* ---- dependencies ---- */

static void add_need(Closure *c, size_t owner, const GentooDep *d, bool before);

/* "( a b )" in a group, as a package of that name. */
static char *name_of_branch(Closure *c, const GentooDep *d, bool before)
{
        Buf b = {0};

        buf_adds(&b, "( ");
        gentoo_dep_format(d, &b);
        buf_adds(&b, " )");
        char *name = buf_take(&b);
        for (size_t i = 0; i < c->out.n; i++)
                if (!c->origin[i] && str_eq(c->out.items[i].name, name))
                        return name;
        size_t owner = add_package(c, NULL, xstrdup(name), NULL);
        if (d->kind == GENTOO_DEP_ALL)
                for (size_t i = 0; i < d->n; i++)
                        add_need(c, owner, &d->items[i], before);
        else
                add_need(c, owner, d, before);
        return name;
}

static void add_any(Closure *c, size_t owner, const GentooDep *d, bool before)
{
        char **names = NULL;

        for (size_t i = 0; i < d->n; i++) {
                const GentooDep *child = &d->items[i];
                if (child->kind == GENTOO_DEP_ATOM && child->atom.block == GENTOO_BLOCK_NONE)
                        strv_consume(&names, name_of_atom(c, &child->atom));
                else if (child->kind != GENTOO_DEP_NEVER)
                        strv_consume(&names, name_of_branch(c, child, before));
        }
        if (!names)
                strv_push(&names, NEVER);
        *vec_push(&c->out.items[owner].needs) = (SolveNeed){names, before};
}

static void add_need(Closure *c, size_t owner, const GentooDep *d, bool before)
{
        const GentooDep group = {.kind = GENTOO_DEP_ANY, .items = (GentooDep *)d, .n = 1};

        if (d->kind == GENTOO_DEP_ATOM && d->atom.block != GENTOO_BLOCK_NONE)
                add_blocker(c, owner, &d->atom);
        else
                add_any(c, owner, d->kind == GENTOO_DEP_ANY ? d : &group, before);
}

static int add_needs(Closure *c, size_t owner, Slice text, bool before, Error *e)
{
        const GentooPackage *p = c->origin[owner];
        _cleanup_gentoo_dep_ GentooDep all = {0}, d = {0};
        int k = gentoo_dep_parse(text, NULL, &all, e); /* binary packages have slots and sub-slots whatever their EAPI */

        if (k < 0)
                return error_prefix(e, k, "package '%.*s'", (int)p->cpv.n, p->cpv.s);
        gentoo_dep_evaluate(&all, p->use, p->eapi, &d);
        for (size_t i = 0; i < d.n; i++)
                add_need(c, owner, &d.items[i], before);
        return 0;
}

/* All that is reached from what was reached. */
static int close_over(Closure *c, Error *e)
{
        int k = 0;

        for (size_t i = 0; i < c->out.n && k >= 0; i++) {
                const GentooPackage *p = c->origin[i];
                if (!p)
                        continue;
                k = add_needs(c, i, p->rdepend, true, e);
                if (k >= 0 && p->eapi->idepend)
                        k = add_needs(c, i, p->idepend, true, e);
                if (k >= 0)
                        k = add_needs(c, i, p->pdepend, false, e);
        }
        return k;
}

static int add_wish(Closure *c, const GentooWish *w, Error *e)
{
        size_t owner = add_package(c, NULL, xstrdup(w->label), NULL);

        STRV_FOREACH (text, w->atoms) {
                GentooDep d = {.kind = GENTOO_DEP_ATOM};
                int k = gentoo_atom_parse((Slice){*text, strlen(*text)}, NULL, &d.atom, e);
                if (k < 0)
                        return error_prefix(e, k, "%s", w->label);
                add_need(c, owner, &d, false);
        }
        return 0;
}

/* Who is blocked among what was reached. A package does not block itself, nor what takes its place in its slot. */
static void apply_blockers(Closure *c)
{
        for (size_t i = 0; i < c->blockers.n; i++) {
                const Blocker *b = &c->blockers.items[i];
                size_t n;
                const GentooPackage **first = find_first(c, b->atom.category, b->atom.name, &n);
                for (size_t j = 0; j < n; j++) {
                        size_t at = c->at[first[j] - c->s->packages];
                        if (at > 0 && at - 1 != b->owner && gentoo_atom_matches(&b->atom, first[j], c->s->implicit))
                                provide(&c->out.items[at - 1], b->text);
                }
        }
}

/* ---- why something is missing ---- */

static void put_flags(Buf *b, const Closure *c, const GentooAtom *a, const GentooPackage *p)
{
        Slice rest = a->use;
        GentooUse u;
        bool any = false;

        while (gentoo_use_next(&rest, &u)) {
                GentooAtom one = *a;
                char text[256];
                int n = snprintf(text, sizeof(text), "%s%.*s%s", u.prefix == '-' ? "-" : "", (int)u.flag.n, u.flag.s,
                                 u.fallback == '+'   ? "(+)"
                                 : u.fallback == '-' ? "(-)"
                                                     : "");
                one.use = (Slice){text, (size_t)MIN(n, (int)sizeof(text) - 1)};
                if (gentoo_atom_matches(&one, p, c->s->implicit))
                        continue;
                buf_addf(b, "%s%s", any ? "," : "", text);
                any = true;
        }
}

/* Of an atom that nothing matches: the best of its name, and what is wrong with it. */
static char *why_missing(void *ctx, const char *name)
{
        const Closure *c = ctx;
        GentooAtom a;
        size_t n;

        if (gentoo_atom_parse((Slice){name, strlen(name)}, NULL, &a, NULL) < 0)
                return NULL;
        const GentooPackage **first = find_first(c, a.category, a.name, &n);
        if (n == 0)
                return xstrdup(", and no binary package of that name is in the index");
        for (size_t i = n; i-- > 0;) {
                const GentooPackage *p = first[i];
                if (!gentoo_atom_matches_version(&a, p))
                        continue;
                if (hidden(c, p))
                        return xasprintf(", and '%.*s' %s", (int)p->cpv.n, p->cpv.s, hidden(c, p));
                Buf b = {0};
                buf_addf(&b, ", and '%.*s' was not built with [", (int)p->cpv.n, p->cpv.s);
                put_flags(&b, c, &a, p);
                buf_adds(&b, "]");
                return buf_take(&b);
        }
        const GentooPackage *best = first[n - 1];
        return xasprintf(", and the index has '%.*s' in slot %.*s/%.*s%s", (int)best->cpv.n, best->cpv.s, (int)best->slot.n,
                         best->slot.s, (int)best->subslot.n, best->subslot.s, n > 1 ? " and older ones" : "");
}

/* ---- all of it ---- */

static void closure_done(Closure *c)
{
        for (size_t i = 0; i < c->out.n; i++) {
                SolvePackage *p = &c->out.items[i];
                free(p->name);
                free(p->label);
                strv_free(p->provides);
                strv_free(p->conflicts);
                for (size_t j = 0; j < p->needs.n; j++)
                        strv_free(p->needs.items[j].any_of);
                free(p->needs.items);
        }
        for (size_t i = 0; i < c->blockers.n; i++)
                free(c->blockers.items[i].text);
        free(c->blockers.items);
        free(c->out.items);
        free(c->origin);
        free(c->sorted);
        free(c->at);
}

/* Its files are the links of a merged /usr: nothing may be there before it. */
static bool is_layout(const GentooPackage *p)
{
        return slice_eq_str(p->category, "sys-apps") && slice_eq_str(p->name, "baselayout");
}

static int solve(Closure *c, GentooChoice *ret, Error *e)
{
        _cleanup_strv_ char **install = NULL;
        _cleanup_free_ size_t *order = NULL;
        size_t n;

        for (size_t i = 0; i < c->s->n_wishes; i++)
                strv_push(&install, c->s->wishes[i].label);
        const SolveRequest q = {
                        .format = SOLVE_PACKAGES,
                        .packages = c->out.items,
                        .n_packages = c->out.n,
                        .install = install,
                        .n_first = 1,
                        .missing = why_missing,
                        .ctx = c,
        };
        int k = solve_packages(&q, &order, &n, e);
        if (k < 0)
                return k;
        ret->items = xnew(const GentooPackage *, n + 1);
        for (int layout = 1; layout >= 0; layout--)
                for (size_t i = 0; i < n; i++) {
                        const GentooPackage *p = c->origin[order[i]];
                        if (p && is_layout(p) == layout)
                                ret->items[ret->n++] = p;
                }
        return 0;
}

int gentoo_select(const GentooSelection *s, GentooChoice *ret, Error *e)
{
        _cleanup_(closure_done) Closure c = {.s = s};
        int k = 0;

        c.sorted = xnew(const GentooPackage *, s->n + 1);
        c.at = xnew(size_t, s->n + 1);
        for (size_t i = 0; i < s->n; i++)
                c.sorted[i] = &s->packages[i];
        qsort(c.sorted, s->n, sizeof(*c.sorted), compare_sorted);
        for (size_t i = 0; i < s->n_wishes && k >= 0; i++)
                k = add_wish(&c, &s->wishes[i], e);
        if (k >= 0)
                k = close_over(&c, e);
        if (k < 0)
                return k;
        apply_blockers(&c);
        *ret = (GentooChoice){0};
        return solve(&c, ret, e);
}

void gentoo_choice_done(GentooChoice *c)
{
        free(c->items);
        *c = (GentooChoice){0};
}
