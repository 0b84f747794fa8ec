/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <solv/bitmap.h>
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/solver.h>

#include "distro/solve.h"

/* Appends what a careful person would choose who reads dependencies from left to right: for each group of alternatives that
 * nothing chosen satisfies, the first that can be installed. May be incomplete where it leads into a conflict. */
void solve_prefer(Pool *pool, const SolveRequest *r, Queue *ret);
/* Sets the message for a set of jobs that has no solution. */
int solve_explain(Solver *solver, const SolveRequest *r, Error *e);

/* The alternatives of a dependency, in order. */
void solve_alternatives(Pool *pool, Id dep, Queue *ret);
Id solve_by_name(Pool *pool, const char *name); /* the solvable, 0 = none */
/* SOLVE_PACKAGES: the package behind a solvable. */
const SolvePackage *solve_package(Pool *pool, const SolveRequest *r, Id s);
/* solve-packages.c: fills a repository of a pool without a kind of its own. */
void solve_add_packages(Repo *repo, const SolveRequest *r);
