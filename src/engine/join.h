/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Namespaces that exist already, and a time namespace, which cannot be entered by who makes it: the supervisor goes there for the moment
 * in which it clones PID 1, and comes back. It has one thread, so nobody else is moved. */

#include "base/error.h"
#include "plan/plan.h"

#define JOIN_MAX 8

typedef struct Joined {
        int home[JOIN_MAX]; /* where the supervisor was, in the order in which it left */
        int types[JOIN_MAX];
        size_t n;
} Joined;

int join_enter(Joined *j, const MachinePlan *plan, Error *e);
int join_leave(Joined *j);
