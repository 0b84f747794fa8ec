/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

/* ---- PHASE_INSIDE ---- */

void plan_inside(PlanBuild *b)
{
        const MachineSpec *s = b->spec;

        if (s->selinux_context) /* the label that execve(2) gives */
                plan_add(b->plan, PHASE_INSIDE, OP_WRITE, "/proc/self/attr/exec")->text = xstrdup(s->selinux_context);
        if (b->plan->namespaces & CLONE_NEWUTS) /* else it is the host's */
                plan_add(b->plan, PHASE_INSIDE, OP_HOSTNAME, NULL)->text = xstrdup(s->hostname ?: b->facts->machine_name);
        if (b->network == SPEC_NETWORK_PRIVATE)
                plan_add(b->plan, PHASE_INSIDE, OP_LINK_UP, NULL)->text = xstrdup("lo");
        /* The audit login UID of whoever started the machine means nothing in it. Not every kernel lets a user namespace do this. */
        PlanOp *op = plan_add(b->plan, PHASE_INSIDE, OP_WRITE, "/proc/self/loginuid");
        op->text = xstrdup("4294967295");
        op->optional = true;
}

/* ---- who the payload runs as ---- */

int plan_identity(PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;
        const char *user = b->spec->user ?: "root";

        if (b->spec->bundle && !b->spec->user) { /* by number, whatever its passwd says */
                b->uid = b->spec->bundle->uid;
                b->gid = b->spec->bundle->gid;
                return 0;
        }
        if (f->user_found) {
                b->uid = f->user_uid;
                b->gid = f->user_gid;
        } else if (!str_eq(user, "root") && !str_eq(user, "0"))
                return error_set(e, -ENOENT, "%s: there is no user '%s' in machine '%s' (its /etc/passwd)",
                                 plan_option(b->spec, SPEC_FIELD_USER, "--user").s, user, f->machine_name);
        uint32_t outside;
        if (plan_id_outside(b->plan, false, b->uid, &outside) < 0 || plan_id_outside(b->plan, true, b->gid, &outside) < 0)
                return error_set(e, -EINVAL, "%s: user '%s' (%u:%u) is outside the machine's range of %u IDs",
                                 plan_option(b->spec, SPEC_FIELD_USER, "--user").s, user, b->uid, b->gid, b->plan->id_count);
        return 0;
}

static const char *home_of(const HostFacts *f, uint32_t uid)
{
        if (f->user_home && path_is_absolute(f->user_home))
                return f->user_home;
        return uid == 0 ? "/root" : "/";
}

static const char *shell_of(const HostFacts *f)
{
        return f->user_shell && path_is_absolute(f->user_shell) ? f->user_shell : "/bin/sh";
}

static const char *name_of(const HostFacts *f, uint32_t uid)
{
        return f->user_name ?: uid == 0 ? "root" : NULL;
}

/* ---- environment ---- */

/* What of the host's os-release a guest is told (CONTAINER_INTERFACE of systemd). */
static const char *const host_fields[] = {"ID", "VERSION_ID", "BUILD_ID", "VARIANT_ID"};

static void env_host(char ***env, const HostFacts *f)
{
        for (size_t i = 0; i < ELEMENTSOF(host_fields); i++) {
                const char *value = strv_env_get(f->host_os_fields, host_fields[i]);
                if (!value || !*value)
                        continue;
                char *assignment = xasprintf("container_host_%s=%s", host_fields[i], value);
                for (char *c = assignment; *c != '='; c++)
                        *c = (char)tolower((unsigned char)*c);
                strv_consume(env, assignment);
        }
}

static void env_user(char ***env, const PlanBuild *b)
{
        const char *name = name_of(b->facts, b->uid);

        if (b->facts->term)
                strv_pushf(env, "TERM=%s", b->facts->term);
        strv_pushf(env, "HOME=%s", home_of(b->facts, b->uid));
        if (name) {
                strv_pushf(env, "USER=%s", name);
                strv_pushf(env, "LOGNAME=%s", name);
        }
}

static void env_apply(char ***env, char *const *assignments)
{
        STRV_FOREACH (a, assignments)
                strv_env_set(env, *a);
}

static char **payload_environment(const PlanBuild *b)
{
        _cleanup_free_ char *uuid = plan_machine_uuid(b->spec, b->facts);
        char **env = NULL;

        strv_push(&env, "PATH=" PLAN_ENVIRONMENT_PATH);
        strv_pushf(&env, "container=%s", b->spec->manager ?: PLAN_MANAGER);
        env_user(&env, b);
        if (uuid)
                strv_pushf(&env, "container_uuid=%s", uuid);
        if (b->facts->n_listen_fds > 0) {
                strv_pushf(&env, "LISTEN_FDS=%u", b->facts->n_listen_fds);
                strv_pushf(&env, "LISTEN_PID=%d", b->spec->as_pid2 ? 2 : 1);
        }
        strv_push(&env, "NOTIFY_SOCKET=/run/host/notify");
        if (b->facts->n_credentials > 0 || b->spec->forward_journal)
                strv_push(&env, "CREDENTIALS_DIRECTORY=/run/host/credentials");
        if (!b->spec->boot)
                strv_push(&env, "LANG=C.UTF-8");
        env_host(&env, b->facts);
        env_apply(&env, b->spec->environment);
        return env;
}

/* ---- limits ---- */

#define KEEP      UINT64_MAX - 1 /* the caller's */
#define UNLIMITED UINT64_MAX

/* What the kernel gives its own PID 1, with systemd's two departures: many descriptors for those who ask, no core dumps unasked.
 * NPROC and SIGPENDING scale with the memory of the host: the caller's own stand for that. */
static const SpecRlimit default_limits[SPEC_RLIMITS] = {
                [RLIMIT_CPU] = {UNLIMITED, UNLIMITED},
                [RLIMIT_FSIZE] = {UNLIMITED, UNLIMITED},
                [RLIMIT_DATA] = {UNLIMITED, UNLIMITED},
                [RLIMIT_STACK] = {8 << 20, UNLIMITED},
                [RLIMIT_CORE] = {0, UNLIMITED},
                [RLIMIT_RSS] = {UNLIMITED, UNLIMITED},
                [RLIMIT_NPROC] = {KEEP, KEEP},
                [RLIMIT_NOFILE] = {1024, 512 << 10},
                [RLIMIT_MEMLOCK] = {8 << 20, 8 << 20},
                [RLIMIT_AS] = {UNLIMITED, UNLIMITED},
                [RLIMIT_LOCKS] = {UNLIMITED, UNLIMITED},
                [RLIMIT_SIGPENDING] = {KEEP, KEEP},
                [RLIMIT_MSGQUEUE] = {819200, 819200},
                [RLIMIT_NICE] = {0, 0},
                [RLIMIT_RTPRIO] = {0, 0},
                [RLIMIT_RTTIME] = {UNLIMITED, UNLIMITED},
};

static void add_rlimit(PlanBuild *b, unsigned which, SpecRlimit l)
{
        if (l.soft == b->facts->rlimit_soft[which] && l.hard == b->facts->rlimit_hard[which])
                return; /* inherited */
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_RLIMIT, NULL);
        op->number = which;
        op->value = l.soft;
        op->value2 = l.hard;
}

static int plan_rlimits(PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;
        bool may_raise = f->has_sys_resource &&
                         !b->plan->user_namespace; /* in its own namespace PID 1 has no such right over the host */

        for (unsigned i = 0; i < SPEC_RLIMITS; i++) {
                uint64_t ceiling = may_raise ? UNLIMITED : f->rlimit_hard[i];
                SpecRlimit l = default_limits[i];
                if (b->spec->bundle && !spec_is_set(b->spec, SPEC_FIELD_RLIMIT + i))
                        continue; /* inherited */
                if (spec_is_set(b->spec, SPEC_FIELD_RLIMIT + i)) {
                        l = b->spec->rlimit[i];
                        if (l.hard > ceiling)
                                return error_set(e, -EPERM, "%s: %s cannot be raised above this process's own hard limit of %llu",
                                                 plan_option(b->spec, SPEC_FIELD_RLIMIT + i, "--rlimit").s,
                                                 value_rlimit_to_name(i), (unsigned long long)ceiling);
                } else if (l.soft == KEEP)
                        continue;
                l.hard = MIN(l.hard, ceiling);
                l.soft = MIN(l.soft, l.hard);
                add_rlimit(b, i, l);
        }
        return 0;
}

int plan_limits(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        int r = plan_rlimits(b, e);

        if (r < 0)
                return r;
        if (spec_is_set(s, SPEC_FIELD_OOM_SCORE_ADJUST))
                plan_add(b->plan, PHASE_PROCESS, OP_OOM_SCORE, NULL)->number = s->oom_score_adjust;
        if (spec_is_set(s, SPEC_FIELD_CPU_AFFINITY)) {
                PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_AFFINITY, NULL);
                op->bits = xnew(uint64_t, SPEC_CPU_WORDS);
                memcpy(op->bits, s->cpu_affinity, sizeof(s->cpu_affinity));
        }
        if (spec_is_set(s, SPEC_FIELD_PERSONALITY))
                plan_add(b->plan, PHASE_PROCESS, OP_PERSONALITY, NULL)->value = s->personality;
        return 0;
}

/* ---- rights ---- */

int plan_address_families(PlanBuild *b, Error *e)
{
        static char *socket_call[] = {(char *)"socket", NULL};
        char *const *words = b->spec->address_families;
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_ADDRESS_FAMILIES, NULL);

        op->number = **words == '~';
        op->options = strv_copy(words);
        op->groups = xnew(uint32_t, strv_len(words));
        STRV_FOREACH (w, words) {
                int family = value_family_from_name(*w + (**w == '~'));
                if (family >= 0) /* "none" */
                        op->groups[op->value++] = (uint32_t)family;
        }
        return plan_system_calls(op, socket_call, e);
}

int plan_filters(PlanBuild *b, Error *e)
{
        if (!b->facts->has_seccomp)
                return 0;
        if (b->spec->address_families) { /* the other one may refuse seccomp(2) itself */
                int r = plan_address_families(b, e);
                if (r < 0)
                        return error_prefix(e, r, "%s",
                                            plan_option(b->spec, SPEC_FIELD_ADDRESS_FAMILIES, "--restrict-address-families").s);
        }
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_SECCOMP, NULL);
        op->text = xstrdup(b->spec->suppress_sync ? "default+nosync" : "default");
        op->value = b->capabilities;
        if (!b->spec->system_call_filter)
                return 0;
        op->options = strv_copy(b->spec->system_call_filter);
        int r = plan_system_calls(op, op->options, e);
        return r < 0 ? error_prefix(e, r, "%s", plan_option(b->spec, SPEC_FIELD_SYSTEM_CALL_FILTER, "--system-call-filter").s)
                     : 0;
}

static int plan_rights(PlanBuild *b, Error *e)
{
        MachinePlan *p = b->plan;
        uint64_t ambient = b->spec->ambient_capability;
        int r = plan_filters(b, e);

        if (r < 0)
                return r;
        plan_add(p, PHASE_PROCESS, OP_BOUNDING, NULL)->value = b->capabilities;

        PlanOp *user = plan_add(p, PHASE_PROCESS, OP_USER, NULL);
        user->number = b->uid;
        user->number2 = b->gid;
        user->value = b->facts->n_user_groups;
        if (user->value > 0) {
                user->groups = xnew(uint32_t, b->facts->n_user_groups);
                memcpy(user->groups, b->facts->user_groups, b->facts->n_user_groups * sizeof(uint32_t));
        }
        plan_add(p, PHASE_PROCESS, OP_CAPABILITIES, NULL)->value = b->uid == 0 ? b->capabilities : ambient;
        if (ambient)
                plan_add(p, PHASE_PROCESS, OP_AMBIENT, NULL)->value = ambient;
        if (b->spec->no_new_privileges || b->facts->leader_no_new_privs)
                plan_add(p, PHASE_PROCESS, OP_NO_NEW_PRIVS, NULL);
        return 0;
}

/* ---- what runs ---- */

static void add_chdir(PlanBuild *b, bool home_when_unset)
{
        const char *path = b->spec->chdir ?: home_when_unset ? home_of(b->facts, b->uid) : "/";

        /* "/" is where everything starts: a home that does not exist leaves it there. */
        plan_add(b->plan, PHASE_PROCESS, OP_CHDIR, path)->optional = !b->spec->chdir;
}

static void add_login_shell(PlanBuild *b, PlanOp *op)
{
        static const char *const further[] = {"/bin/bash", "/bin/sh"};
        const char *shell = shell_of(b->facts);

        op->path = xstrdup(shell);
        strv_pushf(&op->argv, "-%s", path_basename(shell));
        for (size_t i = 0; i < ELEMENTSOF(further); i++)
                if (!str_eq(further[i], shell))
                        strv_push(&op->alternatives, further[i]);
}

static void add_exec(PlanBuild *b, char **take_env)
{
        const MachineSpec *s = b->spec;
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_EXEC, NULL);

        op->env = take_env;
        op->number = b->facts->n_listen_fds;
        if (s->boot) {
                op->path = xstrdup(b->facts->init_path);
                strv_push(&op->argv, b->facts->init_path);
                strv_extend(&op->argv, s->parameters);
        } else if (strv_len(s->parameters) > 0) {
                op->argv = strv_copy(s->parameters);
                op->path = strchr(op->argv[0], '/') ? xstrdup(op->argv[0]) : NULL;
        } else
                add_login_shell(b, op);
}

void plan_add_session(PlanBuild *b)
{
        PlanOp *op = plan_add(b->plan, PHASE_PROCESS, OP_SESSION, NULL);

        op->number = b->uid;
        op->number2 = b->gid;
}

int plan_process(PlanBuild *b, Error *e)
{
        bool shell = !b->spec->boot && strv_len(b->spec->parameters) == 0;

        plan_add(b->plan, PHASE_PROCESS, OP_KEYRING, NULL);
        plan_add_session(b);
        int r = plan_limits(b, e);
        if (r < 0)
                return r;
        r = plan_rights(b, e);
        if (r < 0)
                return r;
        add_chdir(b, shell);
        if (b->spec->as_pid2)
                plan_add(b->plan, PHASE_PROCESS, OP_STUB_INIT, NULL);
        add_exec(b, payload_environment(b));
        return 0;
}

/* ---- entering ---- */

static char **enter_environment(const PlanBuild *b)
{
        char **env = NULL;

        strv_push(&env, "PATH=" PLAN_ENVIRONMENT_PATH);
        env_user(&env, b);
        strv_pushf(&env, "SHELL=%s", shell_of(b->facts));
        strv_push(&env, "LANG=C.UTF-8");
        env_apply(&env, b->spec->environment);
        return env;
}

int plan_enter_process(PlanBuild *b, Error *e)
{
        plan_add_session(b);
        int r = plan_rights(b, e);
        if (r < 0)
                return r;
        add_chdir(b, true);
        add_exec(b, enter_environment(b));
        return 0;
}
