/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How trees of the host get into a machine with its own user namespace without that machine's root being able to lift their
 * attributes. The kernel locks attributes (read-only, nosuid, …) and the cohesion of a tree when a mount namespace is copied into one of
 * another owner (mount_namespaces(7)), and only then: a detached mount sent as a descriptor arrives unlocked, so root inside could
 * remount a read-only bind mount writable. Trees that have something to lock therefore travel by such a copy:
 *
 *   supervisor: a mount namespace of its own for the moment, a tmpfs in it, each tree attached at DIR/SLOT    staging_put()
 *   child:      (made without CLONE_NEWNS) unshare(CLONE_NEWNS), own detached copy of each DIR/SLOT            staging_take()
 *   supervisor: back to where it was                                                                          staging_leave() */

#include "base/error.h"
#include "engine/child.h"
#include "plan/plan.h"

typedef struct Staging {
        int home; /* the supervisor's own mount namespace, -1 when not staging */
        int cwd;  /* -1 when the user may not look into it: "/" then */
        int dir;
} Staging;

/* Whether the plan has trees whose attributes must hold against the machine's root. */
bool staging_needed(const MachinePlan *plan);

int staging_enter(Staging *s, Error *e);
int staging_put(Staging *s, const int *slots, size_t n, Error *e);
int staging_leave(Staging *s);

int staging_take(Child *c, Error *e);
