/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/devices.h"
#include "sys/cgroup.h"
#include "sys/cgroup1.h"

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

/* ---- limits ---- */

/* From the top down: a group has the controllers that its parent hands on. */
static void enable_controllers(const char *group)
{
        _cleanup_free_ char *parent = path_dirname(group);

        if (!str_eq(parent, "/") && *parent)
                enable_controllers(parent);
        (void)sys_cgroup_enable_controllers(parent); /* what is not there shows when the limit is written */
}

static int write_limit(int directory, const PlanOp *op)
{
        int r = file_write_at(directory, op->path, op->text, 0);

        STRV_FOREACH (other, op->alternatives) {
                const char *equals = strchr(*other, '=');
                _cleanup_free_ char *file = xstrndup(*other, (size_t)(equals - *other));
                if (r == -ENOENT)
                        r = file_write_at(directory, file, equals + 1, 0);
        }
        return r;
}

static int set_limit(const EngineCgroup *g, const PlanOp *op, Error *e)
{
        _cleanup_close_ int v1 = op->source ? open(op->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        int r = op->source && v1 < 0 ? -errno : write_limit(op->source ? v1 : g->payload_fd, op);

        return r < 0 ? error_sys(e, r, "cannot set the limit %s of control group '%s' to '%s'", op->path,
                                 op->source ?: g->payload, op->text)
                     : 0;
}

static int set_limits(const EngineCgroup *g, Error *e)
{
        bool enabled = false;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < g->plan->n && g->plan->items[i].phase == PHASE_CGROUP; i++) {
                const PlanOp *op = &g->plan->items[i];
                if (op->type == OP_CGROUP_JOIN) {
                        r = sys_cgroup1_make(op->path);
                        if (r < 0)
                                return error_sys(e, r, "cannot make control group '%s'", op->path);
                } else if (op->type == OP_CGROUP_DEVICES)
                        r = devices_limit(g->payload_fd, op, e);
                else {
                        if (!op->source && !enabled)
                                enable_controllers(g->payload);
                        enabled = enabled || !op->source;
                        r = set_limit(g, op, e);
                }
        }
        return r;
}

int engine_cgroup_attach(const EngineCgroup *g, pid_t leader, Error *e)
{
        for (size_t i = 0; i < g->plan->n; i++) {
                const PlanOp *op = &g->plan->items[i];
                int r = op->type == OP_CGROUP_JOIN ? sys_cgroup1_attach(op->path, leader) : 0;
                if (r < 0)
                        return error_sys(e, r, "cannot put the machine into control group '%s'", op->path);
        }
        return 0;
}

static void remove_joined(const EngineCgroup *g)
{
        for (size_t i = 0; g->plan && i < g->plan->n; i++)
                if (g->plan->items[i].type == OP_CGROUP_JOIN)
                        (void)sys_cgroup1_remove(g->plan->items[i].path);
}

/* ---- the groups ---- */

int engine_cgroup_make(EngineCgroup *g, const MachinePlan *plan, Error *e)
{
        *g = (EngineCgroup){.payload_fd = -1, .plan = plan};
        if (!plan->cgroup)
                return set_limits(g, e);
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
        return r < 0 ? error_sys(e, r, "cannot hand control group '%s' to the machine", g->payload) : set_limits(g, e);
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
        remove_joined(g);
        g->payload_fd = fd_close(g->payload_fd);
        free(g->path);
        free(g->payload);
        g->path = g->payload = NULL;
}
