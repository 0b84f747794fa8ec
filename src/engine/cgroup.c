/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cgroup.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "sys/cgroup.h"

/* With controllers a group may hold processes or child groups, not both; so when berth was started in the machine's own group (a unit
 * with Delegate=yes), it steps aside. */
static int step_aside(EngineCgroup *g, Error *e)
{
        _cleanup_free_ char *own = NULL, *supervisor = path_join(g->path, "supervisor");
        int r = sys_cgroup_self(&own);

        if (r < 0 || (!str_eq(own, g->path) && !str_eq(own, supervisor)))
                return 0;
        g->aside = true;
        r = sys_cgroup_make(supervisor, NULL);
        if (r >= 0)
                r = sys_cgroup_attach(supervisor, getpid());
        return r < 0 ? error_sys(e, r, "cannot move to control group '%s'", supervisor) : 0;
}

int engine_cgroup_make(EngineCgroup *g, const MachinePlan *plan, Error *e)
{
        *g = (EngineCgroup){.payload_fd = -1};
        if (!plan->cgroup)
                return 0;
        g->path = xstrdup(plan->cgroup);
        g->payload = path_join(plan->cgroup, "payload");
        int r = sys_cgroup_populated(g->path) >= 0 ? step_aside(g, e) : 0; /* nobody is in one that does not exist yet */
        if (r < 0)
                return r;
        r = sys_cgroup_make(g->path, NULL);
        if (r < 0)
                return error_sys(e, r, "cannot make control group '%s'", g->path);
        if (g->aside)
                (void)sys_cgroup_enable_controllers(g->path); /* those that there are */
        r = sys_cgroup_make(g->payload, &g->payload_fd);
        if (r < 0)
                return error_sys(e, r, "cannot make control group '%s'", g->payload);
        r = plan->user_namespace ? sys_cgroup_own(g->payload, plan->id_base, plan->id_base) : 0;
        return r < 0 ? error_sys(e, r, "cannot hand control group '%s' to the machine", g->payload) : 0;
}

void engine_cgroup_remove(EngineCgroup *g)
{
        if (g->path) {
                /* As a rule all members died with PID 1's namespace, and it made no groups; who came in from outside did not. */
                if (sys_cgroup_remove_empty(g->payload) < 0) {
                        if (sys_cgroup_populated(g->payload) > 0)
                                (void)sys_cgroup_kill(g->payload);
                        (void)sys_cgroup_remove(g->payload);
                }
                if (!g->aside && sys_cgroup_remove_empty(g->path) < 0)
                        (void)sys_cgroup_remove(g->path);
        }
        g->payload_fd = fd_close(g->payload_fd);
        free(g->path);
        free(g->payload);
        g->path = g->payload = NULL;
}
