/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Machines of an ordinary user: what is planned here runs in a user namespace where that user is root, over its own IDs and over nothing
 * that is the host's. */

#include "plan/build.h"

#include <errno.h>

#include "base/alloc.h"

#define NOBODY 65534 /* what the IDs that a user namespace has no number for look like (/proc/sys/kernel/overflowuid) */

/* ---- IDs ---- */

/* The same numbers as around the machine. Extent by extent: the kernel takes none that lies across two of the map around it. */
static uint32_t same_map(const SpecIdRanges *around, SpecIdRanges *to)
{
        uint32_t count = 0;

        for (size_t i = 0; i < around->n; i++) {
                SpecIdRange r = around->items[i];
                r.outside = r.inside;
                *vec_push(to) = r;
                count += r.count;
        }
        return count;
}

void plan_rootless_range(PlanBuild *b)
{
        MachinePlan *p = b->plan;

        p->user_namespace = p->rootless = true;
        p->id_base = 0;
        p->id_count = same_map(&b->facts->uids, &p->uids);
        (void)same_map(&b->facts->gids, &p->gids);
}

/* ---- what takes root ---- */

typedef struct Privileged {
        SpecField field;
        const char *option;
        bool (*asked)(const MachineSpec *s); /* NULL: whatever it says */
        const char *why;
} Privileged;

static bool other_ownership(const MachineSpec *s)
{
        return s->ownership == SPEC_OWNERSHIP_CHOWN || s->ownership == SPEC_OWNERSHIP_MAP;
}
static bool any_delegated(const MachineSpec *s)
{
        return s->users_delegate > 0;
}
static bool any_bind_user(const MachineSpec *s)
{
        return s->bind_users != NULL;
}
static bool host_journal(const MachineSpec *s)
{
        return s->link_journal != SPEC_LINK_JOURNAL_NO && s->link_journal != SPEC_LINK_JOURNAL_AUTO;
}

static bool any_veth(const MachineSpec *s)
{
        return s->veth;
}

#define NOT_THE_HOSTS_NETWORK "the host's network is root's; --network=host shares it, without any right over it"

static const Privileged privileged[] = {
                {SPEC_FIELD_USERS, "--private-users", NULL,
                 "root of an ordinary user's machine is that user, and its other IDs are those of /etc/subuid"},
                {SPEC_FIELD_USERS_MAP, "--private-users-map", NULL,
                 "root of an ordinary user's machine is that user, and its other IDs are those of /etc/subuid"},
                {SPEC_FIELD_USERS_DELEGATE, "--private-users-delegate", any_delegated,
                 "an ordinary user's ranges are those of /etc/subuid, and the machine has all of them"},
                {SPEC_FIELD_OWNERSHIP, "--private-users-ownership", other_ownership,
                 "an ordinary user's files are what they are"},
                {SPEC_FIELD_SLICE, "--slice", NULL,
                 "where an ordinary user's control groups are is up to whoever delegated them; start berth in that one"},
                {SPEC_FIELD_PROPERTY, "--property", NULL,
                 "limits of an ordinary user's control groups are up to whoever delegated them"},
                {SPEC_FIELD_BIND_USER, "--bind-user", any_bind_user,
                 "an ordinary user has one ID of the host, and it is root's inside"},
                {SPEC_FIELD_LINK_JOURNAL, "--link-journal", host_journal, "the host's journals are root's"},
                {SPEC_FIELD_NETWORK_VETH, "--network-veth", any_veth, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_ZONE, "--network-zone", NULL, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_BRIDGE, "--network-bridge", NULL, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_INTERFACE, "--network-interface", NULL, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_MACVLAN, "--network-macvlan", NULL, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_IPVLAN, "--network-ipvlan", NULL, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_VETH_EXTRA, "--network-veth-extra", NULL, NOT_THE_HOSTS_NETWORK},
                {SPEC_FIELD_NETWORK_NAMESPACE, "--network-namespace-path", NULL, NOT_THE_HOSTS_NETWORK},
};

static int check_settings(const PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;

        for (size_t i = 0; i < ELEMENTSOF(privileged); i++) {
                const Privileged *v = &privileged[i];
                if (spec_is_set(s, v->field) && (!v->asked || v->asked(s)))
                        return error_set(e, -EPERM, "%s needs root: %s; leave it out, or run berth with sudo",
                                         plan_option(s, v->field, v->option).s, v->why);
        }
        if (spec_is_set(s, SPEC_FIELD_OOM_SCORE_ADJUST) && s->oom_score_adjust < b->facts->oom_score_adj)
                return error_set(e, -EPERM,
                                 "%s needs root: %d is below this process's own adjustment of %d; leave it out, or run berth "
                                 "with sudo",
                                 plan_option(s, SPEC_FIELD_OOM_SCORE_ADJUST, "--oom-score-adjust").s, s->oom_score_adjust,
                                 b->facts->oom_score_adj);
        return 0;
}

/* systemd ends at once without a control group to make its own in. */
static int check_group(const PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;

        if (!b->spec->boot || f->init_kind != INIT_SYSTEMD || f->cgroup_parent || (b->spec->keep_unit && f->cgroup_own))
                return 0;
        return error_set(e, -EPERM,
                         "machine '%s' boots systemd, which needs a control group, and none is delegated to you: start it where "
                         "a systemd "
                         "of your own runs (a login session with $XDG_RUNTIME_DIR), or run berth with sudo",
                         f->machine_name);
}

int plan_rootless_check(const PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;
        uint32_t outside;
        int r = check_settings(b, e);

        if (r < 0)
                return r;
        if (f->root_owner == NOBODY || plan_id_outside(b->plan, false, f->root_owner, &outside) < 0)
                return error_set(e, -EPERM,
                                 "the root directory of machine '%s' belongs neither to you nor to your IDs of /etc/subuid; "
                                 "unpack the tree "
                                 "yourself with 'berth unshare tar -xf FILE -C DIRECTORY', or run berth with sudo",
                                 f->machine_name);
        return check_group(b, e);
}
