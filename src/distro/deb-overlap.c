/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-overlap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "sys/open.h"

typedef struct Owned {
        const char *path;
        size_t owner;
} Owned;

typedef struct Paths {
        Owned *items;
        size_t n;
} Paths;

static int compare(const void *x, const void *y)
{
        const Owned *a = x, *b = y;
        int d = strcmp(a->path, b->path);

        return d != 0 ? d : (a->owner > b->owner) - (a->owner < b->owner);
}

static Paths all_sorted(char **const *lists, size_t n)
{
        Paths p = {0};

        for (size_t i = 0; i < n; i++)
                p.n += strv_len(lists[i]);
        p.items = xnew(Owned, p.n + 1);
        p.n = 0;
        for (size_t i = 0; i < n; i++)
                STRV_FOREACH (s, lists[i])
                        p.items[p.n++] = (Owned){*s, i};
        qsort(p.items, p.n, sizeof(Owned), compare);
        return p;
}

static size_t first_from(const Paths *p, const char *path)
{
        size_t low = 0, high = p->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (strcmp(p->items[middle].path, path) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* The top, or something lies below it. */
static bool is_directory(const Paths *p, const char *path)
{
        if (str_eq(path, "/."))
                return true;
        _cleanup_free_ char *below = xasprintf("%s/", path);
        size_t i = first_from(p, below);

        return i < p->n && strncmp(p->items[i].path, below, strlen(below)) == 0;
}

DebOverlaps deb_overlaps(char **const *lists, size_t n)
{
        Paths p = all_sorted(lists, n);
        DebOverlaps r = {0};

        for (size_t i = 0; i + 1 < p.n; i++) {
                const Owned *a = &p.items[i], *b = &p.items[i + 1];
                if (strcmp(a->path, b->path) != 0 || a->owner == b->owner || is_directory(&p, a->path))
                        continue;
                *vec_push(&r) = (DebOverlap){a->path, a->owner, b->owner};
        }
        free(p.items);
        return r;
}

static bool is_listed(const Paths *p, const char *path)
{
        size_t i = first_from(p, path);

        return i < p->n && str_eq(p->items[i].path, path);
}

/* Empty directories, and paths that merge in one place through a link. */
static bool is_directory_on_disk(int root_dirfd, const char *path)
{
        _cleanup_close_ int fd = sys_open_in_root(root_dirfd, path, O_PATH | O_DIRECTORY, 0);

        return fd >= 0;
}

static bool replaces(const DebRecord *a, const DebRecord *b)
{
        Slice value = deb822_get(a->stanza, "Replaces"), one;

        while (slice_until(&value, ',', &one))
                if (slice_eq(deb_dependency_name(one), b->name))
                        return true;
        return false;
}

static void forget(char **paths, const char *path)
{
        size_t n = strv_len(paths), i = 0;

        while (paths[i] && !str_eq(paths[i], path))
                i++;
        if (!paths[i])
                return;
        free(paths[i]);
        memmove(paths + i, paths + i + 1, (n - i) * sizeof(char *));
}

/* Only dpkg itself can put a file in another's place. The base must do without, as dpkg's scripts need it. */
static bool defer(const DebChoice *c, DebUnpacked *unpacked, size_t i, size_t other, bool *again)
{
        if (!unpacked[i].diverts || c->base[i])
                return false;
        unpacked[i].deferred = true;
        again[other] = true;
        return true;
}

/* Takes the files of the deferred packages out of the tree that no other has. */
static void withdraw(const DebChoice *c, const DebUnpacked *unpacked, int root_dirfd, bool *again)
{
        char ***lists = xnew(char **, c->n + 1);

        for (size_t i = 0; i < c->n; i++)
                lists[i] = unpacked[i].deferred ? NULL : unpacked[i].paths;
        Paths others = all_sorted(lists, c->n);
        for (size_t i = 0; i < c->n; i++) {
                if (!unpacked[i].deferred)
                        continue;
                again[i] = false;
                STRV_FOREACH (path, unpacked[i].paths) {
                        const char *name;
                        if (is_listed(&others, *path))
                                continue;
                        _cleanup_close_ int dir = sys_open_parent_in_root(root_dirfd, *path, &name);
                        if (dir >= 0)
                                (void)unlinkat(dir, name, 0); /* directories stay */
                }
        }
        free(others.items);
        free(lists);
}

static int settle(const DebChoice *c, DebUnpacked *unpacked, const DebOverlap *o, bool *again, Error *e)
{
        const DebRecord *a = c->items[o->a], *b = c->items[o->b];
        size_t winner = replaces(b, a) ? o->b : o->a, loser = winner == o->a ? o->b : o->a;

        if (!replaces(c->items[winner], c->items[loser])) {
                if (defer(c, unpacked, o->a, o->b, again) || defer(c, unpacked, o->b, o->a, again))
                        return 0;
                return error_set(e, -EEXIST,
                                 "packages '%s' and '%s' both have '%s' and neither replaces the other; leave one of them out",
                                 unpacked[o->a].name, unpacked[o->b].name, o->path);
        }
        again[winner] = true;
        forget(unpacked[loser].paths, o->path);
        return 0;
}

int deb_overlaps_settle(const DebChoice *c, DebUnpacked *unpacked, int root_dirfd, bool *again, Error *e)
{
        char ***lists = xnew(char **, c->n + 1);
        int k = 0;

        for (size_t i = 0; i < c->n; i++)
                lists[i] = unpacked[i].paths;
        DebOverlaps o = deb_overlaps(lists, c->n);
        /* Copies, as a path stands in the list that may lose it. */
        for (size_t i = 0; i < o.n; i++)
                o.items[i].path = is_directory_on_disk(root_dirfd, o.items[i].path) ? NULL : xstrdup(o.items[i].path);
        for (size_t i = 0; i < o.n && k >= 0; i++)
                if (o.items[i].path)
                        k = settle(c, unpacked, &o.items[i], again, e);
        if (k >= 0)
                withdraw(c, unpacked, root_dirfd, again);
        for (size_t i = 0; i < o.n; i++)
                free((char *)o.items[i].path);
        free(o.items);
        free(lists);
        return k;
}
