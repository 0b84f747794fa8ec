/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "sys/copy-private.h"

/* Trees of any depth: no recursion, and only the directory at hand is open on either side. The way back is "..", believed only
 * when it is the directory we came from. */

typedef struct Names {
        char **items;
        size_t n;
} Names;

typedef struct Level {
        Names children;  /* directories still to be copied, the next one last */
        struct statx sx; /* of the source; applied when the level is left, as our own writing changes the times */
        dev_t dev;       /* of the copy */
        ino_t ino;
        size_t path_len; /* of the parent's path */
        bool there;      /* before: it keeps its owner and mode */
} Level;

typedef struct Copy {
        Level *items;
        size_t n;
        int from, to; /* directories of the last level */
        int top;      /* of the copy */
        bool into;    /* whose top is there already */
        dev_t top_dev;
        ino_t top_ino;
        Buf path; /* of the last level, relative to the top, "" there */
        CopyLinks links;
        CopyFile file;
        uint64_t bytes, count;
        const Events *events;
        Error *e;
} Copy;

#define PROGRESS_EVERY 512 /* entries */

static void level_done(Level *l)
{
        for (size_t i = 0; i < l->children.n; i++)
                free(l->children.items[i]);
        free(l->children.items);
}

static void copy_done(Copy *c)
{
        for (size_t i = 0; i < c->n; i++)
                level_done(&c->items[i]);
        free(c->items);
        fd_close(c->from);
        fd_close(c->to);
        fd_close(c->top);
        buf_done(&c->path);
        copy_links_done(&c->links);
        copy_file_done(&c->file);
}

static int fail(Copy *c, int code, const char *name)
{
        return error_sys(c->e, code, "cannot copy '%s%s%s'", c->path.len ? c->path.data : "", c->path.len ? "/" : "", name);
}

static uint64_t device_of(const struct statx *sx)
{
        return makedev(sx->stx_dev_major, sx->stx_dev_minor);
}

static bool is_mount_point(const struct statx *sx)
{
        return (sx->stx_attributes_mask & sx->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int copy_regular(Copy *c, const char *name, const char *to_name, const struct statx *sx)
{
        /* A guest may be exchanging the file under our eyes: O_NONBLOCK for a FIFO, and a look at what was opened. */
        _cleanup_close_ int from = openat(c->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        if (from < 0 || fstat(from, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_ino != sx->stx_ino)
                return -ESTALE;
        _cleanup_close_ int to = openat(c->to, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (to < 0)
                return -errno;
        c->bytes += sx->stx_size;
        return is_mount_point(sx) && !c->file.across ? 0 : copy_file_data(&c->file, from, to, sx);
}

static int copy_symlink(Copy *c, const char *name, const char *to_name)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(c->from, name, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = '\0';
        return symlinkat(target, c->to, to_name) < 0 ? -errno : 0;
}

/* Links to the first copy. Its path may be longer than PATH_MAX: then it is walked in pieces. */
static int link_to(Copy *c, const char *first, const char *name)
{
        _cleanup_close_ int dir = -1;
        _cleanup_free_ char *copy = xstrdup(first);
        char *rest = copy;

        while (strlen(rest) >= PATH_MAX) {
                char *cut = rest + PATH_MAX - 1;
                while (*cut != '/')
                        cut--;
                *cut = '\0';
                int fd = openat(dir >= 0 ? dir : c->top, rest, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                fd_close(dir);
                dir = fd;
                rest = cut + 1;
        }
        return linkat(dir >= 0 ? dir : c->top, rest, c->to, name, 0) < 0 ? -errno : 0;
}

/* Everything but directories. */
static int copy_leaf(Copy *c, const char *name, const char *to_name, const struct statx *sx)
{
        bool shared = sx->stx_nlink > 1 && !c->file.across; /* a machine that runs may lead the way to the first astray */
        const char *first = shared ? copy_links_get(&c->links, device_of(sx), sx->stx_ino) : NULL;
        int r;

        if (c->file.across && (S_ISCHR(sx->stx_mode) || S_ISBLK(sx->stx_mode))) {
                events_warning(c->events, "'%s' is a device node and was left out", name);
                return 0;
        }
        if (c->file.across && c->file.across->replace && unlinkat(c->to, to_name, 0) < 0 && errno != ENOENT)
                return -errno;
        if (first)
                return link_to(c, first, to_name);
        if (S_ISREG(sx->stx_mode))
                r = copy_regular(c, name, to_name, sx);
        else if (S_ISLNK(sx->stx_mode))
                r = copy_symlink(c, name, to_name);
        else {
                dev_t device = makedev(sx->stx_rdev_major, sx->stx_rdev_minor);
                r = mknodat(c->to, to_name, (sx->stx_mode & S_IFMT) | 0600, device) < 0 ? -errno : 0;
        }
        if (r == 0)
                r = copy_file_metadata(&c->file, c->from, name, c->to, to_name, sx);
        if (r == 0 && shared) {
                _cleanup_free_ char *path = c->path.len ? xasprintf("%s/%s", c->path.data, name) : xstrdup(name);
                copy_links_put(&c->links, device_of(sx), sx->stx_ino, path);
        }
        return r;
}

static int copy_entry(Copy *c, const char *name)
{
        struct statx sx;

        if (statx(c->from, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &sx) < 0)
                return errno == ENOENT ? 0 : fail(c, -errno, name); /* removed meanwhile */
        if (++c->count % PROGRESS_EVERY == 0)
                events_progress(c->events, c->bytes, 0);
        if (S_ISDIR(sx.stx_mode)) {
                *vec_push(&c->items[c->n - 1].children) = xstrdup(name);
                return 0;
        }
        int r = copy_leaf(c, name, name, &sx);
        return r < 0 ? fail(c, r, name) : 0;
}

static int copy_entries(Copy *c)
{
        _cleanup_closedir_ DIR *dir = NULL;
        int r = fd_opendir(c->from, ".", &dir);

        if (r < 0)
                return fail(c, r, "");
        for (;;) {
                errno = 0;
                const struct dirent *d = readdir(dir);
                if (!d)
                        return errno ? fail(c, -errno, "") : 0;
                if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                        continue;
                r = copy_entry(c, d->d_name);
                if (r < 0)
                        return r;
        }
}

/* Makes the directory and steps into it on both sides; then its files are copied. Mount points stay empty. */
static int copy_enter(Copy *c, int from_dirfd, const char *from_name, int to_dirfd, const char *to_name)
{
        _cleanup_close_ int from = openat(from_dirfd, from_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct statx sx;
        struct stat st;
        bool top = c->n == 0;

        if (from < 0 || statx(from, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx) < 0)
                return fail(c, -errno, from_name);
        if (!top && device_of(&sx) == c->top_dev && sx.stx_ino == c->top_ino)
                return 0; /* the copy itself, made inside its source */
        bool there = top && c->into;
        if (!there && mkdirat(to_dirfd, to_name, 0700) < 0) {
                there = c->file.across && errno == EEXIST;
                if (!there)
                        return fail(c, -errno, to_name);
        }
        _cleanup_close_ int to = openat(to_dirfd, to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (to < 0 || fstat(to, &st) < 0)
                return fail(c, -errno, to_name);

        Level *l = vec_push(c);
        *l = (Level){.sx = sx, .dev = st.st_dev, .ino = st.st_ino, .path_len = c->path.len, .there = there && !c->into};
        if (top) {
                c->top_dev = st.st_dev;
                c->top_ino = st.st_ino;
                c->top = openat(to, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (c->top < 0)
                        return fail(c, -errno, "");
        } else
                buf_addf(&c->path, c->path.len ? "/%s" : "%s", from_name);
        fd_close(c->from);
        fd_close(c->to);
        c->from = TAKE_FD(from);
        c->to = TAKE_FD(to);
        return !top && is_mount_point(&sx) ? 0 : copy_entries(c);
}

static int step_up(int *fd, dev_t dev, ino_t ino)
{
        _cleanup_close_ int up = openat(*fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (up < 0 || fstat(up, &st) < 0)
                return -errno;
        if (st.st_dev != dev || st.st_ino != ino)
                return -ESTALE; /* somebody moves directories about in there */
        fd_close(*fd);
        *fd = TAKE_FD(up);
        return 0;
}

/* Finishes the last level and goes back to the one before, if there is one. */
static int copy_leave(Copy *c)
{
        Level *l = &c->items[c->n - 1];
        int r = l->there ? 0 : copy_file_metadata(&c->file, c->from, ".", c->to, ".", &l->sx);

        if (r == 0 && c->n > 1) {
                const Level *parent = l - 1;
                r = step_up(&c->from, device_of(&parent->sx), parent->sx.stx_ino);
                if (r == 0)
                        r = step_up(&c->to, parent->dev, parent->ino);
        }
        if (r < 0)
                return fail(c, r, "");
        c->path.len = l->path_len;
        if (c->path.data)
                c->path.data[c->path.len] = '\0';
        level_done(l);
        c->n--;
        return 0;
}

static int copy_tree(Copy *c, int src_dirfd, const char *src, int dst_dirfd, const char *dst)
{
        int r = copy_enter(c, src_dirfd, src, dst_dirfd, dst);

        while (r == 0 && c->n > 0) {
                Names *children = &c->items[c->n - 1].children;
                if (children->n > 0) {
                        _cleanup_free_ char *name = children->items[--children->n];
                        r = copy_enter(c, c->from, name, c->to, name);
                } else
                        r = copy_leave(c);
        }
        if (r < 0)
                return r;
        events_progress(c->events, c->bytes, c->bytes);
        if (c->file.lost_xattrs)
                events_warning(c->events,
                               "the file system of '%s' cannot hold all extended attributes of '%s'; some were left out", dst,
                               src);
        return 0;
}

int sys_copy_tree(int src_dirfd, const char *src, int dst_dirfd, const char *dst, const Events *events, Error *e)
{
        _cleanup_(copy_done) Copy c = {.from = -1, .to = -1, .top = -1, .events = events, .e = e};

        return copy_tree(&c, src_dirfd, src, dst_dirfd, dst);
}

int sys_copy_tree_into(int src_dirfd, const char *src, int dst_dirfd, const Events *events, Error *e)
{
        _cleanup_(copy_done) Copy c = {.from = -1, .to = -1, .top = -1, .into = true, .events = events, .e = e};

        return copy_tree(&c, src_dirfd, src, dst_dirfd, ".");
}

int sys_copy_across(int src_dirfd, const char *src, int dst_dirfd, const char *dst, const SysCopyAcross *how,
                    const Events *events, Error *e)
{
        _cleanup_(copy_done) Copy c = {.from = -1, .to = -1, .top = -1, .events = events, .e = e, .file.across = how};
        struct statx sx;

        if (statx(src_dirfd, src, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx) < 0)
                return fail(&c, -errno, src);
        if (S_ISDIR(sx.stx_mode))
                return copy_tree(&c, src_dirfd, src, dst_dirfd, dst);
        c.from = fcntl(src_dirfd, F_DUPFD_CLOEXEC, 3);
        c.to = fcntl(dst_dirfd, F_DUPFD_CLOEXEC, 3);
        if (c.from < 0 || c.to < 0)
                return fail(&c, -errno, src);
        int r = copy_leaf(&c, src, dst, &sx);
        return r < 0 ? fail(&c, r, dst) : 0;
}
