/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PHASE_ROOT and PHASE_INSIDE, the files: same process and rights as setup-mounts.c. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/child.h"
#include "sys/link.h"
#include "sys/open.h"
#include "sys/pty.h"

static int open_parent(const Child *c, const char *path, const char **ret_name)
{
        int fd = sys_open_parent_in_root(c->root, path, ret_name);

        if (fd != -ENOENT)
                return fd;
        _cleanup_free_ char *parent = path_dirname(path);
        int r = sys_mkdir_in_root(c->root, parent, 0755, &fd);
        if (r < 0)
                return r;
        *ret_name = path_basename(path);
        return fd;
}

int child_open_parent(Child *c, const char *path, const char **ret_name)
{
        const char *name = path_basename(path);
        const size_t len = (size_t)(name - path);

        if (c->parent >= 0 && len == c->parent_len && memcmp(path, c->parent_path, len) == 0 && *name != '\0' && *name != '.') {
                *ret_name = name;
                return c->parent;
        }
        fd_close(c->parent);
        c->parent = open_parent(c, path, ret_name);
        c->parent_path = path;
        c->parent_len = len;
        return c->parent;
}

int step_mkdir(Child *c, const PlanOp *op, Error *e)
{
        const char *name;
        const int parent = child_open_parent(c, op->path, &name);

        if (parent < 0)
                return parent;
        if (mkdirat(parent, name, op->mode) < 0 && errno != EEXIST)
                return -errno;
        return 0;
}

int step_symlink(Child *c, const PlanOp *op, Error *e)
{
        const char *name;
        const int parent = child_open_parent(c, op->path, &name);

        if (parent < 0)
                return parent;
        return symlinkat(op->source, parent, name) < 0 && errno != EEXIST ? -errno : 0;
}

int step_file(Child *c, const PlanOp *op, Error *e)
{
        const char *name;
        const int parent = child_open_parent(c, op->path, &name);
        const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

        if (parent < 0)
                return parent;
        _cleanup_close_ int fd = openat(parent, name, flags, op->mode);
        if (fd < 0 && errno == ELOOP && unlinkat(parent, name, 0) >= 0) /* a symbolic link of the image: replaced, not followed */
                fd = openat(parent, name, flags, op->mode);
        if (fd < 0)
                return -errno;
        return fd_write_all(fd, op->text, op->value > 0 ? op->value : strlen(op->text));
}

static bool is_symlink(int parent, const char *name)
{
        struct stat st;

        return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode);
}

/* What is there is replaced, never written into: it may be a link, or be read just now. */
int step_copy(Child *c, const PlanOp *op, Error *e)
{
        static const char temporary[] = ".#berth-copy";
        const char *name;
        _cleanup_close_ int tree = TAKE_FD(c->slots[op->slot]); /* a file; O_PATH */
        _cleanup_close_ int from = open(fd_path(tree).s, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (from < 0)
                return -errno;
        const int parent = child_open_parent(c, op->path, &name);
        char buffer[4096];
        ssize_t n = 0;
        int r = 0;

        if (parent < 0)
                return parent;
        if (op->keep_symlink && is_symlink(parent, name))
                return 0;
        (void)unlinkat(parent, temporary, 0);
        _cleanup_close_ int to = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, op->mode);
        if (to < 0)
                return -errno;
        while (r >= 0 && (n = fd_read_full(from, buffer, sizeof(buffer))) > 0)
                r = fd_write_all(to, buffer, (size_t)n);
        if (r >= 0 && n < 0)
                r = (int)n;
        if (r >= 0 && renameat(parent, temporary, parent, name) < 0)
                r = -errno;
        if (r < 0)
                (void)unlinkat(parent, temporary, 0);
        return r;
}

int step_mknod(Child *c, const PlanOp *op, Error *e)
{
        const char *name;
        const int parent = child_open_parent(c, op->path, &name);

        if (parent < 0)
                return parent;
        return mknodat(parent, name, op->mode, 0) < 0 && errno != EEXIST ? -errno : 0;
}

int step_remove(Child *c, const PlanOp *op, Error *e)
{
        const char *name;
        _cleanup_close_ int parent = sys_open_parent_in_root(c->root, op->path, &name);

        if (parent < 0)
                return parent == -ENOENT ? 0 : parent;
        return unlinkat(parent, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

int step_notify_socket(Child *c, const PlanOp *op, Error *e)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const int on = 1;
        const char *name;
        const int parent = child_open_parent(c, op->path, &name);
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (parent < 0)
                return parent;
        if (fd < 0)
                return -errno;
        if (strlen(name) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, name); /* relative: the working directory is free to use until the pivot */
        if (fchdir(parent) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            fchmodat(parent, name, op->mode ?: 0666, 0) < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
                return -errno;
        return child_hand_over(c, MESSAGE_FD_NOTIFY, &fd);
}

/* The pty comes from the machine's own devpts, so that its name is valid inside, and nothing of the host's is. */
int step_console(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int devpts = sys_open_in_root(c->root, "/dev/pts", O_PATH | O_DIRECTORY, 0), master = -1;
        _cleanup_free_ char *number = NULL;
        char target[32];
        const char *name;

        if (devpts < 0)
                return devpts;
        int r = sys_pty_new(devpts, &master, &number);
        if (r < 0)
                return r;
        c->tty = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (c->tty < 0)
                return -errno;
        const int parent = child_open_parent(c, op->path, &name);
        if (parent < 0)
                return parent;
        snprintf(target, sizeof(target), "pts/%s", number);
        if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
                return -errno;
        if (symlinkat(target, parent, name) < 0)
                return -errno;
        return child_hand_over(c, MESSAGE_FD_CONSOLE, &master);
}

int step_hostname(Child *c, const PlanOp *op, Error *e)
{
        return sethostname(op->text, strlen(op->text)) < 0 ? -errno : 0;
}

int step_link_up(Child *c, const PlanOp *op, Error *e)
{
        return sys_link_up(op->text, e);
}

int step_write(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int fd = sys_open_in_root(c->root, op->path, O_WRONLY | O_NOCTTY, 0);

        return fd < 0 ? fd : fd_write_all(fd, op->text, strlen(op->text));
}
