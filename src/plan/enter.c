/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include "base/alloc.h"

/* The session keyring stays the caller's own new one (a login has one anyway), and limits are those of whoever enters: the machine's
 * cgroup bounds it. A command comes from the spec; an init is never started a second time. */
int plan_enter(const MachineSpec *spec, const HostFacts *facts, MachinePlan *ret, Error *e)
{
        MachineSpec command = *spec; /* borrowed members */
        MachinePlan plan = {};
        PlanBuild b = {.spec = &command, .facts = facts, .plan = &plan};

        command.boot = false;
        int r = plan_check_enter(&b, e);
        if (r < 0) {
                plan_done(&plan);
                return r;
        }
        plan.name = xstrdup(facts->machine_name);
        plan_enter_process(&b);
        *ret = plan;
        return 0;
}
