/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One sentence on why a set of packages cannot be installed, with the chain from what the user (or the variant) asked for. */
#include "distro/solve-private.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"

typedef struct Why {
        SolverRuleinfo type;
        Id from, to, dep;
} Why;

/* The rule of the first problem that says most. */
static Why find_why(Solver *solver)
{
        static const SolverRuleinfo order[] = {
                        SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP,
                        SOLVER_RULE_JOB_UNKNOWN_PACKAGE,
                        SOLVER_RULE_JOB_NOTHING_PROVIDES_DEP,
                        SOLVER_RULE_PKG_CONFLICTS,
                        SOLVER_RULE_PKG_SELF_CONFLICT,
                        SOLVER_RULE_PKG_NOT_INSTALLABLE,
                        SOLVER_RULE_PKG_SAME_NAME,
        };
        Why best = {.type = SOLVER_RULE_UNKNOWN};
        size_t best_at = ELEMENTSOF(order);
        Queue rules;

        queue_init(&rules);
        solver_findallproblemrules(solver, 1, &rules);
        for (int i = 0; i < rules.count; i++) {
                Why w = {0};
                w.type = solver_ruleinfo(solver, rules.elements[i], &w.from, &w.to, &w.dep);
                for (size_t k = 0; k < best_at; k++)
                        if (order[k] == w.type) {
                                best = w;
                                best_at = k;
                        }
        }
        queue_free(&rules);
        return best;
}

static void visit(Pool *pool, Id s, Id *parent, Queue *queue)
{
        Queue deps;
        Id p, pp;

        queue_init(&deps);
        solvable_lookup_deparray(pool_id2solvable(pool, s), SOLVABLE_REQUIRES, &deps, 0);
        for (int i = 0; i < deps.count; i++) {
                if (deps.elements[i] == SOLVABLE_PREREQMARKER)
                        continue;
                FOR_PROVIDES(p, pp, deps.elements[i])
                if (parent[p] == 0) {
                        parent[p] = s;
                        queue_push(queue, p);
                }
        }
        queue_free(&deps);
}

/* Breadth first, so that the chain is the shortest. A root's parent is the root itself. */
static void find_parents(Pool *pool, const SolveRequest *r, Id *parent)
{
        Queue queue;

        queue_init(&queue);
        STRV_FOREACH (name, r->install) {
                Id s = solve_by_name(pool, *name);
                if (s != 0 && parent[s] == 0) {
                        parent[s] = s;
                        queue_push(&queue, s);
                }
        }
        for (int i = 0; i < queue.count; i++)
                visit(pool, queue.elements[i], parent, &queue);
        queue_free(&queue);
}

static const char *name_of(Pool *pool, const SolveRequest *r, Id s)
{
        if (r->packages && solve_package(pool, r, s)->label)
                return solve_package(pool, r, s)->label;
        return pool_id2str(pool, pool_id2solvable(pool, s)->name);
}

/* "'a' needs 'b', which needs 'c'" */
static void put_chain(Buf *b, Pool *pool, const SolveRequest *r, const Id *parent, Id s)
{
        if (parent[s] == 0 || parent[s] == s) {
                buf_addf(b, "'%s'", name_of(pool, r, s));
                return;
        }
        put_chain(b, pool, r, parent, parent[s]);
        buf_addf(b, "%s needs '%s'", parent[parent[s]] == parent[s] ? "" : ", which", name_of(pool, r, s));
}

static void put_missing(Buf *b, Pool *pool, const SolveRequest *r, const Id *parent, const Why *w)
{
        Queue alternatives;

        put_chain(b, pool, r, parent, w->from);
        buf_addf(b, "%s needs '%s'", parent[w->from] == w->from ? "" : ", which", pool_dep2str(pool, w->dep));
        queue_init(&alternatives);
        solve_alternatives(pool, w->dep, &alternatives);
        const char *excluded = NULL;
        for (int i = 0; i < alternatives.count && !excluded; i++) {
                Id name = alternatives.elements[i];
                while (ISRELDEP(name))
                        name = GETRELDEP(pool, name)->name;
                if (strv_contains(r->excluded, pool_id2str(pool, name)))
                        excluded = pool_id2str(pool, name);
        }
        queue_free(&alternatives);
        _cleanup_free_ char *why = r->missing ? r->missing(r->ctx, pool_dep2str(pool, w->dep)) : NULL;
        if (excluded)
                buf_addf(b, "; '%s' is excluded", excluded);
        else if (why)
                buf_adds(b, why);
        else
                buf_adds(b, ", which no package provides");
}

static void put_conflict(Buf *b, Pool *pool, const SolveRequest *r, const Id *parent, const Why *w)
{
        if (parent[w->from] != w->from) {
                put_chain(b, pool, r, parent, w->from);
                buf_adds(b, "; ");
        }
        buf_addf(b, "'%s' conflicts with '%s'", name_of(pool, r, w->from), pool_dep2str(pool, w->dep));
        if (w->to != 0 && parent[w->to] != w->to) {
                buf_adds(b, "; ");
                put_chain(b, pool, r, parent, w->to);
        }
}

static void put_same_name(Buf *b, Pool *pool, const SolveRequest *r, const Id *parent, const Why *w)
{
        put_chain(b, pool, r, parent, w->from);
        buf_adds(b, "; ");
        put_chain(b, pool, r, parent, w->to);
        buf_addf(b, "; there can be only one of them in '%s'", pool_id2str(pool, pool_id2solvable(pool, w->from)->name));
}

int solve_explain(Solver *solver, const SolveRequest *r, Error *e)
{
        Pool *pool = solver->pool;
        Why w = find_why(solver);
        Buf b = {0};

        Id *parent = xnew(Id, (size_t)pool->nsolvables);
        find_parents(pool, r, parent);
        if (w.type == SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP && w.from != 0)
                put_missing(&b, pool, r, parent, &w);
        else if (w.type == SOLVER_RULE_PKG_CONFLICTS && w.from != 0)
                put_conflict(&b, pool, r, parent, &w);
        else if (w.type == SOLVER_RULE_PKG_SAME_NAME && w.from != 0 && w.to != 0)
                put_same_name(&b, pool, r, parent, &w);
        else if (w.dep != 0)
                buf_addf(&b, "no package provides '%s'", pool_dep2str(pool, w.dep));
        else
                buf_adds(&b, solver_problemruleinfo2str(solver, w.type, w.from, w.to, w.dep));
        free(parent);
        _cleanup_free_ char *text = buf_take(&b);
        return error_set(e, -ENOPKG, "the packages cannot be installed together: %s", text);
}
