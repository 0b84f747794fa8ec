/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --bind-user=: a user of the host is one inside as well, with an ID of its own there that is the host's outside, its home, and a record
 * that nss-systemd in the guest reads (systemd-nspawn(1), JSON user records). */

#include "plan/build.h"

#include <errno.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define UID_FIRST 60514U /* the range that systemd keeps for this */
#define UID_LAST  60577U

static bool is_taken(const PlanBuild *b, uint32_t id)
{
        for (size_t i = 0; i < b->facts->n_image_uids; i++)
                if (b->facts->image_uids[i] == id)
                        return true;
        return false;
}

/* The ID inside of the user with that index. */
static uint32_t inside_id(const PlanBuild *b, size_t index)
{
        uint32_t id = UID_FIRST;

        for (;; id++)
                if (!is_taken(b, id) && index-- == 0)
                        return id;
}

/* Takes `inside` out of the map. */
static void cut(SpecIdRanges *map, uint32_t inside)
{
        for (size_t i = 0; i < map->n; i++) {
                SpecIdRange *r = &map->items[i], rest = *r;
                if (inside < r->inside || inside - r->inside >= r->count)
                        continue;
                uint32_t before = inside - r->inside;
                rest.inside += before + 1;
                rest.outside += before + 1;
                rest.count -= before + 1;
                r->count = before;
                if (before == 0)
                        *r = rest;
                else if (rest.count > 0)
                        *vec_push(map) = rest;
                return;
        }
}

static bool covers_outside(const SpecIdRanges *map, uint32_t id)
{
        for (size_t i = 0; i < map->n; i++)
                if (id >= map->items[i].outside && id - map->items[i].outside < map->items[i].count)
                        return true;
        return false;
}

static int map_one(PlanBuild *b, const FactUser *u, uint32_t inside, Error *e)
{
        MachinePlan *p = b->plan;

        if (covers_outside(&p->uids, u->uid))
                return error_set(e, -EINVAL, "%s: user '%s' has ID %u, which is in the machine's own range of IDs",
                                 plan_option(b->spec, SPEC_FIELD_BIND_USER, "--bind-user").s, u->name, u->uid);
        cut(&p->uids, inside);
        *vec_push(&p->uids) = (SpecIdRange){.inside = inside, .outside = u->uid, .count = 1};
        if (covers_outside(&p->gids, u->gid)) /* two users of one group: it has one ID inside */
                return 0;
        cut(&p->gids, inside);
        *vec_push(&p->gids) = (SpecIdRange){.inside = inside, .outside = u->gid, .count = 1};
        return 0;
}

int plan_bind_users_map(PlanBuild *b, Error *e)
{
        const HostFacts *f = b->facts;

        if (f->n_bind_users == 0)
                return 0;
        plan_users_list(b);
        for (size_t i = 0; i < f->n_bind_users; i++) {
                const FactUser *u = &f->bind_users[i];
                PlanOption option = plan_option(b->spec, SPEC_FIELD_BIND_USER, "--bind-user");
                if (u->name_taken || u->group_taken)
                        return error_set(e, -EEXIST, "%s: machine '%s' has a %s '%s' of its own", option.s, f->machine_name,
                                         u->name_taken ? "user" : "group", u->name);
                uint32_t inside = inside_id(b, i);
                if (inside > UID_LAST)
                        return error_set(e, -E2BIG, "%s: there is room for %u users", option.s, UID_LAST - UID_FIRST + 1);
                int r = map_one(b, u, inside, e);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- records and homes ---- */

/* The file, and a link to it that is called after the number. */
static void add_record(PlanBuild *b, const char *name, uint32_t id, const char *suffix, Json *take_json)
{
        _cleanup_free_ char *path = xasprintf("/run/host/userdb/%s.%s", name, suffix),
                            *link = xasprintf("/run/host/userdb/%u.%s", id, suffix);
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_FILE, path);

        buf_adds(&take_json->out, "\n");
        op->text = buf_take(&take_json->out);
        op->mode = str_endswith(suffix, "-privileged") ? 0600 : 0644;
        if (op->mode == 0600)
                op->value = strlen(op->text); /* not shown */
        plan_add(b->plan, PHASE_ROOT, OP_SYMLINK, link)->source = xasprintf("%s.%s", name, suffix);
}

static const char *shell_inside(const PlanBuild *b, const FactUser *u)
{
        const char *wanted = b->spec->bind_user_shell;

        if (!wanted || str_eq(wanted, "no"))
                return NULL; /* what the guest gives its users */
        return str_eq(wanted, "yes") ? u->shell : wanted;
}

static void add_user(PlanBuild *b, const FactUser *u, uint32_t id)
{
        Json j = {0};
        const char *shell = shell_inside(b, u);
        _cleanup_free_ char *home = xasprintf("/run/host/home/%s", u->name);

        json_open(&j, '{');
        json_field_str(&j, "userName", u->name);
        json_field_uint(&j, "uid", id);
        json_field_uint(&j, "gid", id);
        if (u->real_name && *u->real_name)
                json_field_str(&j, "realName", u->real_name);
        json_field_str(&j, "disposition", "container");
        json_field_str(&j, "homeDirectory", home);
        json_field_str(&j, "service", "io.systemd.NSpawn");
        if (shell)
                json_field_str(&j, "shell", shell);
        if (b->spec->bind_user_groups)
                json_field_strv(&j, "memberOf", b->spec->bind_user_groups);
        json_close(&j, '}');
        add_record(b, u->name, id, "user", &j);
        if (!u->password)
                return;
        char *const passwords[] = {u->password, NULL};
        j = (Json){0};
        json_open(&j, '{');
        json_key(&j, "privileged");
        json_open(&j, '{');
        json_field_strv(&j, "hashedPassword", passwords);
        json_close(&j, '}');
        json_close(&j, '}');
        add_record(b, u->name, id, "user-privileged", &j);
}

static void add_group(PlanBuild *b, const FactUser *u, uint32_t id)
{
        Json j = {0};

        json_open(&j, '{');
        json_field_str(&j, "groupName", u->name);
        json_field_uint(&j, "gid", id);
        json_field_str(&j, "disposition", "container");
        json_field_str(&j, "service", "io.systemd.NSpawn");
        json_close(&j, '}');
        add_record(b, u->name, id, "group", &j);
}

void plan_bind_users(PlanBuild *b)
{
        for (size_t i = 0; i < b->facts->n_bind_users; i++) {
                const FactUser *u = &b->facts->bind_users[i];
                _cleanup_free_ char *home = xasprintf("/run/host/home/%s", u->name);
                uint32_t id = inside_id(b, i);

                add_group(b, u, id);
                add_user(b, u, id);
                if (u->home && path_is_absolute(u->home))
                        plan_add_host_bind(b->plan, u->home, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, home, NODE_DIRECTORY);
        }
}
