/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-session.h"

#include <sched.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "sys/process.h"

static void set_state(Session *s, const char *state)
{
        free(s->record.state);
        s->record.state = xstrdup(state);
}

/* Before the payload runs: from here on any berth command finds the machine. */
static int on_created(void *ctx, const EngineProcess *process, Error *e)
{
        Session *s = ctx;
        const Target *t = s->target;
        const MachinePlan *p = &s->plan;
        char boot_id[33];
        int r = sys_boot_id(boot_id);
        if (r < 0)
                return error_sys(e, r, "cannot read the host's boot ID");

        machine_done(&s->record);
        s->record = (Machine){
                        .name = xstrdup(t->name),
                        .boot_id = xstrdup(boot_id),
                        .class = xstrdup("container"),
                        .service = xstrdup("berth"),
                        .state = xstrdup("opening"),
                        .root = xstrdup(t->image.path),
                        .cgroup = xstrdup(p->cgroup),
                        .leader = process->leader,
                        .leader_starttime = process->leader_starttime,
                        .supervisor = process->supervisor,
                        .started_usec = clock_realtime(),
                        .id_base = p->user_namespace ? p->id_base : 0,
                        .id_count = p->user_namespace ? p->id_count : 0,
                        .stop_signal = p->stop_signal,
                        .reboot_signal = p->reboot_signal,
                        .stop_timeout_usec = p->stop_timeout_usec,
                        .network_private = p->namespaces & CLONE_NEWNET,
                        .os_id = xstrdup(t->os.id),
                        .os_version = xstrdup(t->os.version),
                        .os_pretty = xstrdup(t->os.pretty),
        };
        if (!p->notify_ready) { /* nothing more is waited for: one write instead of two */
                set_state(s, "running");
        }
        return machine_record_write(t->host, &s->record, e);
}

static void on_ready(void *ctx)
{
        Session *s = ctx;
        if (!str_eq(s->record.state, "running")) {
                set_state(s, "running");
                (void)machine_record_write(s->target->host, &s->record, NULL); /* only shown; the machine runs all the same */
        }
        s->ready = true;
        if (s->on_ready)
                s->on_ready(s->ctx);
}

int session_run(Session *s, const EngineIo *io, EngineResult *ret, Error *e)
{
        const EngineHooks hooks = {.ctx = s, .created = on_created, .ready = on_ready};
        int r;
        for (;;) {
                if (s->cgroup) {
                        free(s->plan.cgroup);
                        s->plan.cgroup = xstrdup(s->cgroup);
                }
                r = engine_run(&s->plan, io, &hooks, ret, e);
                plan_done(&s->plan);
                if (r < 0 || ret->end != ENGINE_REBOOT)
                        break;
                r = target_plan(s->target, &s->plan, e); /* the image may have changed, and each boot has an ID of its own */
                if (r < 0)
                        break;
        }
        machine_registry_remove_parent(s->target->host);
        machine_done(&s->record);
        free(s->cgroup);
        return r;
}
