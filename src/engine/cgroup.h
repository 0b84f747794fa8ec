/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "plan/plan.h"

/* The machine's control group, plan->cgroup: the payload lives in payload/ below it, which belongs to the machine's root; and its groups
 * in hierarchies of cgroup v1, where the plan has limits for those. Nothing is mounted here, and controllers are switched on only for
 * limits. */
typedef struct EngineCgroup {
        char *path, *payload; /* NULL when the plan has none */
        int payload_fd;
        const MachinePlan *plan;
        bool aside; /* the supervisor is in supervisor/ below path */
} EngineCgroup;

int engine_cgroup_make(EngineCgroup *g, const MachinePlan *plan, Error *e);
/* Into the groups that it is not born in. */
int engine_cgroup_attach(const EngineCgroup *g, pid_t leader, Error *e);
/* After PID 1 is gone: kills what is still there and removes the directories. */
void engine_cgroup_remove(EngineCgroup *g);
