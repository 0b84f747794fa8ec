/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An OCI bundle: hooks, and the process. */

#include "plan/build.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

/* ---- hooks ---- */

/* The state that hooks are given, as far as it is known beforehand: the engine adds what is not, and the closing bracket. */
static char *hook_state(const PlanBuild *b)
{
        const SpecBundle *u = b->spec->bundle;
        Json j = {};

        json_open(&j, '{');
        json_field_str(&j, "ociVersion", u->version);
        json_field_str(&j, "id", b->facts->machine_name);
        json_field_str(&j, "bundle", u->directory);
        if (u->annotations) {
                json_key(&j, "annotations");
                json_open(&j, '{');
                STRV_FOREACH (a, u->annotations) {
                        const char *equals = strchr(*a, '=');
                        _cleanup_free_ char *key = xstrndup(*a, (size_t)(equals - *a));
                        json_field_str(&j, key, equals + 1);
                }
                json_close(&j, '}');
        }
        return buf_take(&j.out);
}

static const char *const hook_names[_SPEC_HOOK_MAX] = {
                [SPEC_HOOK_PRESTART] = "prestart",
                [SPEC_HOOK_CREATE_RUNTIME] = "createRuntime",
                [SPEC_HOOK_CREATE_CONTAINER] = "createContainer",
                [SPEC_HOOK_START_CONTAINER] = "startContainer",
                [SPEC_HOOK_POSTSTART] = "poststart",
                [SPEC_HOOK_POSTSTOP] = "poststop",
};

/* A failure of the last two only warns; of poststart ones so before version 1.3. */
void plan_bundle_hooks(PlanBuild *b, SpecHookKind kind, PlanPhase phase)
{
        const SpecBundle *u = b->spec->bundle;

        for (size_t i = 0; i < u->hooks[kind].n; i++) {
                const SpecHook *h = &u->hooks[kind].items[i];
                PlanOp *op = plan_add(b->plan, phase, OP_HOOK, h->path);
                op->text = xstrdup(hook_names[kind]);
                op->source = hook_state(b);
                op->argv = strv_copy(h->args);
                if (!op->argv)
                        strv_push(&op->argv, h->path);
                op->env = strv_copy(h->env);
                op->value = h->timeout;
                op->optional = kind == SPEC_HOOK_POSTSTOP || (kind == SPEC_HOOK_POSTSTART && !u->poststart_must_succeed);
        }
}

/* ---- rights ---- */

/* Capabilities that this process has none of cannot be given: a warning, says the specification. */
static uint64_t grantable(PlanBuild *b, uint64_t wanted)
{
        uint64_t limit = b->plan->user_namespace ? UINT64_MAX : b->facts->capability_bounding;
        const MachineSpec *s = b->spec;

        wanted = (wanted | (spec_is_set(s, SPEC_FIELD_CAPABILITY) ? s->capability : 0)) & ~s->drop_capability;
        for (unsigned i = 0; i < 64; i++)
                if ((wanted & ~limit & (UINT64_C(1) << i)) && value_capability_to_name(i)) {
                        _cleanup_free_ char *text = xasprintf("%s: process.capabilities: this process has no %s to pass on",
                                                              s->origin[SPEC_FIELD_BUNDLE], value_capability_to_name(i));
                        if (!strv_contains(b->plan->warnings, text))
                                strv_push(&b->plan->warnings, text);
                }
        return wanted & limit;
}

static void add_capabilities(PlanBuild *b)
{
        const SpecBundle *u = b->spec->bundle;
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_CAPABILITY_SETS, NULL);

        op->value = grantable(b, u->permitted);
        op->value2 = grantable(b, u->effective) & op->value;
        op->value3 = grantable(b, u->inheritable);
        /* The kernel wants ambient ones permitted and inheritable. */
        uint64_t ambient = ((u->ambient & ~b->spec->drop_capability) | b->spec->ambient_capability) & op->value & op->value3;
        if (ambient)
                plan_add(b->plan, PHASE_PROCESS, OP_AMBIENT, NULL)->value = ambient;
}

/* The "container process state" of the specification, but for what the engine adds. */
static void add_listener(PlanBuild *b, PlanOp *op)
{
        const SpecSeccomp *s = &b->spec->bundle->seccomp;
        static char *const fds[] = {(char *)"seccompFd", NULL};
        Json j = {};

        json_open(&j, '{');
        json_field_str(&j, "ociVersion", b->spec->bundle->version);
        json_field_strv(&j, "fds", fds);
        if (s->metadata)
                json_field_str(&j, "metadata", s->metadata);
        op->alias = buf_take(&j.out);
        op->source = hook_state(b);
        op->path = xstrdup(s->listener);
}

static int add_filter(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;

        if (s->system_call_filter || s->suppress_sync)
                return plan_filters(b, e);
        if (s->address_families) {
                int r = plan_address_families(b, e);
                if (r < 0)
                        return r;
        }
        if (!s->bundle->seccomp.set)
                return 0;
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_FILTER, NULL);
        op->number = s->no_new_privileges || (grantable(b, s->bundle->effective) & (UINT64_C(1) << CAP_SYS_ADMIN));
        if (spec_seccomp_notifies(&s->bundle->seccomp))
                add_listener(b, op);
        if (op->path && s->as_pid2) /* the supervisor finds the listener in PID 1 alone */
                op->number = 0;
        int r = plan_seccomp(op, &s->bundle->seccomp, e);
        return r < 0 ? error_prefix(e, r, "%s: linux.seccomp", s->origin[SPEC_FIELD_BUNDLE]) : 0;
}

static void add_user(PlanBuild *b)
{
        const SpecBundle *u = b->spec->bundle;
        bool own = spec_is_set(b->spec, SPEC_FIELD_USER); /* on the command line */
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_USER, NULL);
        const uint32_t *groups = own ? b->facts->user_groups : u->groups.items;

        op->number = b->uid;
        op->number2 = b->gid;
        op->value = own ? b->facts->n_user_groups : u->groups.n;
        if (op->value > 0) {
                op->groups = xnew(uint32_t, op->value);
                memcpy(op->groups, groups, op->value * sizeof(uint32_t));
        }
}

static void add_label(PlanBuild *b, const char *path, const char *text)
{
        if (text && *text)
                plan_add(b->plan, PHASE_PROCESS, OP_LABEL, path)->text = xstrdup(text);
}

/* ---- scheduling ---- */

static void add_scheduling(PlanBuild *b)
{
        const SpecBundle *u = b->spec->bundle;

        if (u->scheduler.set) {
                PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_SCHEDULER, NULL);
                op->scheduler = xnew(SpecScheduler, 1);
                *op->scheduler = u->scheduler;
        }
        if (u->io_priority)
                plan_add(b->plan, PHASE_PROCESS, OP_IO_PRIORITY, NULL)->value = u->io_priority;
        if (u->memory_policy.set) {
                PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_MEMORY_POLICY, NULL);
                op->value = u->memory_policy.mode;
                op->bits = xnew(uint64_t, SPEC_CPU_WORDS);
                memcpy(op->bits, u->memory_policy.nodes, sizeof(u->memory_policy.nodes));
        }
}

/* ---- what runs ---- */

/* Only its own variables, and a home where it names none, as runc and crun have it. */
static void add_command(PlanBuild *b)
{
        const MachineSpec *s = b->spec;
        const char *home = b->facts->user_home && path_is_absolute(b->facts->user_home) ? b->facts->user_home : "/";
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_CHDIR, s->chdir ?: "/");

        op->optional = !s->chdir;
        if (s->as_pid2)
                plan_add(b->plan, PHASE_PROCESS, OP_STUB_INIT, NULL);
        op = plan_add(b->plan, PHASE_PROCESS, OP_EXEC, NULL);
        op->env = strv_copy(s->environment);
        if (!strv_env_get(op->env, "HOME"))
                strv_pushf(&op->env, "HOME=%s", home);
        op->argv = strv_copy(s->parameters);
        op->path = strchr(op->argv[0], '/') ? xstrdup(op->argv[0]) : NULL;
}

int plan_bundle_process(PlanBuild *b, Error *e)
{
        const SpecBundle *u = b->spec->bundle;
        MachinePlan *p = b->plan;

        plan_add(p, PHASE_PROCESS, OP_KEYRING, NULL);
        plan_add_session(b);
        int r = plan_limits(b, e);
        if (r < 0)
                return r;
        add_scheduling(b);
        plan_add(p, PHASE_PROCESS, OP_UMASK, NULL)->mode = (mode_t)u->umask;
        add_label(b, "/proc/self/attr/apparmor/exec", u->apparmor && *u->apparmor ? u->apparmor : NULL);
        add_label(b, "/proc/self/attr/exec", b->spec->selinux_context ?: u->selinux);
        if (b->spec->no_new_privileges)
                plan_add(p, PHASE_PROCESS, OP_NO_NEW_PRIVS, NULL);
        r = add_filter(b, e);
        if (r < 0)
                return r;
        plan_add(p, PHASE_PROCESS, OP_BOUNDING, NULL)->value = grantable(b, u->bounding);
        add_user(b);
        add_capabilities(b);
        plan_bundle_hooks(b, SPEC_HOOK_START_CONTAINER, PHASE_PROCESS);
        add_command(b);
        plan_bundle_hooks(b, SPEC_HOOK_POSTSTART, PHASE_STARTED);
        plan_bundle_hooks(b, SPEC_HOOK_POSTSTOP, PHASE_STOPPED);
        return 0;
}
