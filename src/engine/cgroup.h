/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "plan/plan.h"

/* The machine's control group, plan->cgroup: the payload lives in payload/ below it, which belongs to the machine's root. Nothing is
 * mounted and no controller is switched on here. */
typedef struct EngineCgroup {
        char *path, *payload; /* NULL when the plan has none */
        int payload_fd;
        bool aside; /* the supervisor is in supervisor/ below path */
} EngineCgroup;

int engine_cgroup_make(EngineCgroup *g, const MachinePlan *plan, Error *e);
/* After PID 1 is gone: kills what is still there and removes the directories. */
void engine_cgroup_remove(EngineCgroup *g);
