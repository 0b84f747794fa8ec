/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/zfs.h"

/* `zfs get -p` and not `zfs list -p`: the latter is not known to zfs-fuse. One line a property: NAME, PROPERTY, VALUE. */

#define PROPERTIES                                                                                                        \
        "type,creation,used,referenced,mounted,mountpoint,origin,readonly,canmount,refquota,defer_destroy," ZFS_READ_ONLY \
        "," ZFS_STATE "," ZFS_MACHINE

static void set_text(char **p, const char *value)
{
        free(*p);
        *p = str_eq(value, "-") ? NULL : xstrdup(value);
}

static uint64_t number(const char *value)
{
        uint64_t n;

        return str_parse_u64(value, &n) < 0 ? STORE_UNKNOWN : n;
}

static void set_property(Dataset *d, const char *property, const char *value)
{
        if (str_eq(property, "type"))
                d->snapshot = str_eq(value, "snapshot");
        else if (str_eq(property, "creation"))
                d->created_usec = number(value) * USEC_PER_SEC;
        else if (str_eq(property, "used"))
                d->used = number(value);
        else if (str_eq(property, "referenced"))
                d->referenced = number(value);
        else if (str_eq(property, "mounted"))
                d->mounted = str_eq(value, "yes");
        else if (str_eq(property, "mountpoint"))
                set_text(&d->mountpoint, value);
        else if (str_eq(property, "origin"))
                set_text(&d->origin, value);
        else if (str_eq(property, "readonly") || str_eq(property, ZFS_READ_ONLY))
                d->read_only = d->read_only || str_eq(value, "on");
        else if (str_eq(property, "canmount"))
                d->canmount = str_eq(value, "on");
        else if (str_eq(property, "refquota"))
                d->limit = number(value) == 0 ? STORE_UNKNOWN : number(value);
        else if (str_eq(property, "defer_destroy"))
                d->deferred = str_eq(value, "on");
        else if (str_eq(property, ZFS_STATE))
                set_text(&d->state, value);
        else if (str_eq(property, ZFS_MACHINE))
                set_text(&d->machine, value);
        else if (str_eq(property, "encryptionroot"))
                set_text(&d->key_root, value);
        else if (str_eq(property, "keystatus") && !str_eq(value, "unavailable"))
                set_text(&d->key_root, "-");
}

/* keystatus comes last: it tells whether the name of the encryption root stays. */
static const char *properties(const Zfs *z)
{
        return z->native ? PROPERTIES ",encryptionroot,keystatus" : PROPERTIES;
}

static void parse(char *text, Datasets *v)
{
        char *save = NULL;

        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char *property = strchr(line, '\t'), *value = property ? strchr(property + 1, '\t') : NULL;
                if (!value)
                        continue;
                *property++ = *value++ = '\0';
                if (v->n == 0 || !str_eq(v->items[v->n - 1].name, line))
                        *vec_push(v) = (Dataset){.name = xstrdup(line), .limit = STORE_UNKNOWN};
                set_property(&v->items[v->n - 1], property, value);
        }
}

int zfs_table(Zfs *z, const char *root, const Datasets **ret, Error *e)
{
        _cleanup_free_ char *text = NULL;
        char *args[] = {"get", "-H", "-p", "-r", "-o", "name,property,value", (char *)properties(z), (char *)root, NULL};

        if (!z->table_root || !str_eq(z->table_root, root)) {
                int r = zfs_run_args(z, e, "read the datasets below", root, args, false, &text);
                if (r < 0)
                        return r;
                zfs_forget_table(z);
                parse(text, &z->table);
                z->table_root = xstrdup(root);
        }
        *ret = &z->table;
        return 0;
}

void zfs_forget_table(Zfs *z)
{
        for (size_t i = 0; i < z->table.n; i++) {
                Dataset *d = &z->table.items[i];
                free(d->name);
                free(d->mountpoint);
                free(d->origin);
                free(d->state);
                free(d->machine);
                free(d->key_root);
        }
        free(z->table.items);
        z->table = (Datasets){0};
        free(TAKE_PTR(z->table_root));
}

const Dataset *datasets_find(const Datasets *v, const char *name)
{
        for (size_t i = 0; i < v->n; i++)
                if (str_eq(v->items[i].name, name))
                        return &v->items[i];
        return NULL;
}

const Dataset *datasets_clone_of(const Datasets *v, const char *snapshot)
{
        for (size_t i = 0; i < v->n; i++)
                if (v->items[i].origin && str_eq(v->items[i].origin, snapshot))
                        return &v->items[i];
        return NULL;
}

bool dataset_is_below(const char *name, const char *parent)
{
        const char *rest = str_startswith(name, parent);

        return rest && rest[0] == '/' && !strpbrk(rest + 1, "/@");
}

bool dataset_snapshot_of(const Dataset *d, const char *name)
{
        const char *rest = str_startswith(d->name, name);

        return d->snapshot && rest && rest[0] == '@';
}

const char *dataset_snapshot_name(const Dataset *d)
{
        const char *at = strchr(d->name, '@');

        return at ? at + 1 : "";
}
