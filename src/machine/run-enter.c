/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "engine/engine.h"
#include "machine/run-facts.h"
#include "plan/plan.h"
#include "sys/cgroup.h"

/* The leader's own cgroup: with controllers a group that has children takes no processes, but where the leader is there is room. */
static char *leader_cgroup(const Machine *m)
{
        char *cgroup = NULL;
        return m->cgroup && sys_cgroup_of(m->leader, &cgroup) >= 0 ? cgroup : NULL;
}

static int enter_plan(const MachineHost *h, const Machine *m, const MachineSpec *spec, MachinePlan *ret, Error *e)
{
        /* The running tree, not the image: its passwd is what counts, with all that was mounted over it. */
        _cleanup_free_ char *root = xasprintf("/proc/%d/root", m->leader);
        StoreImage image = {.name = m->name, .driver = STORE_DIRECTORY, .path = root, .directory = root};
        HostFacts f = {0};
        machine_facts_host(h, &f);
        int r = machine_facts_image(&image, spec, &f, e);
        if (r >= 0) {
                f.machine_name = xstrdup(m->name);
                f.id_base = m->id_base;
                r = plan_enter(spec, &f, ret, e);
        }
        facts_done(&f);
        return r;
}

static int enter(const MachineHost *h, const Machine *m, const MachineSpec *spec, int *ret_status, Error *e)
{
        _cleanup_close_ int leader = machine_open_leader(m);
        MachinePlan plan = {0};
        if (leader < 0)
                return error_sys(e, leader, "cannot open the leader of machine '%s'", m->name);
        int r = enter_plan(h, m, spec, &plan, e);
        if (r < 0)
                return r;
        _cleanup_free_ char *cgroup = leader_cgroup(m);
        const EngineEnter en = {
                        .leader_pidfd = leader,
                        .cgroup = cgroup,
                        .plan = &plan,
                        .pty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
                        .in = STDIN_FILENO,
                        .out = STDOUT_FILENO,
                        .err = STDERR_FILENO,
        };
        r = engine_enter(&en, ret_status, e);
        plan_done(&plan);
        return r;
}

int machine_shell(const MachineHost *h, const char *name, const MachineSpec *spec, int *ret_status, Error *e)
{
        Machine m = {0};
        int r = machine_find(h, name, &m, e);
        if (r < 0)
                return r;
        if (geteuid() != 0)
                r = error_set(e, -EPERM, "entering a machine needs root: run it with sudo");
        else
                r = enter(h, &m, spec, ret_status, e);
        machine_done(&m);
        return r;
}
