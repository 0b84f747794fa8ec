/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-forward.h"
#include "machine/run-machined.h"
#include "machine/run-network.h"
#include "machine/run-record.h"
#include "machine/run-registry.h"
#include "machine/run-scope.h"
#include "sys/open.h"
#include "sys/process.h"

static void set_state(Session *s, const char *state)
{
        free(s->record.state);
        s->record.state = xstrdup(state);
}

static char *cgroups_v1(const MachinePlan *p)
{
        _cleanup_strv_ char **directories = NULL;

        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].type == OP_CGROUP_JOIN)
                        strv_push(&directories, p->items[i].path);
        return directories ? strv_join(directories, "\n") : NULL;
}

static void on_warning(void *ctx, const char *text)
{
        const Session *s = ctx;
        events_warning(&s->target->host->events, "%s", text);
}

/* Of what is partly the host's machined is not told unasked: it would take that for the machine. */
static bool is_apart(const MachinePlan *p)
{
        const uint64_t wanted = CLONE_NEWPID | CLONE_NEWUTS;

        return (p->namespaces & wanted) == wanted && !(p->restart_outside && plan_is_session(p->cgroup));
}

/* Unless told otherwise, who is called systemd-nspawn does it where it can, and so does who starts machines in the background. */
static int tell_machined(Session *s, Error *e)
{
        const Target *t = s->target;
        const bool asked = spec_is_set(&t->spec, SPEC_FIELD_REGISTER), required = asked && t->spec.register_machine;
        Error error = {};

        if (asked ? !required : t->verb == MACHINE_RUN || !scope_is_possible(t->host) || !is_apart(&s->plan))
                return 0;
        int r = machined_register(t->host, &s->record, &error);
        s->registered = r > 0;
        if (r == 0 && required)
                return error_set(e, -EOPNOTSUPP,
                                 "--register: this host has no systemd-machined that would answer; install systemd-container, or "
                                 "use "
                                 "--register=no");
        if (r >= 0)
                return 0;
        if (!required) {
                events_warning(&t->host->events, "%s", error.message);
                return 0;
        }
        if (e)
                *e = error;
        return r;
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
                        .cgroup_v1 = cgroups_v1(p),
                        .leader = process->leader,
                        .leader_starttime = process->leader_starttime,
                        .supervisor = process->supervisor,
                        .started_usec = clock_realtime(),
                        .id_base = p->rootless         ? t->host->uid
                                   : p->user_namespace ? p->id_base
                                                       : 0,
                        .id_count = p->rootless         ? 1
                                    : p->user_namespace ? p->id_count
                                                        : 0, /* others of a user are all over the place */
                        .init = p->boot ? xstrdup(plan_init_name(p->init_kind)) : NULL,
                        .stop_signal = p->stop_signal,
                        .reboot_signal = p->reboot_signal,
                        .stop_timeout_usec = p->stop_timeout_usec,
                        .system_call_filter = t->spec.system_call_filter ? strv_join(t->spec.system_call_filter, " ") : NULL,
                        .address_families = t->spec.address_families ? strv_join(t->spec.address_families, " ") : NULL,
                        .suppress_sync = t->spec.suppress_sync,
                        .network_private = (p->namespaces & CLONE_NEWNET) || p->network_namespace,
                        .os_id = xstrdup(t->os.id),
                        .os_version = xstrdup(t->os.version),
                        .os_pretty = xstrdup(t->os.pretty),
        };
        if (!p->notify_ready) { /* nothing more is waited for: one write instead of two */
                set_state(s, "running");
        }
        machine_network_note(p, &s->record);
        r = machine_record_write(t->host, &s->record, e);
        if (r >= 0)
                r = tell_machined(s, e);
        if (r >= 0)
                r = machine_network_begin(t->host, p, &s->record, process->leader_pidfd, &s->ports_pidfd, e);
        if (r >= 0)
                host_notify_created(&s->notify, process->leader);
        return r;
}

/* The machine is gone, and so is what it had outside. */
static void end_network(Session *s)
{
        if (s->ports_pidfd >= 0) {
                siginfo_t info;
                (void)sys_pidfd_send_signal(s->ports_pidfd, SIGKILL);
                (void)sys_pidfd_wait(s->ports_pidfd, &info);
        }
        s->ports_pidfd = fd_close(s->ports_pidfd);
        machine_network_end(s->target->host, &s->record);
}

static void on_ready(void *ctx)
{
        Session *s = ctx;
        if (!str_eq(s->record.state, "running")) {
                set_state(s, "running");
                (void)machine_record_write(s->target->host, &s->record, NULL); /* only shown; the machine runs all the same */
        }
        s->ready = true;
        host_notify_ready(&s->notify);
        if (s->on_ready)
                s->on_ready(s->ctx);
}

static void on_status(void *ctx, const char *text)
{
        const Session *s = ctx;
        host_notify_status(&s->notify, text);
}

static void on_beat(void *ctx)
{
        const Session *s = ctx;
        host_notify_alive(&s->notify);
}

/* The one at `path` below root, which may be the machine's own: its links lead nowhere else. */
static void remove_below(int root, const char *path)
{
        const char *name;
        _cleanup_close_ int parent = root < 0 ? root : sys_open_parent_in_root(root, path, &name);

        if (parent >= 0)
                (void)file_remove_tree_at(parent, name);
}

/* Of --overlay=: overlayfs wants one beside each upper layer, and nobody wants it afterwards. */
static void remove_work_directories(const Target *t, const MachinePlan *p)
{
        for (size_t i = 0; i < p->n; i++) {
                const PlanOp *op = &p->items[i];
                bool inside = op->type == OP_OVERLAY;
                if (!op->work || !str_startswith(path_basename(op->work), ".#") || !str_endswith(op->work, ".work"))
                        continue;
                const char *top = inside ? t->image.upper ?: t->image.directory : "/";
                _cleanup_close_ int root = top ? open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
                remove_below(root, op->work);
        }
}

int session_run(Session *s, const EngineIo *io, EngineResult *ret, Error *e)
{
        const EngineHooks hooks = {.ctx = s,
                                   .created = on_created,
                                   .ready = on_ready,
                                   .warning = on_warning,
                                   .status = on_status,
                                   .beat = s->notify.watchdog_usec ? on_beat : NULL,
                                   .beat_usec = s->notify.watchdog_usec};
        Forward forward;
        int r = forward_begin(&s->plan.journal, &forward, e);
        if (r < 0) {
                plan_done(&s->plan);
                free(s->cgroup);
                return r;
        }
        s->ports_pidfd = -1;
        for (;;) {
                bool outside = s->plan.restart_outside;
                if (s->cgroup) {
                        free(s->plan.cgroup);
                        s->plan.cgroup = xstrdup(s->cgroup);
                }
                r = engine_run(&s->plan, io, &hooks, ret, e);
                if (s->registered)
                        machined_unregister(s->target->host, s->target->name);
                s->registered = false;
                end_network(s);
                remove_work_directories(s->target, &s->plan);
                plan_done(&s->plan);
                if (r < 0 || ret->end != ENGINE_REBOOT || outside) {
                        host_notify_end(&s->notify, r >= 0 && ret->end == ENGINE_REBOOT);
                        break;
                }
                r = target_plan(s->target, &s->plan, e); /* the image may have changed, and each boot has an ID of its own */
                if (r < 0)
                        break;
        }
        forward_end(&forward, &s->target->host->events);
        machine_registry_remove_parent(s->target->host);
        machine_done(&s->record);
        free(s->cgroup);
        return r;
}
