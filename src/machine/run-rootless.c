/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-rootless.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-subid.h"
#include "sys/userns.h"

#define EXTENTS_MAX 340 /* lines of a map (user_namespaces(7)) */

char *machine_find_program(const char *name)
{
        _cleanup_strv_ char **dirs = strv_split(getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin", ":");

        STRV_FOREACH (dir, dirs) {
                _cleanup_free_ char *path = path_join(*dir, name);
                if (access(path, X_OK) == 0)
                        return TAKE_PTR(path);
        }
        return NULL;
}

/* The own ID first, then the subordinate ones without a gap. */
static void line_up(SpecIdRanges *map, const char *path, const char *name, uint32_t own, uid_t uid)
{
        SpecIdRanges found = {};
        uint32_t next = 1;

        *vec_push(map) = (SpecIdRange){.inside = 0, .outside = own, .count = 1};
        machine_subids(path, name ?: "", uid, &found);
        for (size_t i = 0; i < found.n && map->n < EXTENTS_MAX; i++) {
                SpecIdRange r = found.items[i];
                if ((own >= r.outside && own - r.outside < r.count) || next + r.count < next)
                        continue;
                r.inside = next;
                next += r.count;
                *vec_push(map) = r;
        }
        free(found.items);
}

void machine_rootless_find(const MachineHost *h, Rootless *ret)
{
        *ret = (Rootless){.user = machine_user_name(h->uid)};
        line_up(&ret->uids, "/etc/subuid", ret->user, h->uid, h->uid);
        line_up(&ret->gids, "/etc/subgid", ret->user, h->gid, h->uid);
        ret->subordinate = ret->uids.n > 1 && ret->gids.n > 1;
        if (!ret->subordinate) /* users without groups, or the other way round, are no system */
                ret->uids.n = ret->gids.n = 1;
        ret->newuidmap = machine_find_program("newuidmap");
        ret->newgidmap = machine_find_program("newgidmap");
}

void machine_rootless_done(Rootless *r)
{
        free(r->uids.items);
        free(r->gids.items);
        free(r->user);
        free(r->newuidmap);
        free(r->newgidmap);
        *r = (Rootless){};
}

static SysIdRange *copy_map(const SpecIdRanges *from)
{
        SysIdRange *to = xnew(SysIdRange, from->n);

        for (size_t i = 0; i < from->n; i++)
                to[i] = (SysIdRange){from->items[i].inside, from->items[i].outside, from->items[i].count};
        return to;
}

static int enter(const Rootless *r, Error *e)
{
        _cleanup_free_ SysIdRange *uids = copy_map(&r->uids), *gids = copy_map(&r->gids);
        const SysIdMaps maps = {uids, gids, r->uids.n, r->gids.n};
        const SysMapHelpers helpers = {r->newuidmap, r->newgidmap};

        if (r->subordinate && (!r->newuidmap || !r->newgidmap))
                return error_set(e, -ENOENT,
                                 "user '%s' has IDs of its own in /etc/subuid, but newuidmap and newgidmap, which map them, are "
                                 "not installed: install the package uidmap (shadow-utils, shadow)",
                                 r->user ?: "?");
        int code = sys_userns_enter(&maps, r->subordinate ? &helpers : NULL, e);
        return code < 0 && r->subordinate
                               ? error_prefix(e, code, "cannot map the IDs that user '%s' has in /etc/subuid and /etc/subgid",
                                              r->user ?: "?")
                               : code;
}

int machine_host_enter(MachineHost *h, Error *e)
{
        if (!h->rootless || h->entered)
                return 0;
        Rootless r;
        machine_rootless_find(h, &r);
        int code = enter(&r, e);
        machine_rootless_done(&r);
        h->entered = code >= 0;
        return code;
}

int machine_rootless_join(const Machine *m, Error *e)
{
        int r = sys_userns_join_parent(m->leader, e);

        return r < 0 ? error_prefix(e, r, "cannot enter machine '%s'", m->name) : 0;
}

static int read_map(const char *file, SpecIdRanges *ret)
{
        _cleanup_free_ SysIdRange *map = NULL;
        size_t n = 0;
        int r = sys_userns_read_map(file, &map, &n);

        for (size_t i = 0; i < n; i++)
                *vec_push(ret) = (SpecIdRange){map[i].inside, map[i].outside, map[i].count};
        return r;
}

int machine_rootless_maps(SpecIdRanges *uids, SpecIdRanges *gids)
{
        int r = read_map("/proc/self/uid_map", uids);

        return r < 0 ? r : read_map("/proc/self/gid_map", gids);
}
