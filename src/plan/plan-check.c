/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>

#include "base/path.h"
#include "base/str.h"
#include "spec/value.h"

#define BIT(c) (UINT64_C(1) << (c))
#define RANGE  65536

PlanOption plan_option(const MachineSpec *s, SpecField f, const char *name)
{
        PlanOption o;

        if (spec_is_set(s, f))
                snprintf(o.s, sizeof(o.s), "%s (%s)", name, s->origin[f]);
        else
                snprintf(o.s, sizeof(o.s), "%s", name);
        return o;
}

typedef struct Conflict { /* two switches that exclude each other */
        SpecField a, b;
        const char *a_name, *b_name;
        bool (*both)(const MachineSpec *s);
} Conflict;

static bool both_boot_and_pid2(const MachineSpec *s)
{
        return s->boot && s->as_pid2;
}

static const Conflict conflicts[] = {
                {SPEC_FIELD_BOOT, SPEC_FIELD_AS_PID2, "--boot", "--as-pid2", both_boot_and_pid2},
};

static int check_conflicts(const MachineSpec *s, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(conflicts); i++) {
                const Conflict *c = &conflicts[i];
                if (c->both(s))
                        return error_set(e, -EINVAL, "%s and %s exclude each other; leave one of them out",
                                         plan_option(s, c->a, c->a_name).s, plan_option(s, c->b, c->b_name).s);
        }
        return 0;
}

static int check_root(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;

        if (f->root_kind == ROOT_DIRECTORY && str_eq(f->root_directory, "/"))
                return error_set(e, -EINVAL,
                                 "the host's own root directory cannot be a machine; give another one with --directory=");
        if (s->boot && !f->init_path)
                return error_set(e, -ENOENT,
                                 "machine '%s' has no init to boot (no /usr/lib/systemd/systemd, /lib/systemd/systemd or "
                                 "/sbin/init); run "
                                 "a single command in it with 'berth run'",
                                 f->machine_name);
        return 0;
}

static int resolve_users(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;

        if (!spec_is_set(s, SPEC_FIELD_USERS)) {
                /* The default is the safe one wherever the kernel can do it. */
                bool can = f->has_user_namespaces && (f->has_idmapped_mounts || f->root_owner >= RANGE);
                b->users = can ? SPEC_USERS_PICK : SPEC_USERS_NO;
                return 0;
        }
        b->users = s->users;
        if (b->users != SPEC_USERS_NO && !f->has_user_namespaces)
                return error_set(e, -EOPNOTSUPP,
                                 "%s needs user namespaces, which this kernel does not offer; use --private-users=no",
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        return 0;
}

static void resolve_range(PlanBuild *b)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;
        MachinePlan *p = b->plan;

        p->user_namespace = b->users != SPEC_USERS_NO;
        p->id_count = RANGE;
        switch (b->users) {
        case SPEC_USERS_PICK: /* a tree that somebody shifted already keeps its range, as with systemd-nspawn */
                p->id_base = f->root_owner >= RANGE ? f->root_owner & ~(uint32_t)(RANGE - 1) : f->id_base;
                break;
        case SPEC_USERS_OWNER:
                p->id_base = f->root_owner & ~(uint32_t)(RANGE - 1);
                break;
        case SPEC_USERS_FIXED:
                p->id_base = s->users_base;
                p->id_count = s->users_count;
                break;
        case SPEC_USERS_IDENTITY:
        case SPEC_USERS_NO:
        case _SPEC_USERS_MAX:
        case _SPEC_USERS_INVALID:
                break;
        }
        if (!p->user_namespace)
                p->id_count = 0;
}

/* The IDs on disk are the range's own, or they count from 0 and an ID-mapped mount moves them into the range. */
static int check_users(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;
        MachinePlan *p = b->plan;

        resolve_range(b);
        if (!p->user_namespace)
                return 0;
        if (p->id_count < 6)
                return error_set(e, -EINVAL, "%s: at least 6 IDs are needed, as terminals belong to group 5",
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        if (f->root_owner >= p->id_base && f->root_owner - p->id_base < p->id_count)
                return 0;
        if (f->root_owner >= p->id_count)
                return error_set(e, -EINVAL,
                                 "the files of machine '%s' belong to UID %u and up, which is outside the range %u:%u of %s; use "
                                 "--private-users=yes to take the range of the files",
                                 f->machine_name, f->root_owner, p->id_base, p->id_count,
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        if (!f->has_idmapped_mounts)
                return error_set(e, -EOPNOTSUPP,
                                 "%s needs ID-mapped mounts (Linux 5.12, and 5.19 for overlays), which this kernel does not "
                                 "offer; use "
                                 "--private-users=no",
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        b->root_idmap = SPEC_IDMAP_FULL;
        return 0;
}

static uint64_t default_capabilities(const PlanBuild *b)
{
        uint64_t c = plan_default_capabilities();

        if (b->network == SPEC_NETWORK_PRIVATE)
                c |= BIT(CAP_NET_ADMIN);
        else if (b->plan->user_namespace)
                c &= ~BIT(CAP_NET_BIND_SERVICE); /* it holds for the namespace's own network only */
        return c;
}

static int check_capabilities(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        /* A new user namespace starts with all of them, whatever the caller has. */
        uint64_t limit = b->plan->user_namespace ? UINT64_MAX : b->facts->capability_bounding;
        uint64_t missing = s->capability & ~limit;

        if (missing && s->capability != UINT64_MAX) {
                unsigned first = (unsigned)__builtin_ctzll(missing);
                return error_set(e, -EPERM, "%s: this process has no %s to pass on",
                                 plan_option(s, SPEC_FIELD_CAPABILITY, "--capability").s,
                                 value_capability_to_name(first) ?: "such capability");
        }
        b->capabilities = ((default_capabilities(b) | s->capability) & ~s->drop_capability) & limit;
        return 0;
}

static int check_seccomp(const PlanBuild *b, Error *e)
{
        if (b->spec->suppress_sync && !b->facts->has_seccomp)
                return error_set(e, -EOPNOTSUPP, "%s needs seccomp, which this kernel does not offer",
                                 plan_option(b->spec, SPEC_FIELD_SUPPRESS_SYNC, "--suppress-sync").s);
        return 0;
}

static int check_chdir(const PlanBuild *b, Error *e)
{
        static const char *const api[] = {"/proc", "/sys", "/dev"};

        if (!b->spec->chdir)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(api); i++)
                if (path_has_prefix(b->spec->chdir, api[i]))
                        return error_set(e, -EINVAL, "%s: '%s' is below %s, no place to work in",
                                         plan_option(b->spec, SPEC_FIELD_CHDIR, "--chdir").s, b->spec->chdir, api[i]);
        return 0;
}

int plan_check(PlanBuild *b, Error *e)
{
        static int (*const checks[])(PlanBuild *, Error *) = {resolve_users, check_users, check_capabilities, plan_identity};
        static int (*const pure[])(const PlanBuild *, Error *) = {check_root, check_seccomp, check_chdir};
        int r = check_conflicts(b->spec, e);

        b->network = spec_is_set(b->spec, SPEC_FIELD_NETWORK) ? b->spec->network : SPEC_NETWORK_PRIVATE;
        b->read_only = b->spec->read_only || b->facts->root_read_only;
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(pure); i++)
                r = pure[i](b, e);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(checks); i++)
                r = checks[i](b, e);
        return r;
}

int plan_check_enter(PlanBuild *b, Error *e)
{
        b->network = spec_is_set(b->spec, SPEC_FIELD_NETWORK) ? b->spec->network : SPEC_NETWORK_PRIVATE;
        int r = resolve_users(b, e);
        if (r < 0)
                return r;
        resolve_range(b);
        r = check_capabilities(b, e);
        if (r < 0)
                return r;
        if (b->facts->leader_known) /* what the machine was started with, not what it would be started with by default */
                b->capabilities = b->facts->leader_bounding & ~b->spec->drop_capability;
        r = check_seccomp(b, e);
        return r < 0 ? r : plan_identity(b, e);
}
