/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The user namespace: whether there is one, which IDs it has, and how the image's files come to belong to them. */

#include "plan/build.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "spec/value.h"

#define RANGE 65536

int plan_users_resolve(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;
        bool mapped = spec_is_set(s, SPEC_FIELD_USERS_MAP);
        SpecField asked = mapped ? SPEC_FIELD_USERS_MAP : SPEC_FIELD_USERS;
        const char *name = mapped ? "--private-users-map" : "--private-users";

        if (f->rootless) { /* there is nothing to choose from; plan_rootless_check() refuses the attempt */
                b->users = SPEC_USERS_IDENTITY;
                return 0;
        }
        if (mapped && spec_is_set(s, SPEC_FIELD_USERS))
                return error_set(e, -EINVAL, "%s and %s exclude each other; leave one of them out",
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s, plan_option(s, asked, name).s);
        if (!mapped && !spec_is_set(s, SPEC_FIELD_USERS)) {
                /* The default is the safe one wherever the kernel can do it. */
                bool can = f->has_user_namespaces && (f->has_idmapped_mounts || f->root_owner >= RANGE);
                b->users = can ? SPEC_USERS_PICK : SPEC_USERS_NO;
                return 0;
        }
        b->users = mapped ? SPEC_USERS_FIXED : s->users;
        if (b->users != SPEC_USERS_NO && !f->has_user_namespaces)
                return error_set(e, -EOPNOTSUPP,
                                 "%s needs user namespaces, which this kernel does not offer; use --private-users=no",
                                 plan_option(s, asked, name).s);
        return 0;
}

static void copy_map(const SpecIdRanges *from, SpecIdRanges *to)
{
        for (size_t i = 0; i < from->n; i++)
                *vec_push(to) = from->items[i];
}

static void range_by_map(PlanBuild *b)
{
        const SpecIdRanges *map = &b->spec->users_map;
        MachinePlan *p = b->plan;

        p->id_base = p->id_count = 0;
        copy_map(map, &p->uids);
        bool own = b->spec->bundle && str_eq(b->spec->origin[SPEC_FIELD_USERS_MAP], b->spec->origin[SPEC_FIELD_BUNDLE]);
        copy_map(own ? &b->spec->bundle->gids : map, &p->gids);
        for (size_t i = 0; i < map->n; i++)
                if (map->items[i].inside == 0) {
                        p->id_base = map->items[i].outside;
                        p->id_count = map->items[i].count;
                }
}

void plan_users_range(PlanBuild *b)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;
        MachinePlan *p = b->plan;

        if (f->rootless) {
                plan_rootless_range(b);
                return;
        }
        p->user_namespace = b->users != SPEC_USERS_NO;
        p->id_count = RANGE;
        switch (b->users) {
        case SPEC_USERS_PICK: /* a tree that somebody shifted already keeps its range, as with systemd-nspawn */
                p->id_base = f->root_owner >= RANGE && !PLAN_OWNER_IS_BUSY(f->root_owner) ? f->root_owner & ~(uint32_t)(RANGE - 1)
                                                                                          : f->id_base;
                break;
        case SPEC_USERS_OWNER:
                p->id_base = f->root_owner & ~(uint32_t)(RANGE - 1);
                break;
        case SPEC_USERS_FIXED:
                if (s->users_map.n > 0) {
                        range_by_map(b);
                        break;
                }
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
        p->ids_are_own = b->users == SPEC_USERS_PICK && p->id_base == f->id_base && p->id_base >= RANGE;
}

void plan_users_list(PlanBuild *b)
{
        MachinePlan *p = b->plan;
        const SpecIdRange whole = {.inside = 0, .outside = p->id_base, .count = p->id_count};

        if (p->uids.n > 0)
                return;
        *vec_push(&p->uids) = whole;
        *vec_push(&p->gids) = whole;
}

static SpecOwnership ownership(const MachineSpec *s)
{
        return spec_is_set(s, SPEC_FIELD_OWNERSHIP) ? s->ownership : SPEC_OWNERSHIP_AUTO;
}

static int check_chown(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        const HostFacts *f = b->facts;
        PlanOption chown = plan_option(s, SPEC_FIELD_OWNERSHIP, "--private-users-ownership=chown");

        if (s->read_only)
                return error_set(e, -EINVAL, "%s and %s exclude each other: the files' owners could not be changed; use map",
                                 chown.s, plan_option(s, SPEC_FIELD_READ_ONLY, "--read-only").s);
        if (s->volatile_mode != SPEC_VOLATILE_NO)
                return error_set(e, -EINVAL, "%s and %s exclude each other: the files' owners could not be changed; use map",
                                 chown.s, plan_option(s, SPEC_FIELD_VOLATILE, "--volatile").s);
        if (s->ephemeral)
                return error_set(e, -EINVAL, "%s and %s exclude each other: the image itself would be changed; use map", chown.s,
                                 plan_option(s, SPEC_FIELD_EPHEMERAL, "--ephemeral").s);
        if (f->root_kind == ROOT_DISK)
                return error_set(e, -EOPNOTSUPP, "%s: machine '%s' is a disk image, whose files keep their owners; use map",
                                 chown.s, f->machine_name);
        if (f->root_kind != ROOT_DIRECTORY)
                return error_set(e, -EOPNOTSUPP, "%s: machine '%s' is a stack of layers that others may share; use map", chown.s,
                                 f->machine_name);
        if (s->users_map.n > 0 || b->plan->id_base % RANGE != 0 || b->plan->id_count < RANGE)
                return error_set(e, -EINVAL, "%s needs a range of 65536 IDs that begins at a multiple of that; use map", chown.s);
        b->chown = f->root_owner != b->plan->id_base;
        return 0;
}

/* The IDs on disk are the range's own, or they count from some multiple of 65536 and an ID-mapped mount moves them into the range. */
static int check_ownership(PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;
        const MachineSpec *s = b->spec;
        const MachinePlan *p = b->plan;
        SpecOwnership o = ownership(s);

        if (o == SPEC_OWNERSHIP_OFF)
                return 0;
        if (o == SPEC_OWNERSHIP_CHOWN)
                return check_chown(b, e);
        if (PLAN_OWNER_IS_BUSY(f->root_owner))
                return error_set(e, -EINVAL,
                                 "a change of the owners of machine '%s' was interrupted; complete it with --private-users=pick "
                                 "--private-users-ownership=chown",
                                 f->machine_name);
        if (f->root_owner >= p->id_base && f->root_owner - p->id_base < p->id_count)
                return 0;
        if (!f->has_idmapped_mounts)
                return error_set(e, -EOPNOTSUPP,
                                 "%s needs ID-mapped mounts (Linux 5.12, and 5.19 for overlays), which this kernel does not "
                                 "offer; use --private-users=no, or --private-users-ownership=chown",
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        b->disk_base = f->root_owner & ~(uint32_t)(RANGE - 1);
        if (f->root_owner - b->disk_base >= p->id_count)
                return error_set(e, -EINVAL,
                                 "the root directory of machine '%s' belongs to UID %u, which is outside the %u IDs of %s; "
                                 "use a range of 65536",
                                 f->machine_name, f->root_owner, p->id_count,
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        b->root_idmap = SPEC_IDMAP_FULL;
        return 0;
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
        return a_count > 0 && b_count > 0 && a <= b + (b_count - 1) && b <= a + (a_count - 1);
}

/* --private-users-delegate=: ranges that are the same numbers inside, as systemd-nsresourced gives them. A machine in the machine gets one
 * of them, since a user namespace has no IDs but those of the one around it. */
static int delegate(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        MachinePlan *p = b->plan;
        const PlanOption option = plan_option(s, SPEC_FIELD_USERS_DELEGATE, "--private-users-delegate");

        if (s->users_delegate == 0)
                return 0;
        if (!p->user_namespace)
                return error_set(e, -EINVAL, "%s needs a user namespace, and %s gives none; use --private-users=pick", option.s,
                                 plan_option(s, SPEC_FIELD_USERS, "--private-users=no").s);
        plan_users_list(b);
        const size_t n_uids = p->uids.n, n_gids = p->gids.n;
        for (uint32_t i = 0; i < s->users_delegate; i++) {
                const SpecIdRange range = {b->facts->delegated[i], b->facts->delegated[i], RANGE};
                for (size_t k = 0; k < n_uids + n_gids; k++) {
                        const SpecIdRange *r = k < n_uids ? &p->uids.items[k] : &p->gids.items[k - n_uids];
                        if (overlaps(range.inside, RANGE, r->inside, r->count) ||
                            overlaps(range.outside, RANGE, r->outside, r->count))
                                return error_set(e, -EBUSY,
                                                 "%s: the range %u of it is among the IDs of %s; use --private-users=pick",
                                                 option.s, range.outside,
                                                 s->users_map.n > 0
                                                                 ? plan_option(s, SPEC_FIELD_USERS_MAP, "--private-users-map").s
                                                                 : plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
                }
                *vec_push(&p->uids) = range;
                *vec_push(&p->gids) = range;
        }
        return 0;
}

int plan_users_check(PlanBuild *b, Error *e)
{
        const MachineSpec *s = b->spec;
        uint32_t outside;

        plan_users_range(b);
        if (b->facts->rootless)
                return plan_rootless_check(b, e);
        int r = delegate(b, e);
        if (r < 0 || !b->plan->user_namespace)
                return r;
        r = plan_bind_users_map(b, e);
        if (r < 0)
                return r;
        if (s->bundle) {
                if (plan_id_outside(b->plan, false, 0, &outside) < 0 || plan_id_outside(b->plan, true, 0, &outside) < 0)
                        return error_set(e, -EINVAL, "%s: uidMappings and gidMappings need the IDs 0, which set the machine up",
                                         s->origin[SPEC_FIELD_BUNDLE]);
                return check_ownership(b, e);
        }
        if (plan_id_outside(b->plan, false, 0, &outside) < 0 || plan_id_outside(b->plan, true, 5, &outside) < 0)
                return error_set(e, -EINVAL, "%s: at least 6 IDs are needed, as root is 0 and terminals belong to group 5",
                                 s->users_map.n > 0 ? plan_option(s, SPEC_FIELD_USERS_MAP, "--private-users-map").s
                                                    : plan_option(s, SPEC_FIELD_USERS, "--private-users").s);
        return check_ownership(b, e);
}
