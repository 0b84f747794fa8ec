/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include <errno.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"

PlanOp *plan_add(MachinePlan *p, PlanPhase phase, PlanOpType type, const char *path)
{
        PlanOp *op = vec_push(p);

        op->type = type;
        op->phase = phase;
        op->slot = -1;
        op->path = xstrdup(path);
        return op;
}

PlanOp *plan_add_host_bind(MachinePlan *p, const char *source, uint64_t attrs, const char *path, PlanNode node)
{
        PlanOp *tree = plan_add(p, PHASE_TREES, OP_TREE_BIND, source);
        tree->slot = p->n_slots;
        tree->attrs = attrs;

        PlanOp *attach = plan_add(p, PHASE_ROOT, OP_ATTACH, path);
        attach->slot = p->n_slots++;
        attach->node = node;
        return attach;
}

static void filter_free(PlanFilter *f)
{
        if (!f)
                return;
        free(f->items);
        strv_free(f->words);
        free(f);
}

static void op_done(PlanOp *op)
{
        filter_free(op->filter);
        free(op->devices);
        free(op->scheduler);
        free(op->uids.items);
        free(op->gids.items);
        free(op->path);
        free(op->source);
        if (op->text && op->value > 0 && op->type == OP_FILE)
                explicit_bzero(op->text, op->value);
        free(op->text);
        free(op->fstype);
        free(op->upper);
        free(op->work);
        strv_free(op->options);
        strv_free(op->parts);
        strv_free(op->lower);
        strv_free(op->argv);
        strv_free(op->env);
        strv_free(op->alternatives);
        free(op->groups);
        free(op->bits);
        free(op->calls);
        plan_disk_free(op->disk);
        free(op->disk_type);
        strv_free(op->disk_options);
        free(op->alias);
        free(op->addresses.items);
        free(op->gateways.items);
}

void plan_done(MachinePlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                op_done(&p->items[i]);
        free(p->items);
        for (size_t i = 0; i < p->joins.n; i++)
                free(p->joins.items[i].path);
        free(p->joins.items);
        strv_free(p->time_offsets);
        strv_free(p->warnings);
        free(p->name);
        free(p->cgroup);
        free(p->network_namespace);
        free(p->background);
        strv_free(p->journal.argv);
        strv_free(p->journal.config);
        free(p->journal.socket);
        free(p->journal.output);
        free(p->uids.items);
        free(p->gids.items);
        *p = (MachinePlan){};
}

/* The parts add operations of several phases side by side, as they belong together; the engine wants them phase by phase. */
static void group_by_phase(MachinePlan *p)
{
        MachinePlan sorted = {};

        for (PlanPhase phase = 0; phase < _PHASE_MAX; phase++)
                for (size_t i = 0; i < p->n; i++)
                        if (p->items[i].phase == phase)
                                *vec_push(&sorted) = p->items[i];
        free(p->items);
        p->items = sorted.items;
}

static SpecConsole resolve_console(const MachineSpec *s, const HostFacts *f)
{
        bool terminal = f->stdin_is_terminal && f->stdout_is_terminal;

        if (spec_is_set(s, SPEC_FIELD_CONSOLE) && s->console != SPEC_CONSOLE_AUTOPIPE)
                return s->console;
        if (terminal)
                return SPEC_CONSOLE_INTERACTIVE;
        /* A system that boots wants a console whatever the caller has. A command is used in scripts and pipelines: there it gets the
         * caller's descriptors (systemd-nspawn would give it a read-only terminal unless told --console=autopipe). */
        return s->boot && !spec_is_set(s, SPEC_FIELD_CONSOLE) ? SPEC_CONSOLE_READ_ONLY : SPEC_CONSOLE_PIPE;
}

/* What asks the payload to end. Of commands it is up to what they listen to when it comes to that, as the kernel keeps signals from a
 * PID 1 without a handler; with --as-pid2 the stub passes SIGTERM on to the command. */
static int resolve_stop_signal(const MachineSpec *s, const HostFacts *f)
{
        if (spec_is_set(s, SPEC_FIELD_KILL_SIGNAL))
                return s->kill_signal;
        if (s->boot)
                return plan_init_stop_signal(f->init_kind);
        return s->as_pid2 ? SIGTERM : 0;
}

#define STOP_TIMEOUT_DEFAULT_USEC (90ULL * 1000 * 1000) /* DefaultTimeoutStopSec= of systemd */

/* "a-b.slice" is in "a.slice" (systemd.slice(5)); "-.slice" is the root. */
char *plan_slice_path(const char *slice)
{
        char *path = xstrdup("");

        if (str_eq(slice, "-.slice"))
                return path;
        for (const char *dash = slice; (dash = strchr(dash, '-')); dash++) {
                char *longer = xasprintf("%s/%.*s.slice", path, (int)(dash - slice), slice);
                free(path);
                path = longer;
        }
        char *whole = xasprintf("%s/%s", path, slice);
        free(path);
        return whole;
}

bool plan_is_session(const char *cgroup)
{
        const char *user = cgroup ? strstr(cgroup, "/user-") : NULL;
        size_t digits = user ? strspn(user + strlen("/user-"), "0123456789") : 0;

        return digits > 0 && str_startswith(user + strlen("/user-") + digits, ".slice");
}

static char *resolve_cgroup(const MachineSpec *s, const HostFacts *f)
{
        const char *parent = s->keep_unit && f->cgroup_own ? f->cgroup_own : f->cgroup_parent;
        _cleanup_free_ char *slice = s->slice ? plan_slice_path(s->slice) : NULL;

        if (!f->has_cgroup2 || !parent)
                return NULL;
        if (s->bundle && s->bundle->cgroup && !slice)
                return plan_bundle_cgroup(s->bundle->cgroup, parent);
        return xasprintf("%s/berth-%s", slice ?: str_eq(parent, "/") ? "" : parent, f->machine_name);
}

static void own_namespaces(PlanBuild *b)
{
        MachinePlan *p = b->plan;

        p->namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
        p->namespaces |= p->user_namespace ? CLONE_NEWUSER : 0;
        p->namespaces |= b->network == SPEC_NETWORK_PRIVATE ? CLONE_NEWNET : 0;
        p->namespaces |= b->facts->has_cgroup_namespace ? CLONE_NEWCGROUP : 0;
        static const struct {
                const char *name;
                uint64_t flag;
        } shared[] = {{"ipc", CLONE_NEWIPC}, {"pid", CLONE_NEWPID}, {"uts", CLONE_NEWUTS}, {"cgroup", CLONE_NEWCGROUP}};
        for (size_t i = 0; i < ELEMENTSOF(shared); i++)
                if (strv_contains(b->spec->shared_namespaces, shared[i].name))
                        p->namespaces &= ~shared[i].flag;
}

static void resolve_machine(PlanBuild *b)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;
        MachinePlan *p = b->plan;

        if (s->bundle)
                plan_bundle_namespaces(b);
        else
                own_namespaces(b);
        p->network_namespace = xstrdup(s->network_namespace);
        p->name = xstrdup(f->machine_name);
        p->cgroup = resolve_cgroup(s, f);
        p->console = resolve_console(s, f);
        if (p->console == SPEC_CONSOLE_INTERACTIVE && s->background && *s->background)
                p->background = xstrdup(s->background);
        p->restart_outside = s->keep_unit;
        p->boot = s->boot;
        p->notify_ready = s->notify_ready;
        p->quiet = s->quiet || p->console == SPEC_CONSOLE_PIPE;
        p->stop_signal = resolve_stop_signal(s, f);
        p->reboot_signal = s->boot ? plan_init_reboot_signal(f->init_kind) : s->as_pid2 ? SIGINT /* the stub's */ : 0;
        p->stop_timeout_usec = spec_is_set(s, SPEC_FIELD_STOP_TIMEOUT) ? s->stop_timeout_usec : STOP_TIMEOUT_DEFAULT_USEC;
        p->init_kind = s->boot ? f->init_kind : INIT_NONE;
}

/* Nothing but what the bundle says, and what the command line adds to it. */
static int build_bundle(PlanBuild *b, Error *e)
{
        int r = plan_limits_cgroup(b, e);

        if (r < 0)
                return r;
        plan_root(b);
        r = plan_network(b, e);
        if (r >= 0)
                r = plan_bundle_mounts(b, e);
        if (r >= 0)
                r = plan_mounts(b, e);
        if (r >= 0)
                r = plan_bundle_finish(b, e);
        if (r >= 0)
                r = plan_bundle_process(b, e);
        if (r >= 0)
                group_by_phase(b->plan);
        return r;
}

static int build(PlanBuild *b, Error *e)
{
        int r = plan_check(b, e);
        if (r < 0)
                return r;
        resolve_machine(b);
        r = plan_properties(b, e);
        if (r < 0)
                return r;
        if (spec_is_set(b->spec, SPEC_FIELD_BUNDLE))
                return build_bundle(b, e);
        plan_root(b);
        plan_api_fs(b);
        r = plan_network(b, e);
        if (r >= 0)
                r = plan_integration(b, e);
        if (r < 0)
                return r;
        r = plan_mounts(b, e);
        if (r < 0)
                return r;
        plan_host_directory_close(b);
        if (b->spec->read_only && plan_disk_is_usr(b->parts, b->n_parts)) /* it took what belongs on it before */
                plan_add(b->plan, PHASE_ROOT, OP_SETATTR, "/")->attrs = MOUNT_ATTR_RDONLY;
        plan_add(b->plan, PHASE_ROOT, OP_PIVOT, NULL);
        plan_inside(b);
        r = plan_process(b, e);
        if (r < 0)
                return r;
        group_by_phase(b->plan);
        return 0;
}

int plan_build(const MachineSpec *spec, const HostFacts *facts, MachinePlan *ret, Error *e)
{
        MachinePlan plan = {};
        PlanBuild b = {.spec = spec, .facts = facts, .plan = &plan};

        int r = build(&b, e);
        if (r < 0) {
                plan_done(&plan);
                return r;
        }
        *ret = plan;
        return 0;
}

static const SpecIdRange *find_range(const SpecIdRanges *map, uint32_t inside)
{
        for (size_t i = 0; i < map->n; i++)
                if (inside >= map->items[i].inside && inside - map->items[i].inside < map->items[i].count)
                        return &map->items[i];
        return NULL;
}

int plan_id_outside(const MachinePlan *p, bool group, uint32_t inside, uint32_t *ret)
{
        const SpecIdRanges *map = group ? &p->gids : &p->uids;
        const SpecIdRange single = {.inside = 0, .outside = p->id_base, .count = p->id_count}, *r = &single;

        if (!p->user_namespace) {
                *ret = inside;
                return 0;
        }
        if (map->n > 0)
                r = find_range(map, inside);
        if (!r || inside - r->inside >= r->count)
                return -ENOENT;
        *ret = r->outside + (inside - r->inside);
        return 0;
}
