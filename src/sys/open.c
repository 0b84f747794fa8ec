/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "sys/open-private.h"

#define LINKS_MAX 40 /* as the kernel's own limit */

/* The directories from the root to the one at hand. ".." goes back along this list and not by the file system's "..", which leads
 * out of the root as soon as somebody moves a directory there. */
typedef struct Walk {
        int *items;
        size_t n;
        int rootfd;
        unsigned links;
        char *rest; /* still to be resolved */
} Walk;

static void walk_done(Walk *w)
{
        while (w->n > 0)
                fd_close(w->items[--w->n]);
        free(w->items);
        free(w->rest);
}

static int walk_fd(const Walk *w)
{
        return w->n > 0 ? w->items[w->n - 1] : w->rootfd;
}

static void walk_up(Walk *w, bool to_root)
{
        while (w->n > 0) {
                fd_close(w->items[--w->n]);
                if (!to_root)
                        return;
        }
}

/* Puts the target of the link at fd before what is left of the path. */
static int walk_link(Walk *w, int fd, const char *rest)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        if (++w->links > LINKS_MAX)
                return -ELOOP;
        target[n] = '\0';
        if (path_is_absolute(target))
                walk_up(w, true);
        char *joined = xasprintf("%s%s", target, rest); /* rest is empty or begins with a slash */
        free(w->rest);
        w->rest = joined;
        return 0;
}

static int open_component(int dirfd, const char *name, mode_t make)
{
        int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0 || errno != ENOENT || make == 0)
                return fd < 0 ? -errno : fd;
        if (mkdirat(dirfd, name, make) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* One step: -EAGAIN means that there is more to do, else it is the result. */
static int walk_step(Walk *w, int flags, mode_t mode, mode_t make)
{
        char *name = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(name, "/");
        _cleanup_free_ char *rest = xstrdup(name + n);
        bool last = rest[strspn(rest, "/")] == '\0';
        struct stat st;

        if (n == 0 || (last && n == 1 && name[0] == '.')) {
                int fd = openat(walk_fd(w), ".", (flags & ~(O_CREAT | O_EXCL)) | O_CLOEXEC, mode);
                return fd < 0 ? -errno : fd;
        }
        name[n] = '\0';
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
                if (n == 2)
                        walk_up(w, false);
                memmove(w->rest, rest, strlen(rest) + 1);
                return -EAGAIN;
        }

        bool exclusive = last && (flags & O_CREAT) && (flags & O_EXCL);
        _cleanup_close_ int fd = exclusive ? -ENOENT : open_component(walk_fd(w), name, make);
        if (fd == -ENOENT && last && (flags & O_CREAT)) {
                int made = *rest ? (errno = EISDIR, -1) : openat(walk_fd(w), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
                return made < 0 ? -errno : made;
        }
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode) && !(last && !*rest && (flags & O_NOFOLLOW))) {
                int r = walk_link(w, fd, rest);
                return r < 0 ? r : -EAGAIN;
        }
        if (!last || *rest) {
                if (!S_ISDIR(st.st_mode))
                        return -ENOTDIR;
                *(int *)vec_push(w) = TAKE_FD(fd);
                memmove(w->rest, rest, strlen(rest) + 1);
                return -EAGAIN;
        }
        int result = openat(walk_fd(w), name, (flags & ~(O_CREAT | O_EXCL)) | O_NOFOLLOW | O_CLOEXEC, mode);
        return result < 0 ? -errno : result;
}

int open_in_root_walk(int rootfd, const char *path, int flags, mode_t mode, mode_t make)
{
        _cleanup_(walk_done) Walk w = {.rootfd = rootfd, .rest = xstrdup(path)};
        int r;

        if (!*path)
                return -ENOENT;
        do
                r = walk_step(&w, flags, mode, make);
        while (r == -EAGAIN);
        return r;
}

int sys_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
        struct open_how how = {
                        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                        .mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0,
                        .resolve = RESOLVE_IN_ROOT,
        };

        for (unsigned tries = 0; tries < 32; tries++) { /* EAGAIN: something was renamed while a ".." was resolved */
                long fd = syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
                if (fd >= 0)
                        return (int)fd;
                if (errno == ENOSYS || errno == EPERM)
                        break;
                if (errno != EAGAIN)
                        return -errno;
        }
        return open_in_root_walk(rootfd, path, flags, mode, 0);
}

int sys_mkdir_in_root(int rootfd, const char *path, mode_t mode, int *ret_fd)
{
        int fd = sys_open_in_root(rootfd, path, O_PATH | O_DIRECTORY, 0);

        if (fd == -ENOENT && *path)
                fd = open_in_root_walk(rootfd, path, O_PATH | O_DIRECTORY, 0, mode);
        if (fd < 0)
                return fd;
        if (ret_fd)
                *ret_fd = fd;
        else
                fd_close(fd);
        return 0;
}

int sys_open_parent_in_root(int rootfd, const char *path, const char **ret_name)
{
        size_t n = strlen(path);

        while (n > 0 && path[n - 1] == '/')
                n--;
        size_t end = n;
        while (n > 0 && path[n - 1] != '/')
                n--;
        if (end == n || (end - n == 1 && path[n] == '.') || (end - n == 2 && path[n] == '.' && path[n + 1] == '.'))
                return -EINVAL; /* "/", "." and ".." are no names */

        _cleanup_free_ char *parent = n == 0 ? xstrdup(".") : xstrndup(path, n);
        int fd = sys_open_in_root(rootfd, parent, O_PATH | O_DIRECTORY, 0);
        if (fd >= 0)
                *ret_name = path + n;
        return fd;
}
