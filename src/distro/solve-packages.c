/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packages that somebody else has read, as solvables: a name that is needed is provided by those that list it, without versions, so
 * that all rules of versions stay with whoever read them. */
#include <stdio.h>

#include "base/strv.h"
#include "distro/solve-private.h"

const SolvePackage *solve_package(Pool *pool, const SolveRequest *r, Id s)
{
        return &r->packages[s - pool_id2solvable(pool, s)->repo->start];
}

static Id alternatives(Pool *pool, char *const *names)
{
        Id dep = 0;
        size_t n = strv_len(names);

        while (n-- > 0) {
                Id one = pool_str2id(pool, names[n], 1);
                dep = dep ? pool_rel2id(pool, one, dep, REL_OR, 1) : one;
        }
        return dep;
}

static void add_needs(Pool *pool, Solvable *s, const SolvePackage *p)
{
        for (size_t i = 0; i < p->needs.n; i++)
                if (p->needs.items[i].any_of)
                        solvable_add_deparray(s, SOLVABLE_REQUIRES, alternatives(pool, p->needs.items[i].any_of),
                                              p->needs.items[i].before ? 1 : -1);
}

void solve_add_packages(Repo *repo, const SolveRequest *r)
{
        Pool *pool = repo->pool;
        Id first = repo_add_solvable_block(repo, (int)r->n_packages);

        for (size_t i = 0; i < r->n_packages; i++) {
                const SolvePackage *p = &r->packages[i];
                Solvable *s = pool_id2solvable(pool, first + (Id)i);
                char version[16];
                snprintf(version, sizeof(version), "%u", p->version);
                s->name = pool_str2id(pool, p->name, 1);
                s->evr = pool_str2id(pool, version, 1);
                s->arch = ARCH_NOARCH;
                solvable_add_deparray(s, SOLVABLE_PROVIDES, pool_rel2id(pool, s->name, s->evr, REL_EQ, 1), 0);
                STRV_FOREACH (name, p->provides)
                        solvable_add_deparray(s, SOLVABLE_PROVIDES, pool_str2id(pool, *name, 1), 0);
                STRV_FOREACH (name, p->conflicts)
                        solvable_add_deparray(s, SOLVABLE_CONFLICTS, pool_str2id(pool, *name, 1), 0);
                add_needs(pool, s, p);
        }
}
