/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/libc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define ID_BYTES  16
#define ID_DIGITS (2 * ID_BYTES)

/* How a stack's symlink to a shared layer begins, by the directory that the stack lies in. */
static const char *const link_prefixes[] = {"../" STORE_LAYERS "/", "../../layers/", "../../../layers/"};

static const char *link_prefix(const char *dir)
{
        if (str_eq(dir, "."))
                return link_prefixes[0];
        return str_eq(dir, STORE_IMAGES) ? link_prefixes[1] : link_prefixes[2];
}

static const char *link_to_id(const char *target)
{
        for (size_t i = 0; i < ELEMENTSOF(link_prefixes); i++) {
                const char *id = str_startswith(target, link_prefixes[i]);
                if (id && str_is_hex(id, ID_DIGITS))
                        return id;
        }
        return NULL;
}

static int read_link(int dirfd, const char *name, char **ret)
{
        char target[4096];
        ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

        if (n < 0)
                return -errno;
        if ((size_t)n == sizeof(target))
                return -ENAMETOOLONG;
        *ret = xstrndup(target, (size_t)n);
        return 0;
}

void layer_new_id(char ret[static 33])
{
        uint8_t random[ID_BYTES];

        hash_random(random, sizeof(random));
        hash_hex(random, sizeof(random), ret);
}

char *layer_path(const char *id)
{
        return path_join(STORE_LAYERS, id);
}

void stack_done(Stack *s)
{
        for (size_t i = 0; i < s->n; i++) {
                free(s->items[i].entry);
                free(s->items[i].id);
                free(s->items[i].target);
        }
        free(s->items);
        *s = (Stack){0};
}

static int by_version(const void *a, const void *b)
{
        return strverscmp(((const StackLayer *)a)->entry, ((const StackLayer *)b)->entry);
}

static int load_layer(int dirfd, const char *entry, Stack *stack)
{
        _cleanup_free_ char *target = NULL;
        int r = read_link(dirfd, entry, &target);

        if (r < 0 && r != -EINVAL)
                return r;
        StackLayer *l = vec_push(stack);
        l->entry = xstrdup(entry);
        const char *id = target ? link_to_id(target) : NULL;
        if (id)
                l->id = xstrdup(id);
        else
                l->target = TAKE_PTR(target);
        return 0;
}

int stack_load(int dirfd, const char *path, Stack *ret, Error *e)
{
        _cleanup_(stack_done) Stack stack = {0};
        _cleanup_strv_ char **names = NULL;
        int r = dir_entries(dirfd, ".", &names);

        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", path);
        STRV_FOREACH (name, names) {
                if (**name == '.')
                        continue;
                if (str_eq(*name, "rw")) {
                        stack.writable = true;
                        continue;
                }
                if (!str_startswith(*name, "layer@") || str_endswith(*name, ".raw") || str_endswith(*name, ".v"))
                        return error_set(e, -EOPNOTSUPP, "'%s' has '%s', which is not supported yet (only layer@N and rw are)",
                                         path, *name);
                r = load_layer(dirfd, *name, &stack);
                if (r < 0)
                        return error_sys(e, r, "cannot read '%s/%s'", path, *name);
        }
        if (stack.n == 0)
                return error_set(e, -EINVAL, "'%s' has no layers", path);
        qsort(stack.items, stack.n, sizeof(*stack.items), by_version);
        *ret = stack;
        stack = (Stack){0};
        return 0;
}

void stack_push(Stack *s, const char *id)
{
        StackLayer *l = vec_push(s);

        l->id = xstrdup(id);
}

int stack_write(const Work *w, const char *name, const Stack *stack, const char *dir)
{
        if (mkdirat(w->fd, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        _cleanup_close_ int fd = openat(w->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        for (size_t i = 0; i < stack->n; i++) {
                const StackLayer *l = &stack->items[i];
                _cleanup_free_ char *entry = xasprintf("layer@%zu", i);
                _cleanup_free_ char *target = l->id ? path_join(link_prefix(dir), l->id) : xstrdup(l->target);
                if (symlinkat(target, fd, entry) < 0 && errno != EEXIST)
                        return -errno;
        }
        return 0;
}

static int add_stack(int dirfd, const char *path, char ***ids)
{
        _cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_strv_ char **names = NULL;

        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        int r = dir_entries(fd, ".", &names);
        STRV_FOREACH (name, names) {
                _cleanup_free_ char *target = NULL;
                if (!str_startswith(*name, "layer@") || read_link(fd, *name, &target) < 0)
                        continue;
                const char *id = link_to_id(target);
                if (id)
                        strv_push(ids, id);
        }
        return r;
}

/* All stacks in a directory of them. */
static int add_stacks(Store *s, const char *dir, char ***ids)
{
        _cleanup_strv_ char **names = NULL;
        int r = dir_entries(s->root_fd, dir, &names);

        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = path_join(dir, *name);
                if (r == 0 && str_endswith(*name, ".mstack"))
                        r = add_stack(s->root_fd, path, ids);
        }
        return r;
}

static int add_snapshots(Store *s, char ***ids)
{
        _cleanup_strv_ char **machines = NULL;
        int r = dir_entries(s->root_fd, STORE_SNAPSHOTS, &machines);

        STRV_FOREACH (machine, machines) {
                _cleanup_free_ char *dir = path_join(STORE_SNAPSHOTS, *machine);
                if (r == 0)
                        r = add_stacks(s, dir, ids);
        }
        return r;
}

static int add_work(Store *s, char ***ids)
{
        _cleanup_strv_ char **names = NULL;
        int r = dir_entries(s->root_fd, STORE_WORK, &names);

        STRV_FOREACH (name, names) {
                _cleanup_free_ char *path = path_join(STORE_WORK, *name);
                _cleanup_close_ int fd = openat(s->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
                        continue; /* nobody works at it: debris */
                if (r == 0)
                        r = add_stack(fd, WORK_NEW, ids);
        }
        return r;
}

/* IDs that machines, snapshots, images and (in_work) running transactions use, sorted. */
static int layers_in_use(Store *s, bool in_work, char ***ret)
{
        _cleanup_strv_ char **ids = NULL;
        int r = add_stacks(s, ".", &ids);

        if (r == 0)
                r = add_stacks(s, STORE_IMAGES, &ids);
        if (r == 0)
                r = add_snapshots(s, &ids);
        if (r == 0 && in_work)
                r = add_work(s, &ids);
        if (r < 0)
                return r;
        strv_sort(ids);
        *ret = TAKE_PTR(ids);
        return 0;
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_among(char *const *sorted, size_t n, const char *id)
{
        return n > 0 && bsearch(&id, sorted, n, sizeof(*sorted), by_name);
}

int layers_unused(Store *s, char ***ret)
{
        _cleanup_strv_ char **used = NULL, **layers = NULL;
        int r = layers_in_use(s, true, &used);

        if (r == 0)
                r = dir_entries(s->root_fd, STORE_LAYERS, &layers);
        size_t n = strv_len(used);
        STRV_FOREACH (id, layers)
                if (r == 0 && str_is_hex(*id, ID_DIGITS) && !is_among(used, n, *id))
                        strv_push(ret, *id);
        return r;
}

int layers_collect(Store *s, const Work *w)
{
        _cleanup_strv_ char **used = NULL, **layers = NULL;
        int r = layers_in_use(s, true, &used);

        if (r == 0)
                r = dir_entries(s->root_fd, STORE_LAYERS, &layers);
        size_t n = strv_len(used);
        STRV_FOREACH (id, layers) {
                _cleanup_free_ char *path = layer_path(*id);
                if (r == 0 && str_is_hex(*id, ID_DIGITS) && !is_among(used, n, *id) && renameat(s->root_fd, path, w->fd, *id) < 0)
                        r = -errno;
        }
        return r;
}

/* The promise of overlay's freeze() is a symlink in place of a layer. If a stack has come to use it, it is kept, by the same exchange that
 * freeze() was about to do; else freeze() never came to its decisive step, and nothing is lost. */
static int settle_layer(Store *s, const char *id, bool used)
{
        _cleanup_free_ char *path = layer_path(id), *target = NULL;
        int r = read_link(s->root_fd, path, &target);

        if (r < 0)
                return r == -EINVAL ? 0 : r; /* a directory: nothing to settle */
        if (!used)
                return unlinkat(s->root_fd, path, 0) < 0 ? -errno : 0;
        _cleanup_close_ int layers = openat(s->root_fd, STORE_LAYERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (layers < 0)
                return -errno;
        return renameat2(layers, target, layers, id, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int layers_settle(Store *s)
{
        _cleanup_strv_ char **used = NULL, **layers = NULL;
        int r = layers_in_use(s, false, &used);

        if (r == 0)
                r = dir_entries(s->root_fd, STORE_LAYERS, &layers);
        size_t n = strv_len(used);
        STRV_FOREACH (id, layers) {
                if (r == 0)
                        r = settle_layer(s, *id, is_among(used, n, *id));
        }
        return r;
}
