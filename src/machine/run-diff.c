/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/machine.h"
#include "machine/run-packages.h"
#include "machine/run-registry.h"
#include "machine/run-tree.h"
#include "sys/open.h"

#define BUFFER_SIZE (64 * 1024)

/* Two states of a machine as trees, compared name by name: whatever driver has them. What is the same file in both (shared layers,
 * snapshots of the file system) is known by inode and change time, so that only what may differ is read. */
typedef struct Compare {
        int trees[2]; /* before, after */
        Buf path;     /* relative, "" for the top */
        MachineDiff *diff;
        uint8_t *buffers[2];
        Error *e;
} Compare;

static const char *here(const Compare *c)
{
        return c->path.len ? c->path.data : ".";
}

static int fail(const Compare *c, int code)
{
        return error_sys(c->e, code, "cannot compare '/%s'", c->path.len ? c->path.data : "");
}

static void note(Compare *c, MachineChange change, unsigned what)
{
        DiffFile *f = vec_push(&c->diff->files);

        *f = (DiffFile){.change = change, .what = what, .path = xasprintf("/%s", c->path.data)};
        c->diff->counts[change]++;
}

/* ---- one file ---- */

static int open_side(const Compare *c, int side, int flags)
{
        return sys_open_in_root(c->trees[side], here(c), O_NOFOLLOW | O_NONBLOCK | flags, 0);
}

static int content_differs(Compare *c)
{
        _cleanup_close_ int before = open_side(c, 0, O_RDONLY), after = open_side(c, 1, O_RDONLY);

        if (before < 0 || after < 0)
                return before < 0 ? before : after;
        for (;;) {
                ssize_t n = fd_read_full(before, c->buffers[0], BUFFER_SIZE), m = fd_read_full(after, c->buffers[1], BUFFER_SIZE);
                if (n < 0 || m < 0)
                        return n < 0 ? (int)n : (int)m;
                if (n != m || memcmp(c->buffers[0], c->buffers[1], (size_t)n) != 0)
                        return 1;
                if (n == 0)
                        return 0;
        }
}

static int link_differs(const Compare *c)
{
        char before[PATH_MAX], after[PATH_MAX];
        ssize_t n = readlinkat(c->trees[0], here(c), before, sizeof(before));
        ssize_t m = readlinkat(c->trees[1], here(c), after, sizeof(after));

        if (n < 0 || m < 0)
                return -errno;
        return n != m || memcmp(before, after, (size_t)n) != 0;
}

/* Names and values in order, but for what security modules, overlayfs and the store (a tree's date) note for themselves. */
static void attributes_of(int fd, Buf *ret)
{
        ssize_t size = flistxattr(fd, NULL, 0);
        _cleanup_free_ char *list = xmalloc(size > 0 ? (size_t)size + 1 : 1);
        _cleanup_strv_ char **names = NULL;

        size = size > 0 ? flistxattr(fd, list, (size_t)size) : 0;
        for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1)
                if ((str_startswith(list + at, "user.") && !str_startswith(list + at, "user.overlay.") &&
                     !str_eq(list + at, "user.crtime_usec")) ||
                    str_startswith(list + at, "system.posix_acl_") || str_eq(list + at, "security.capability"))
                        strv_push(&names, list + at);
        strv_sort(names);
        STRV_FOREACH (name, names) {
                char value[4096];
                ssize_t n = fgetxattr(fd, *name, value, sizeof(value));
                buf_append(ret, *name, strlen(*name) + 1);
                buf_append(ret, value, n > 0 ? (size_t)n : 0);
        }
}

static bool attributes_differ(const Compare *c)
{
        _cleanup_buf_ Buf before = {0}, after = {0};
        _cleanup_close_ int a = open_side(c, 0, O_RDONLY), b = open_side(c, 1, O_RDONLY);

        if (a < 0 || b < 0)
                return false;
        attributes_of(a, &before);
        attributes_of(b, &after);
        return before.len != after.len || (before.len && memcmp(before.data, after.data, before.len) != 0);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
        return a->st_ino == b->st_ino && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec &&
               a->st_size == b->st_size && a->st_mode == b->st_mode;
}

static unsigned metadata_differs(const struct stat *a, const struct stat *b)
{
        unsigned what = 0;

        if ((a->st_mode & 07777) != (b->st_mode & 07777) && !S_ISLNK(a->st_mode))
                what |= DIFF_MODE;
        if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
                what |= DIFF_OWNER;
        if (!S_ISDIR(a->st_mode) && (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec))
                what |= DIFF_TIME; /* that of a directory changes with what is in it, which is told by itself */
        return what;
}

static int compare_both(Compare *c, const struct stat *a, const struct stat *b)
{
        unsigned what = metadata_differs(a, b);
        int r = 0;

        if (is_same_file(a, b) && !S_ISDIR(a->st_mode))
                return 0;
        if (S_ISREG(a->st_mode))
                r = a->st_size != b->st_size ? 1 : content_differs(c);
        else if (S_ISLNK(a->st_mode))
                r = link_differs(c);
        else if (S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode))
                r = a->st_rdev != b->st_rdev;
        if (r < 0)
                return fail(c, r);
        if (r > 0)
                what |= DIFF_CONTENT;
        if ((S_ISREG(a->st_mode) || S_ISDIR(a->st_mode)) && attributes_differ(c))
                what |= DIFF_ATTRIBUTES;
        if (what)
                note(c, CHANGE_CHANGED, what);
        return 0;
}

/* ---- the walk ---- */

static int names_of(const Compare *c, int side, char ***ret)
{
        _cleanup_close_ int fd = sys_open_in_root(c->trees[side], here(c), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        _cleanup_closedir_ DIR *dir = NULL;

        if (fd < 0 || fd_opendir(fd, ".", &dir) < 0)
                return fd < 0 ? fd : -errno;
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d)
                        return -errno;
                if (!str_eq(d->d_name, ".") && !str_eq(d->d_name, ".."))
                        strv_push(ret, d->d_name);
        }
}

static int compare_directory(Compare *c, const bool sides[static 2]);

static int one_sided(Compare *c, int side, const struct stat *st)
{
        note(c, side == 0 ? CHANGE_REMOVED : CHANGE_ADDED, 0);
        return S_ISDIR(st->st_mode) ? compare_directory(c, (const bool[]){side == 0, side == 1}) : 0;
}

static int compare_entry(Compare *c, const bool sides[static 2])
{
        struct stat st[2] = {0};
        bool there[2];
        int r = 0;

        for (int i = 0; i < 2; i++)
                there[i] = sides[i] && fstatat(c->trees[i], here(c), &st[i], AT_SYMLINK_NOFOLLOW) == 0;
        if (there[0] && there[1] && (st[0].st_mode & S_IFMT) == (st[1].st_mode & S_IFMT)) {
                r = compare_both(c, &st[0], &st[1]);
                return r < 0 || !S_ISDIR(st[0].st_mode) ? r : compare_directory(c, there);
        }
        for (int i = 0; i < 2 && r >= 0; i++)
                if (there[i])
                        r = one_sided(c, i, &st[i]);
        return r;
}

static int compare_directory(Compare *c, const bool sides[static 2])
{
        _cleanup_strv_ char **names = NULL;
        size_t len = c->path.len;
        int r = 0;

        for (int i = 0; i < 2 && r >= 0; i++)
                r = sides[i] ? names_of(c, i, &names) : 0;
        if (r < 0)
                return fail(c, r);
        strv_sort(names);
        const char *last = NULL;
        STRV_FOREACH (name, names) {
                if (str_eq(*name, last))
                        continue;
                last = *name;
                if (len + strlen(last) + 2 > PATH_MAX)
                        return error_set(c->e, -ENAMETOOLONG, "'/%.64s…' has paths longer than %d bytes", here(c), PATH_MAX);
                buf_addf(&c->path, len ? "/%s" : "%s", last);
                r = compare_entry(c, sides);
                c->path.len = len;
                c->path.data[len] = '\0';
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_trees(const int trees[static 2], MachineDiff *d, Error *e)
{
        Compare c = {.trees = {trees[0], trees[1]}, .diff = d, .buffers = {xmalloc(BUFFER_SIZE), xmalloc(BUFFER_SIZE)}, .e = e};
        struct stat st[2];

        buf_adds(&c.path, "");
        int r = fstat(trees[0], &st[0]) < 0 || fstat(trees[1], &st[1]) < 0 ? fail(&c, -errno) : compare_both(&c, &st[0], &st[1]);
        if (r >= 0)
                r = compare_directory(&c, (const bool[]){true, true});
        free(c.buffers[0]);
        free(c.buffers[1]);
        buf_done(&c.path);
        return r;
}

/* ---- packages ---- */

static void note_package(MachineDiff *d, MachineChange change, const char *name, const char *from, const char *to)
{
        *vec_push(&d->packages) =
                        (DiffPackage){.change = change, .name = xstrdup(name), .from = xstrdup(from), .to = xstrdup(to)};
}

/* Of several versions of one name (slots, kernels) those that are in both states cancel out. */
static void compare_packages(const Packages *a, const Packages *b, MachineDiff *d)
{
        size_t i = 0, k = 0;

        while (i < a->n || k < b->n) {
                const Package *x = i < a->n ? &a->items[i] : NULL, *y = k < b->n ? &b->items[k] : NULL;
                int order = !x ? 1 : !y ? -1 : strcmp(x->name, y->name);
                int version = order == 0 ? strcmp(x->version, y->version) : 0;
                bool more_x = order == 0 && version < 0 && i + 1 < a->n && str_eq(a->items[i + 1].name, x->name);
                bool more_y = order == 0 && version > 0 && k + 1 < b->n && str_eq(b->items[k + 1].name, y->name);
                if (order < 0 || more_x) {
                        note_package(d, CHANGE_REMOVED, x->name, x->version, NULL);
                        i++;
                } else if (order > 0 || more_y) {
                        note_package(d, CHANGE_ADDED, y->name, NULL, y->version);
                        k++;
                } else {
                        if (version != 0)
                                note_package(d, CHANGE_CHANGED, x->name, x->version, y->version);
                        i++;
                        k++;
                }
        }
}

static int diff_packages(const MachineHost *h, const int trees[static 2], MachineDiff *d, Error *e)
{
        _cleanup_(packages_done) Packages a = {0}, b = {0};
        int r = packages_read(trees[0], &a, e);

        if (r >= 0)
                r = packages_read(trees[1], &b, e);
        if (r < 0)
                return r;
        compare_packages(&a, &b, d);
        if (a.has_rpm || b.has_rpm)
                events_note(&h->events, "packages of rpm are not compared: its database takes rpm itself to be read");
        return 0;
}

/* ---- the verb ---- */

typedef struct State {
        StoreLock lock;
        MachineTree tree;
} State;
#define STATE_NONE ((State){.lock = STORE_LOCK_NONE, .tree = MACHINE_TREE_NONE})

static void state_done(State *s)
{
        machine_tree_close(&s->tree);
        store_unlock(&s->lock);
}

static int open_state(Store *s, const MachineHost *h, const char *name, const char *snapshot, State *ret, Error *e)
{
        _cleanup_(store_image_done) StoreImage i = {0};
        Machine m = {0};
        int r = snapshot ? store_find_snapshot(s, name, snapshot, &i, e) : store_find(s, STORE_MACHINE, name, &i, e);
        bool running = r >= 0 && !snapshot && machine_find(h, name, &m, NULL) >= 0;

        machine_done(&m);
        if (r >= 0 && running && i.disk) /* whose file system only one kernel mount may have */
                return error_set(e, -EBUSY, "machine '%s' runs from a disk image; take a snapshot of it and compare that", name);
        if (r >= 0 && !running)
                r = store_lock(s, &i, false, &ret->lock, e);
        return r < 0 ? r : machine_tree_open(h, s, &i, &ret->tree, e);
}

int machine_diff(const MachineHost *h, const char *name, const char *from, const char *to, MachineDiff *ret, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(state_done) State before = STATE_NONE;
        _cleanup_(state_done) State after = STATE_NONE;
        int r = machine_check_name(name, e);

        *ret = (MachineDiff){0};
        if (r >= 0)
                r = store_open(h->machines_dir, &s, e);
        if (r >= 0)
                r = open_state(s, h, name, from, &before, e);
        if (r >= 0)
                r = open_state(s, h, name, to, &after, e);
        if (r < 0)
                return r;
        const int trees[] = {before.tree.fd, after.tree.fd};
        r = compare_trees(trees, ret, e);
        if (r >= 0)
                r = diff_packages(h, trees, ret, e);
        if (r < 0)
                machine_diff_done(ret);
        return r;
}

void machine_diff_done(MachineDiff *d)
{
        for (size_t i = 0; i < d->files.n; i++)
                free(d->files.items[i].path);
        for (size_t i = 0; i < d->packages.n; i++) {
                free(d->packages.items[i].name);
                free(d->packages.items[i].from);
                free(d->packages.items[i].to);
        }
        free(d->files.items);
        free(d->packages.items);
        *d = (MachineDiff){0};
}
