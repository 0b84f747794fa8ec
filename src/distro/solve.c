/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/solve.h"

#include <errno.h>
#include <stdio.h>
#include <solv/poolarch.h>
#include <solv/repo.h>
#include <solv/repo_deb.h>
#include <solv/transaction.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "distro/solve-private.h"

static void pool_freep(Pool **p)
{
        if (*p)
                pool_free(*p);
}

static void solver_freep(Solver **s)
{
        if (*s)
                solver_free(*s);
}

static void transaction_freep(Transaction **t)
{
        if (*t)
                transaction_free(*t);
}

Id solve_by_name(Pool *pool, const char *name)
{
        Id id = pool_str2id(pool, name, 0), p, pp;

        if (id == 0)
                return 0;
        FOR_PROVIDES(p, pp, id)
        if (pool_id2solvable(pool, p)->name == id)
                return p;
        return 0;
}

void solve_alternatives(Pool *pool, Id dep, Queue *ret)
{
        while (ISRELDEP(dep)) {
                Reldep *rd = GETRELDEP(pool, dep);
                if (rd->flags != REL_OR)
                        break;
                Id right = rd->evr;
                solve_alternatives(pool, rd->name, ret);
                dep = right;
        }
        queue_push(ret, dep);
}

static int add_debian(Repo *repo, const SolveRequest *r, Error *e)
{
        if (r->len == 0)
                return 0;
        _cleanup_fclose_ FILE *f = fmemopen((void *)r->text, r->len, "r");
        if (!f)
                return error_sys(e, -errno, "cannot read the package list");
        if (repo_add_debpackages(repo, f, 0) != 0)
                return error_set(e, -EBADMSG, "cannot read the package list: %s", pool_errstr(repo->pool));
        return 0;
}

static int load(const SolveRequest *r, Pool **ret, Error *e)
{
        _cleanup_(pool_freep) Pool *pool = pool_create();
        int k = 0;

        /* A libsolv that was built for one kind of package only cannot be told; packages that come without a kind do with any. */
        if (r->format == SOLVE_DEB && pool_setdisttype(pool, DISTTYPE_DEB) < 0)
                return error_set(e, -EOPNOTSUPP, "this host's libsolv was built without support for Debian packages");
        if (r->arch)
                pool_setarch(pool, r->arch);
        Repo *repo = repo_create(pool, "index");
        if (r->format == SOLVE_DEB)
                k = add_debian(repo, r, e);
        else
                solve_add_packages(repo, r);
        if (k < 0)
                return k;
        pool_addfileprovides(pool);
        pool_createwhatprovides(pool);
        *ret = TAKE_PTR(pool);
        return 0;
}

static void add_jobs(Pool *pool, const SolveRequest *r, Queue *jobs)
{
        Queue wishes;

        STRV_FOREACH (name, r->install)
                queue_push2(jobs, SOLVER_INSTALL | SOLVER_SOLVABLE_PROVIDES, pool_str2id(pool, *name, 1));
        queue_init(&wishes);
        solve_prefer(pool, r, &wishes);
        for (int i = 0; i < wishes.count; i++)
                queue_push2(jobs, SOLVER_INSTALL | SOLVER_SOLVABLE | SOLVER_WEAK, wishes.elements[i]);
        queue_free(&wishes);
}

/* The solvables to install, in order. */
static int solve(const SolveRequest *r, Pool **ret_pool, Queue *ret, Error *e)
{
        _cleanup_(pool_freep) Pool *pool = NULL;
        _cleanup_(solver_freep) Solver *solver = NULL;
        Queue jobs;
        int k = load(r, &pool, e);

        if (k < 0)
                return k;
        queue_init(&jobs);
        add_jobs(pool, r, &jobs);
        solver = solver_create(pool);
        solver_set_flag(solver, SOLVER_FLAG_IGNORE_RECOMMENDED, 1);
        if (solver_solve(solver, &jobs) != 0)
                k = solve_explain(solver, r, e);
        else {
                _cleanup_(transaction_freep) Transaction *t = solver_create_transaction(solver);
                transaction_order(t, 0);
                queue_insertn(ret, 0, t->steps.count, t->steps.elements);
        }
        queue_free(&jobs);
        if (k >= 0)
                *ret_pool = TAKE_PTR(pool); /* which the solver does not outlive */
        return k;
}

int solve_install(const SolveRequest *r, char ***ret_names, Error *e)
{
        _cleanup_(pool_freep) Pool *pool = NULL;
        Queue chosen;

        queue_init(&chosen);
        int k = solve(r, &pool, &chosen, e);
        for (int i = 0; i < chosen.count; i++)
                strv_push(ret_names, pool_id2str(pool, pool_id2solvable(pool, chosen.elements[i])->name));
        queue_free(&chosen);
        return k;
}

int solve_packages(const SolveRequest *r, size_t **ret, size_t *ret_n, Error *e)
{
        _cleanup_(pool_freep) Pool *pool = NULL;
        Queue chosen;

        queue_init(&chosen);
        int k = solve(r, &pool, &chosen, e);
        if (k >= 0) {
                *ret = xnew(size_t, (size_t)chosen.count + 1);
                *ret_n = (size_t)chosen.count;
                for (int i = 0; i < chosen.count; i++)
                        (*ret)[i] = (size_t)(solve_package(pool, r, chosen.elements[i]) - r->packages);
        }
        queue_free(&chosen);
        return k;
}
