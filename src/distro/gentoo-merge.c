/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-merge.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-protect.h"
#include "sys/open.h"

const UnpackFile *gentoo_merged_get(const GentooMerged *m, const char *key)
{
        for (size_t i = 0; i < m->n_metadata; i++)
                if (str_eq(m->metadata[i].name, key))
                        return &m->metadata[i];
        return NULL;
}

static bool says(const GentooMerged *m, const char *key, Slice expected)
{
        const UnpackFile *f = gentoo_merged_get(m, key);
        return f && slice_eq(slice_strip((Slice){f->data, f->len}), expected);
}

int gentoo_merged_take(GentooMerged *m, UnpackResult *result, Error *e)
{
        const Slice cpv = m->package->cpv, category = m->package->category;

        m->pf = (Slice){cpv.s + category.n + 1, cpv.n - category.n - 1};
        m->metadata = TAKE_PTR(result->control);
        m->n_metadata = result->n_control;
        result->n_control = 0;
        m->contents = TAKE_PTR(result->contents);
        if (!says(m, "CATEGORY", category) || !says(m, "PF", m->pf))
                return error_set(e, -EBADMSG, "'%.*s' is another package inside than the index says", (int)cpv.n, cpv.s);
        return 0;
}

void gentoo_merged_done(GentooMerged *m)
{
        UnpackResult r = {.control = m->metadata, .n_control = m->n_metadata, .contents = m->contents};
        unpack_result_done(&r);
}

/* ---- whose files ---- */

typedef struct Entry {
        dev_t dev;
        ino_t dir;        /* what the directory is, whatever path leads there */
        const char *name; /* in it */
        size_t name_len;
        const char *line;
        const GentooMerged *owner;
} Entry;

typedef struct Entries {
        Entry *items;
        size_t n;
} Entries;

bool gentoo_contents_path(const char *line, Slice *ret)
{
        const char *rest = str_startswith(line, "obj "), *end;

        if (rest) {
                end = strrchr(rest, ' ');
                end = end ? memrchr(rest, ' ', (size_t)(end - rest)) : NULL;
        } else if ((rest = str_startswith(line, "sym ")))
                end = strstr(rest, " -> ");
        else if ((rest = str_startswith(line, "fif ")) || (rest = str_startswith(line, "dir ")))
                end = rest + strlen(rest);
        else
                return false;
        if (!end)
                return false;
        *ret = (Slice){rest, (size_t)(end - rest)};
        return true;
}

/* The directory that the entry before was in is asked for once. */
static int add_entry(Entries *all, const GentooMerged *m, const char *line, Slice path, int root, Slice *last, struct stat *st,
                     Error *e)
{
        const char *slash = memrchr(path.s, '/', path.n);
        Slice dir = {path.s, (size_t)(slash - path.s)};

        if (!slice_eq(dir, *last)) {
                _cleanup_free_ char *name = dir.n > 0 ? slice_dup(dir) : xstrdup("/");
                _cleanup_close_ int fd = sys_open_in_root(root, name, O_PATH | O_DIRECTORY, 0);
                if (fd < 0 || fstat(fd, st) < 0)
                        return error_sys(e, fd < 0 ? fd : -errno, "cannot look at '%s' in the new root", name);
                *last = dir;
        }
        *vec_push(all) = (Entry){.dev = st->st_dev,
                                 .dir = st->st_ino,
                                 .name = slash + 1,
                                 .name_len = path.n - dir.n - 1,
                                 .line = line,
                                 .owner = m};
        return 0;
}

static int compare_places(const void *x, const void *y)
{
        const Entry *a = x, *b = y;

        if (a->dev != b->dev)
                return a->dev < b->dev ? -1 : 1;
        if (a->dir != b->dir)
                return a->dir < b->dir ? -1 : 1;
        int d = memcmp(a->name, b->name, MIN(a->name_len, b->name_len));
        return d ?: (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* Of one place, those that were merged first come first. */
static int compare_entries(const void *x, const void *y)
{
        const Entry *a = x, *b = y;
        return compare_places(x, y) ?: (a->owner > b->owner) - (a->owner < b->owner);
}

/* COLLISION_IGNORE of make.globals */
static bool is_ignored(Slice path)
{
        static const char *const patterns[] = {"/lib/modules/*", "/usr/lib/modules/*", "*.py[co]", "*$py.class"};
        _cleanup_free_ char *text = slice_dup(path);

        for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
                if (fnmatch(patterns[i], text, 0) == 0)
                        return true;
        return false;
}

static bool same_file(const Entry *a, const Entry *b)
{
        Slice p, q;

        return a->line[0] == b->line[0] && gentoo_contents_path(a->line, &p) && gentoo_contents_path(b->line, &q) &&
               str_eq(p.s + p.n, q.s + q.n);
}

static int collision(const Entry *a, const Entry *b, Slice path, Error *e)
{
        const Slice p = a->owner->package->cpv, q = b->owner->package->cpv;
        return error_set(e, -EEXIST, "the file '%.*s' is in '%.*s' and in '%.*s': one of them has to be left out", (int)path.n,
                         path.s, (int)p.n, p.s, (int)q.n, q.s);
}

/* a was merged before b. */
static int judge(const GentooMerged *m, const Entry *a, const Entry *b, const GentooProtect *protect, GentooConflicts *ret,
                 Error *e)
{
        const Slice cpv = b->owner->package->cpv;
        Slice p, q;

        (void)gentoo_contents_path(a->line, &p);
        (void)gentoo_contents_path(b->line, &q);
        if (b->line[0] == 'd' && (a->line[0] == 'd' || a->line[0] == 's'))
                return 0; /* the worker has seen to it that such a link leads to a directory */
        if (a->line[0] == 'd' && b->line[0] == 's')
                return error_set(e, -EISDIR,
                                 "'%.*s' has a symbolic link in place of the directory '%.*s' of '%.*s', which is forbidden",
                                 (int)cpv.n, cpv.s, (int)p.n, p.s, (int)a->owner->package->cpv.n, a->owner->package->cpv.s);
        if (a->owner == b->owner)
                return same_file(a, b) ? 0
                                       : error_set(e, -EEXIST,
                                                   "'%.*s' has two different files for '%.*s' and '%.*s', which are one place in "
                                                   "this root",
                                                   (int)cpv.n, cpv.s, (int)p.n, p.s, (int)q.n, q.s);
        if (is_ignored(p))
                return 0;
        if (a->line[0] == 'd' || b->line[0] == 'd' || !gentoo_is_protected(protect, b->line))
                return collision(a, b, p, e);
        *vec_push(ret) = (GentooConflict){.first = (size_t)(a->owner - m),
                                          .second = (size_t)(b->owner - m),
                                          .path = q,
                                          .same = same_file(a, b),
                                          .line = b->line};
        return 0;
}

static int collect(Entries *all, const GentooMerged *m, size_t n, int root, Error *e)
{
        for (size_t i = 0; i < n; i++) {
                Slice last = {"-", 1}, path;
                struct stat st;
                STRV_FOREACH (line, m[i].contents) {
                        int k = gentoo_contents_path(*line, &path) ? add_entry(all, &m[i], *line, path, root, &last, &st, e) : 0;
                        if (k < 0)
                                return k;
                }
        }
        return 0;
}

int gentoo_merged_check(const GentooMerged *m, size_t n, int root_dirfd, const GentooProtect *protect, GentooConflicts *ret,
                        Error *e)
{
        Entries all = {0};
        int k = collect(&all, m, n, root_dirfd, e);

        if (k >= 0 && all.n > 0)
                qsort(all.items, all.n, sizeof(*all.items), compare_entries);
        for (size_t first = 0, i = 1; i < all.n && k >= 0; i++)
                if (compare_places(&all.items[first], &all.items[i]) == 0)
                        k = judge(m, &all.items[first], &all.items[i], protect, ret, e);
                else
                        first = i;
        free(all.items);
        return k;
}

/* ---- /var/db/pkg ---- */

static void put(Tar *tar, const char *dir, const char *name, const void *data, size_t len)
{
        _cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
        tar_file(tar, path, data, len, 0644);
}

static void write_entry(Tar *tar, const GentooMerged *m, size_t counter)
{
        const GentooPackage *p = m->package;
        _cleanup_free_ char *parent = xasprintf("var/db/pkg/%.*s", (int)p->category.n, p->category.s);
        _cleanup_free_ char *dir = xasprintf("%s/%.*s", parent, (int)m->pf.n, m->pf.s), *lines = strv_join(m->contents, "\n");
        _cleanup_free_ char *contents = xasprintf("%s%s", lines ?: "", m->contents && *m->contents ? "\n" : ""),
                            *md5 = xasprintf("%s\n", m->md5);
        char number[24];

        tar_directory(tar, parent, 0755);
        tar_directory(tar, dir, 0755);
        for (size_t i = 0; i < m->n_metadata; i++)
                put(tar, dir, m->metadata[i].name, m->metadata[i].data, m->metadata[i].len);
        put(tar, dir, "CONTENTS", contents, strlen(contents));
        int n = snprintf(number, sizeof(number), "%zu", counter); /* without a newline */
        put(tar, dir, "COUNTER", number, (size_t)n);
        if (m->install_mask)
                put(tar, dir, "INSTALL_MASK", m->install_mask, strlen(m->install_mask));
        if (m->md5[0])
                put(tar, dir, "BINPKGMD5", md5, strlen(md5));
}

void gentoo_vdb_write(Tar *tar, const GentooMerged *m, size_t n)
{
        char number[24];

        tar_directory(tar, "var/db", 0755);
        tar_directory(tar, "var/db/pkg", 0755);
        for (size_t i = 0; i < n; i++)
                write_entry(tar, &m[i], i);
        tar_directory(tar, "var/cache", 0755);
        tar_directory(tar, "var/cache/edb", 0755);
        int len = snprintf(number, sizeof(number), "%zu", n > 0 ? n - 1 : 0);
        tar_file(tar, "var/cache/edb/counter", number, (size_t)len, 0644);
}
