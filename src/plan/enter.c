/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include "base/alloc.h"

/* No OP_KEYRING: the filter lets no keyring call through. No limits: they are those of whoever enters, and the machine's cgroup bounds
 * both. A command comes from the spec; an init is never started a second time. */
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
        r = plan_enter_process(&b, e);
        if (r < 0) {
                plan_done(&plan);
                return r;
        }
        *ret = plan;
        return 0;
}
