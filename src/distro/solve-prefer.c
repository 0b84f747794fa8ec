/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apt's way of choosing, without apt: what is asked for is marked first, then each package's dependencies with one possible
 * answer, then its groups of alternatives; a group that something marked satisfies is passed by. */
#include "distro/solve-private.h"

#include "base/str.h"
#include "base/strv.h"

typedef struct Prefer {
        Pool *pool;
        const SolveRequest *request;
        Map chosen;
        Map soon;    /* SOLVE_PACKAGES: the best of what the roots need themselves; it will be chosen if it can be */
        Queue trail; /* in the order of choosing, so that a choice that leads nowhere can be taken back */
} Prefer;

static bool mark(Prefer *p, Id s);

static bool any_chosen(Prefer *p, Id dep)
{
        Pool *pool = p->pool;
        Id s, pp;

        FOR_PROVIDES(s, pp, dep)
        if (MAPTST(&p->chosen, s))
                return true;
        return false;
}

static bool matches_array(Pool *pool, Solvable *s, Id key, Id other)
{
        Queue deps;
        bool found = false;
        Id q, pp;

        queue_init(&deps);
        solvable_lookup_deparray(s, key, &deps, 0);
        for (int i = 0; i < deps.count && !found; i++)
                FOR_PROVIDES(q, pp, deps.elements[i])
        found = found || q == other;
        queue_free(&deps);
        return found;
}

/* A package may conflict with what it provides itself. */
static bool in_conflict(Prefer *p, Id s)
{
        Solvable *a = pool_id2solvable(p->pool, s);

        for (int i = 0; i < p->trail.count; i++) {
                Id t = p->trail.elements[i];
                Solvable *b = pool_id2solvable(p->pool, t);
                if (t == s)
                        continue;
                if (a->name == b->name)
                        return true;
                if ((a->conflicts && matches_array(p->pool, a, SOLVABLE_CONFLICTS, t)) ||
                    (b->conflicts && matches_array(p->pool, b, SOLVABLE_CONFLICTS, s)))
                        return true;
        }
        return false;
}

static void choose(Prefer *p, Id s)
{
        MAPSET(&p->chosen, s);
        queue_push(&p->trail, s);
}

static void take_back(Prefer *p, int count)
{
        while (p->trail.count > count)
                MAPCLR(&p->chosen, queue_pop(&p->trail));
}

static int rank_of(Prefer *p, Id alternative, Id s)
{
        Id name = alternative;

        while (ISRELDEP(name))
                name = GETRELDEP(p->pool, name)->name;
        Solvable *solvable = pool_id2solvable(p->pool, s);
        if (p->request->packages)
                return -(int)solve_package(p->pool, p->request, s)->version;
        if (solvable->name == name)
                return -1;
        return p->request->rank ? p->request->rank(p->request->ctx, pool_id2str(p->pool, solvable->name)) : 0;
}

/* All that could satisfy a dependency, the preferred first; where nothing prefers one provider, apt takes the one it read
 * last. */
static void candidates(Prefer *p, Id dep, Queue *ret)
{
        Pool *pool = p->pool;
        Queue alternatives;
        Id s, pp;

        queue_init(&alternatives);
        solve_alternatives(pool, dep, &alternatives);
        for (int i = 0; i < alternatives.count; i++) {
                int first = ret->count;
                FOR_PROVIDES(s, pp, alternatives.elements[i])
                {
                        int at = ret->count;
                        while (at > first && rank_of(p, alternatives.elements[i], ret->elements[at - 1]) >=
                                                             rank_of(p, alternatives.elements[i], s))
                                at--;
                        queue_insert(ret, at, s);
                }
        }
        queue_free(&alternatives);
}

/* What will be there anyway comes first. */
static void move_soon_forward(Prefer *p, Queue *c)
{
        int front = 0;

        for (int i = 0; i < c->count; i++) {
                Id s = c->elements[i];
                if (!MAPTST(&p->soon, s))
                        continue;
                queue_delete(c, i);
                queue_insert(c, front++, s);
        }
}

/* One pass over a package's dependencies: those with one candidate, or those with several. */
static bool mark_group(Prefer *p, const Queue *deps, bool several)
{
        bool ok = true;

        for (int i = 0; ok && i < deps->count; i++) {
                Id dep = deps->elements[i];
                Queue c;
                if (dep == SOLVABLE_PREREQMARKER || any_chosen(p, dep))
                        continue;
                queue_init(&c);
                candidates(p, dep, &c);
                move_soon_forward(p, &c);
                if ((c.count > 1) == several) {
                        ok = false;
                        for (int j = 0; !ok && j < c.count; j++)
                                ok = mark(p, c.elements[j]);
                }
                queue_free(&c);
        }
        return ok;
}

static bool mark_dependencies(Prefer *p, Id s)
{
        Queue deps;

        queue_init(&deps);
        solvable_lookup_deparray(pool_id2solvable(p->pool, s), SOLVABLE_REQUIRES, &deps, 0);
        bool ok = mark_group(p, &deps, false) && mark_group(p, &deps, true);
        queue_free(&deps);
        return ok;
}

static bool mark(Prefer *p, Id s)
{
        int before = p->trail.count;

        if (MAPTST(&p->chosen, s))
                return true;
        if (in_conflict(p, s))
                return false;
        choose(p, s);
        if (mark_dependencies(p, s))
                return true;
        take_back(p, before);
        return false;
}

static void mark_roots(Prefer *p, char *const *names, size_t n)
{
        int before = p->trail.count;

        for (size_t i = 0; i < n && names[i]; i++) {
                Id s = solve_by_name(p->pool, names[i]);
                if (s != 0 && !MAPTST(&p->chosen, s))
                        choose(p, s);
        }
        int roots = p->trail.count;
        for (int i = before; i < roots; i++)
                (void)mark_dependencies(p, p->trail.elements[i]);
}

static void note_soon(Prefer *p, Id root)
{
        Queue deps, c;

        queue_init(&deps);
        queue_init(&c);
        solvable_lookup_deparray(pool_id2solvable(p->pool, root), SOLVABLE_REQUIRES, &deps, 0);
        for (int i = 0; i < deps.count; i++) {
                queue_empty(&c);
                if (deps.elements[i] != SOLVABLE_PREREQMARKER)
                        candidates(p, deps.elements[i], &c);
                if (c.count > 0)
                        MAPSET(&p->soon, c.elements[0]);
        }
        queue_free(&c);
        queue_free(&deps);
}

void solve_prefer(Pool *pool, const SolveRequest *r, Queue *ret)
{
        Prefer p = {.pool = pool, .request = r};
        size_t n = 0;

        while (r->install && r->install[n])
                n++;
        map_init(&p.chosen, pool->nsolvables);
        map_init(&p.soon, pool->nsolvables);
        queue_init(&p.trail);
        if (r->packages)
                STRV_FOREACH (name, r->install)
                        note_soon(&p, solve_by_name(pool, *name));
        mark_roots(&p, r->install, r->n_first);
        if (r->n_first < n)
                mark_roots(&p, r->install + r->n_first, n - r->n_first);
        queue_insertn(ret, 0, p.trail.count, p.trail.elements);
        queue_free(&p.trail);
        map_free(&p.soon);
        map_free(&p.chosen);
}
