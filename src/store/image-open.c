/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "store/driver.h"
#include "sys/open.h"
#include "sys/userns.h"

/* Reads through a stack of overlayfs layers as the kernel's ovl_lookup() does, without a mount. A path is looked up in one layer after
 * the other, topmost first: what is found first counts; a whiteout, an opaque directory or a file on the way ends the search; a redirect
 * changes the path for the layers below. Symlinks are followed by us, since a target may lie in any layer. */

#define SYMLINKS_MAX 40
#define XATTR_MAX    4096

typedef enum Step { STEP_FOUND, STEP_NEXT_LAYER, STEP_END } Step;

typedef struct Lookup {
        char **path;     /* components, as the next layer knows them */
        size_t unmerged; /* trailing components that no layer above has as a directory: only these may be something else here */
        bool last_layer;
        int found; /* O_PATH descriptor */
} Lookup;

static ssize_t overlay_xattr(int fd, const char *name, char value[static XATTR_MAX])
{
        _cleanup_free_ char *full = xasprintf("%s.overlay.%s", sys_userns_is_initial() ? "trusted" : "user", name);
        ssize_t n = getxattr(fd_path(fd).s, full, value, XATTR_MAX - 1); /* fgetxattr() refuses O_PATH */

        if (n >= 0)
                value[n] = '\0';
        return n;
}

static bool is_whiteout(int fd, const struct stat *st)
{
        char value[XATTR_MAX];

        if (S_ISCHR(st->st_mode))
                return st->st_rdev == makedev(0, 0);
        return S_ISREG(st->st_mode) && st->st_size == 0 && overlay_xattr(fd, "whiteout", value) >= 0;
}

static bool is_opaque(int fd)
{
        char value[XATTR_MAX];

        return overlay_xattr(fd, "opaque", value) == 1 && value[0] == 'y'; /* "x" only announces whiteouts that are files */
}

/* The layers below know the first n components of the path by another name. */
static void redirect(Lookup *l, size_t n, int fd)
{
        char value[XATTR_MAX];

        if (overlay_xattr(fd, "redirect", value) <= 0)
                return;
        char **path = value[0] == '/' ? strv_split(value, "/") : NULL;
        for (size_t i = 0; value[0] != '/' && i + 1 < n; i++)
                strv_push(&path, l->path[i]);
        if (value[0] != '/')
                strv_push(&path, value);
        strv_extend(&path, l->path + n);
        strv_free(l->path);
        l->path = path;
}

/* A regular file may have its content in a layer below ("metacopy"), where a redirect tells its path. */
static bool is_without_content(int fd, const struct stat *st)
{
        char value[XATTR_MAX];

        return S_ISREG(st->st_mode) && overlay_xattr(fd, "metacopy", value) >= 0;
}

/* A component that is no directory. `left`: how many components follow. */
static Step look_at_file(Lookup *l, int *fd, size_t left)
{
        struct stat st;

        if (fstat(*fd, &st) < 0 || is_whiteout(*fd, &st) || left > 0 || l->unmerged == 0)
                return STEP_END;
        if (!l->last_layer && is_without_content(*fd, &st)) {
                redirect(l, strv_len(l->path), *fd);
                return STEP_NEXT_LAYER;
        }
        l->found = TAKE_FD(*fd);
        return STEP_FOUND;
}

/* All components but the last are known to be directories of the merged tree. */
static Step lookup_in_layer(Lookup *l, const char *layer)
{
        _cleanup_close_ int at = open(layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
        _cleanup_strv_ char **path = strv_copy(l->path);
        size_t total = strv_len(path);
        bool opaque = false;

        for (size_t n = 0; n < total; n++) {
                size_t left = total - n - 1;
                _cleanup_close_ int fd = openat(at, path[n], O_PATH | O_NOFOLLOW | O_CLOEXEC);
                struct stat st;
                if (fd < 0 || fstat(fd, &st) < 0)
                        return opaque ? STEP_END : STEP_NEXT_LAYER;
                if (!S_ISDIR(st.st_mode))
                        return look_at_file(l, &fd, left);
                l->unmerged = MIN(l->unmerged, left);
                if (!l->last_layer) { /* both are about what lies below */
                        opaque = opaque || is_opaque(fd);
                        redirect(l, strv_len(l->path) - left, fd);
                }
                fd_close(at);
                at = TAKE_FD(fd);
        }
        l->found = TAKE_FD(at);
        return l->found < 0 ? STEP_NEXT_LAYER : STEP_FOUND;
}

static int lookup(char *const *layers, char *const *path)
{
        Lookup l = {.path = strv_copy(path), .unmerged = strv_len(path), .found = -1};
        Step step = STEP_NEXT_LAYER;

        for (size_t i = 0; layers[i] && step == STEP_NEXT_LAYER; i++) {
                l.last_layer = !layers[i + 1];
                step = lookup_in_layer(&l, layers[i]);
        }
        strv_free(l.path);
        return step == STEP_FOUND ? l.found : -ENOENT;
}

static void drop_last(char **v)
{
        size_t n = strv_len(v);

        if (n > 0)
                free(TAKE_PTR(v[n - 1]));
}

/* Puts the target of the symlink that `done` ends with in front of `todo`. */
static int follow(int fd, char ***done, char ***todo)
{
        char target[4096];
        ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        drop_last(*done);
        if (target[0] == '/')
                *done = strv_free(*done);
        char **rest = strv_split(target, "/");
        strv_extend(&rest, *todo);
        strv_free(*todo);
        *todo = rest;
        return 0;
}

static char *take_first(char **v)
{
        char *first = v[0];

        for (size_t i = 0; v[i]; i++)
                v[i] = v[i + 1];
        return first;
}

/* All of it at once, as most paths have no link on the way: on the way of what is found this way there is none. */
static int lookup_straight(char *const *layers, char *const *path, bool follow_last)
{
        struct stat st;

        if (strv_contains(path, "..") || strv_contains(path, "."))
                return -ENOENT;
        _cleanup_close_ int fd = lookup(layers, path);
        if (fd < 0 || !follow_last)
                return TAKE_FD(fd);
        return fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode) ? TAKE_FD(fd) : -ENOENT;
}

/* An O_PATH descriptor of what is at path in the merged tree. */
/* ret_path: where it is, without links. */
static int resolve(char *const *layers, const char *path, bool follow_last, char ***ret_path)
{
        _cleanup_strv_ char **todo = strv_split(path, "/"), **done = NULL;
        _cleanup_close_ int at = lookup_straight(layers, todo, follow_last);
        unsigned links = 0;

        if (at >= 0) {
                if (ret_path)
                        *ret_path = TAKE_PTR(todo);
                return TAKE_FD(at);
        }
        at = lookup(layers, NULL);

        while (at >= 0 && strv_len(todo) > 0) {
                _cleanup_free_ char *name = take_first(todo);
                struct stat st;
                if (str_eq(name, "."))
                        continue;
                if (str_eq(name, ".."))
                        drop_last(done);
                else
                        strv_push(&done, name);
                fd_close(at);
                at = lookup(layers, done);
                if (at < 0 || fstat(at, &st) < 0)
                        return at < 0 ? TAKE_FD(at) : -errno;
                bool last = strv_len(todo) == 0;
                if (S_ISLNK(st.st_mode) && (!last || follow_last)) {
                        int r = ++links > SYMLINKS_MAX ? -ELOOP : follow(at, &done, &todo);
                        if (r < 0)
                                return r;
                        fd_close(at);
                        at = lookup(layers, done); /* a target like "/" has no component that would do it */
                } else if (!S_ISDIR(st.st_mode) && !last)
                        return -ENOTDIR;
        }
        if (at >= 0 && ret_path)
                *ret_path = TAKE_PTR(done);
        return TAKE_FD(at);
}

/* Only files and directories: to open a device or a pipe is to act on it. Through /proc, so that what was looked at is what is opened. */
static int reopen(int fd, int flags)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return -EINVAL;
        int opened = open(fd_path(fd).s, (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return opened < 0 ? -errno : opened;
}

/* Topmost first; a plain tree is the one layer there is. */
static char **all_layers(const StoreImage *i)
{
        const char *top = i->directory ?: i->upper;
        char **layers = NULL;

        if (top)
                strv_push(&layers, top);
        strv_extend(&layers, i->layers);
        return layers;
}

int image_resolve(const StoreImage *i, const char *path, int flags, char ***ret)
{
        _cleanup_strv_ char **layers = all_layers(i);
        _cleanup_close_ int fd = layers ? resolve(layers, path, !(flags & O_NOFOLLOW), ret) : -ENOENT;

        return fd < 0 ? fd : 0;
}

static int open_path(const StoreImage *i, const char *path, int flags)
{
        if (i->directory) {
                _cleanup_close_ int root = open(i->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
                return root < 0 ? -errno : sys_open_in_root(root, path, O_PATH | (flags & O_NOFOLLOW), 0);
        }
        _cleanup_strv_ char **layers = all_layers(i);
        return layers ? resolve(layers, path, !(flags & O_NOFOLLOW), NULL) : -ENOENT;
}

int store_image_open(const StoreImage *i, const char *path, int flags)
{
        if (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) /* not O_ACCMODE: some C libraries count O_PATH in */
                return -EINVAL;
        _cleanup_close_ int fd = open_path(i, path, flags);
        if (fd < 0 || (flags & O_PATH))
                return TAKE_FD(fd);
        return reopen(fd, flags);
}

/* What the layers have there, as far as it shows through those above. */
int store_image_names(const StoreImage *i, const char *path, char ***ret)
{
        _cleanup_strv_ char **layers = all_layers(i), **where = NULL, **all = NULL, **names = NULL;
        int r = image_resolve(i, path, 0, &where);
        _cleanup_free_ char *dir = strv_join(where, "/");

        STRV_FOREACH (layer, layers) {
                _cleanup_close_ int root = open(*layer, O_PATH | O_DIRECTORY | O_CLOEXEC);
                _cleanup_close_ int fd =
                                r < 0 || root < 0 ? -1 : sys_open_in_root(root, dir[0] ? dir : ".", O_RDONLY | O_DIRECTORY, 0);
                _cleanup_strv_ char **here = NULL;
                if (fd >= 0 && dir_entries(fd, ".", &here) == 0)
                        strv_extend(&all, here);
        }
        strv_sort(all);
        STRV_FOREACH (name, all) {
                _cleanup_free_ char *full = xasprintf("/%s/%s", dir, *name);
                _cleanup_close_ int fd = strv_contains(names, *name) ? -1 : store_image_open(i, full, O_PATH | O_NOFOLLOW);
                if (fd >= 0)
                        strv_push(&names, *name);
        }
        *ret = TAKE_PTR(names);
        return r == -ENOENT ? 0 : r;
}
