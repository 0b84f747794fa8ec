/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PHASE_ROOT, the mounts: PID 1, in all its new namespaces, with every capability over its user namespace and none outside. Nothing is
 * opened by a path of the host: all paths are resolved below the new root, whose content is not trusted. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/libc.h"
#include "base/strv.h"
#include "engine/child.h"
#include "sys/copy.h"
#include "sys/mount.h"
#include "sys/open.h"

/* MS_SHARED, MNT_DETACH, UMOUNT_NOFOLLOW: <sys/mount.h> and <linux/mount.h> do not go together everywhere. */
#define PROPAGATION_SHARED (1U << 20)
#define UNMOUNT_DETACH     2
#define UNMOUNT_NOFOLLOW   8

static bool is_directory(int fd)
{
        struct stat st;

        return fstat(fd, &st) >= 0 && S_ISDIR(st.st_mode);
}

static int make_file(Child *c, const char *path)
{
        const int flags = O_CREAT | O_WRONLY | O_NOCTTY | O_NONBLOCK;
        int fd = sys_open_in_root(c->root, path, flags, 0644);

        if (fd != -ENOENT)
                return fd;
        _cleanup_free_ char *parent = path_dirname(path);
        int r = sys_mkdir_in_root(c->root, parent, 0755, NULL);
        return r < 0 ? r : sys_open_in_root(c->root, path, flags, 0644);
}

static int make_directory(Child *c, const char *path)
{
        const char *name;
        int parent = child_open_parent(c, path, &name), fd = -ENOENT;

        if (parent >= 0 && mkdirat(parent, name, 0755) >= 0)
                fd = sys_open_in_root(c->root, path, O_PATH, 0);
        if (fd != -ENOENT)
                return fd;
        int r = sys_mkdir_in_root(c->root, path, 0755, &fd); /* a link that leads to nothing yet, or there is no name */
        return r < 0 ? r : fd;
}

/* The mount point at path for the tree, made as `node` says when it is missing. */
static int open_target(Child *c, int tree, const char *path, PlanNode node, bool no_follow)
{
        int fd = sys_open_in_root(c->root, path, O_PATH | (no_follow ? O_NOFOLLOW : 0), 0);

        if (fd != -ENOENT || node == NODE_NONE)
                return fd;
        if (node == NODE_SAME)
                node = is_directory(tree) ? NODE_DIRECTORY : NODE_FILE;
        return node == NODE_FILE ? make_file(c, path) : make_directory(c, path);
}

static int attach_at(Child *c, int tree, const char *path, PlanNode node)
{
        _cleanup_close_ int target = open_target(c, tree, path, node, false);

        return target < 0 ? target : sys_mount_attach(tree, target, "");
}

static int attach_for(Child *c, int tree, const PlanOp *op)
{
        _cleanup_close_ int target = open_target(c, tree, op->path, op->node, op->no_follow);

        return target < 0 ? target : sys_mount_attach(tree, target, "");
}

/* A link of the host stays one: made anew, not mounted. */
static int attach_symlink(const Child *c, int tree, const char *path)
{
        _cleanup_free_ char *directory = path_dirname(path);
        _cleanup_close_ int parent = -1;
        char text[4096];
        ssize_t n = readlinkat(tree, "", text, sizeof(text) - 1);

        if (n < 0)
                return -errno;
        text[n] = '\0';
        int r = sys_mkdir_in_root(c->root, directory, 0755, &parent);
        if (r < 0)
                return r;
        return symlinkat(text, parent, path_basename(path)) < 0 && errno != EEXIST ? -errno : 0;
}

static bool is_link(int fd)
{
        struct stat st;

        return fstat(fd, &st) >= 0 && S_ISLNK(st.st_mode);
}

static int take_slot(Child *c, const PlanOp *op, Error *e)
{
        if (op->slot < 0 || op->slot >= c->plan->n_slots)
                return error_set(e, -EINVAL, "the plan attaches a tree from slot %d of %d", op->slot, c->plan->n_slots);
        return c->slots[op->slot] < 0 ? -ENOENT : TAKE_FD(c->slots[op->slot]);
}

int step_attach_root(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int tree = take_slot(c, op, e);
        if (tree < 0)
                return tree;
        /* It only has to be somewhere in this mount namespace to be a place where mounts can be attached: on top of the old root, which
         * nothing looks up by path from here on. */
        int r = op->path ? sys_mount_attach(tree, AT_FDCWD, op->path) : -EACCES;
        if (r == -EACCES) /* nowhere in particular, or the machine's root may not go there */
                r = sys_mount_attach(tree, AT_FDCWD, "/");
        if (r < 0)
                return r;
        c->root = TAKE_FD(tree);
        return 0;
}

/* KEY=VALUE words as options; `keys` is the caller's room for the keys. */
typedef struct MountWords {
        SysMountOption options[32];
        char keys[32][64];
        size_t n;
} MountWords;

static int split_options(MountWords *w, const PlanOp *op, Error *e)
{
        w->n = 0;
        STRV_FOREACH (s, op->options) {
                const char *equals = strchr(*s, '=');
                size_t len = equals ? (size_t)(equals - *s) : strlen(*s);

                if (w->n >= ELEMENTSOF(w->options) || len >= sizeof(w->keys[0]))
                        return error_set(e, -E2BIG, "cannot mount '%s': too many or too long options", op->path ?: "/");
                memcpy(w->keys[w->n], *s, len);
                w->keys[w->n][len] = '\0';
                w->options[w->n] = (SysMountOption){.key = w->keys[w->n], .value = equals ? equals + 1 : NULL, .fd = -1};
                w->n++;
        }
        return 0;
}

/* What is left of the image is a copy of its mount: the tree itself is attached above "/", where nobody looks any more. */
int step_root_tmpfs(Child *c, const PlanOp *op, Error *e)
{
        MountWords words;
        _cleanup_close_ int kept = op->source ? sys_open_in_root(c->root, op->source, O_PATH | O_DIRECTORY, 0) : -1, copy = -1,
                            tree = -1;
        int r = op->source && kept < 0 ? kept : split_options(&words, op, e);

        if (r >= 0 && op->source)
                r = copy = sys_mount_clone(kept, "", true);
        if (r >= 0)
                r = tree = sys_mount_new("tmpfs", "tmpfs", words.options, words.n, 0, e);
        if (r >= 0)
                r = sys_mount_attach(tree, AT_FDCWD, "/");
        if (r < 0)
                return r;
        fd_close(c->root);
        c->root = TAKE_FD(tree);
        return op->source ? attach_at(c, copy, op->source, NODE_DIRECTORY) : 0;
}

/* The directory's mounts move along; what is outside of it is gone, but for the place where the former root is wanted. */
int step_sub_root(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int directory = sys_open_in_root(c->root, op->path, O_PATH | O_DIRECTORY, 0), old = -1;
        if (directory < 0)
                return directory;
        _cleanup_close_ int tree = sys_mount_clone(directory, "", true);
        if (tree < 0)
                return tree;
        if (op->source) {
                old = sys_mount_clone(c->root, "", true);
                if (old < 0)
                        return old;
        }
        int r = sys_mount_attach(tree, AT_FDCWD, "/");
        if (r < 0)
                return r;
        fd_close(c->root);
        c->root = TAKE_FD(tree);
        return op->source ? attach_at(c, old, op->source, NODE_DIRECTORY) : 0;
}

/* A layer by its number: its path must not be looked up again. */
static int overlay_layer(const Child *c, const char *path, bool make, FdPath *ret)
{
        int fd = make ? -ENOENT : sys_open_in_root(c->root, path, O_PATH | O_DIRECTORY, 0);

        if (make) {
                int r = sys_mkdir_in_root(c->root, path, 0755, &fd);
                fd = r < 0 ? r : fd;
        }
        if (fd >= 0)
                *ret = fd_path(fd);
        return fd; /* stays open until execve(2) */
}

/* As root of its user namespace the machine may do this itself, if what overlayfs notes goes to attributes that it may set. */
static int step_overlay_mount(Child *c, const PlanOp *op, const char *lower, Error *e)
{
        SysMountOption options[4] = {{.key = "lowerdir", .value = lower, .fd = -1}};
        FdPath upper, work;
        size_t n = 1;

        if (op->upper) {
                int r = overlay_layer(c, op->upper, true, &upper);
                if (r >= 0)
                        r = overlay_layer(c, op->work, true, &work);
                if (r < 0)
                        return r;
                options[n++] = (SysMountOption){.key = "upperdir", .value = upper.s, .fd = -1};
                options[n++] = (SysMountOption){.key = "workdir", .value = work.s, .fd = -1};
        }
        if (c->plan->user_namespace)
                options[n++] = (SysMountOption){.key = "userxattr", .fd = -1};
        _cleanup_close_ int tree = sys_mount_new("overlay", "overlay", options, n, op->attrs, e);
        return tree < 0 ? error_prefix(e, tree, "'%s'", op->path) : attach_at(c, tree, op->path, op->node);
}

int step_overlay(Child *c, const PlanOp *op, Error *e)
{
        char lower[64 * sizeof(FdPath)] = "";
        size_t len = 0;

        STRV_FOREACH (l, op->lower) {
                FdPath path;
                int fd = overlay_layer(c, *l, false, &path);
                if (fd < 0)
                        return error_sys(e, fd, "cannot open the overlay's layer '%s' in the machine", *l);
                len += (size_t)snprintf(lower + len, sizeof(lower) - len, "%s%s", len > 0 ? ":" : "", path.s);
                if (len >= sizeof(lower))
                        return -E2BIG;
        }
        return step_overlay_mount(c, op, lower, e);
}

int step_attach(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int tree = take_slot(c, op, e);

        if (tree >= 0 && op->keep_symlink && is_link(tree))
                return attach_symlink(c, tree, op->path);
        return tree < 0 ? tree : attach_for(c, tree, op);
}

/* Into the new file system's top directory, which gets the mode and owner of the one that it hides. */
static int copy_up(const Child *c, const PlanOp *op, int tree, Error *e)
{
        static const char whole[] = ".#berth-copy";
        struct stat st;
        int from = sys_open_in_root(c->root, op->path, O_RDONLY | O_DIRECTORY, 0);

        if (from < 0)
                return from == -ENOENT ? 0 : from;
        _cleanup_close_ int source = from;
        int r = sys_copy_tree(source, ".", tree, whole, NULL, e);
        if (r < 0)
                return r;
        int copied = openat(tree, whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_closedir_ DIR *dir = copied < 0 ? NULL : fdopendir(copied);
        if (!dir || fstat(source, &st) < 0)
                return -errno;
        for (struct dirent *d; (d = readdir(dir));)
                if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
                    renameat(copied, d->d_name, tree, d->d_name) < 0)
                        return -errno;
        if (unlinkat(tree, whole, AT_REMOVEDIR) < 0 || fchownat(tree, ".", st.st_uid, st.st_gid, 0) < 0 ||
            fchmodat(tree, ".", st.st_mode & 07777, 0) < 0)
                return -errno;
        return 0;
}

int step_mount(Child *c, const PlanOp *op, Error *e)
{
        MountWords words;
        int r = split_options(&words, op, e);
        if (r < 0)
                return r;
        const uint64_t attrs = op->attrs | op->all_attrs, late = op->copy_up ? attrs & MOUNT_ATTR_RDONLY : 0;
        _cleanup_close_ int tree = sys_mount_new(op->fstype, op->source, words.options, words.n, attrs & ~late, e);
        if (tree < 0)
                return error_prefix(e, tree, "'%s'", op->path);
        if (op->copy_up) {
                r = copy_up(c, op, tree, e);
                if (r >= 0 && late)
                        r = sys_mount_setattr(tree, "", false, late, 0, 0, -1);
                if (r < 0)
                        return r;
        }
        return attach_for(c, tree, op);
}

#define WHOLE ".berth" /* in the way of no part */

static int attach_part(int tree, int dir, const char *name)
{
        _cleanup_close_ int part = sys_mount_clone(tree, name, false);

        if (part < 0)
                return part == -ENOENT ? 0 : part;
        if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        return sys_mount_attach(part, dir, name);
}

static int attach_parts(int tree, int dir, char *const *names)
{
        int r = 0;

        STRV_FOREACH (name, names)
                if (r >= 0)
                        r = attach_part(tree, dir, *name);
        return r;
}

/* Before Linux 6.15 parts can be had only of what is mounted somewhere. Taking that away again makes the start wait for the kernel. */
static int attach_parts_of_mounted(int tree, int dir, char *const *names)
{
        if (mkdirat(dir, WHOLE, 0700) < 0)
                return -errno;
        int r = sys_mount_attach(tree, dir, WHOLE);
        if (r < 0)
                return r;
        r = attach_parts(tree, dir, names);
        /* The working directory is free to use until the pivot. */
        if (fchdir(dir) < 0 || syscall(SYS_umount2, WHOLE, UNMOUNT_DETACH | UNMOUNT_NOFOLLOW) < 0 ||
            unlinkat(dir, WHOLE, AT_REMOVEDIR) < 0)
                return -errno;
        return r;
}

int step_mount_parts(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int dir = sys_open_in_root(c->root, op->path, O_PATH | O_DIRECTORY, 0);
        if (dir < 0)
                return dir;
        _cleanup_close_ int tree = sys_mount_new(op->fstype, op->source, NULL, 0, op->attrs, e);
        if (tree < 0)
                return error_prefix(e, tree, "'%s'", op->path);
        int r = attach_parts(tree, dir, op->parts);
        if (r == -EINVAL)
                return attach_parts_of_mounted(tree, dir, op->parts);
        return r < 0 ? r : child_hand_over(c, MESSAGE_FD_UNUSED, &tree);
}

/* A copy of the tree at the descriptor, with the op's attributes. */
static int clone_fd(int source, bool with_submounts, const PlanOp *op)
{
        _cleanup_close_ int tree = sys_mount_clone(source, "", with_submounts);
        if (tree < 0)
                return tree;
        if (op->attrs || op->attrs_clear) {
                int r = sys_mount_setattr(tree, "", op->recursive, op->attrs, op->attrs_clear, 0, -1);
                if (r < 0)
                        return r;
        }
        return TAKE_FD(tree);
}

int step_bind(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int source = sys_open_in_root(c->root, op->source, O_PATH, 0), tree = -1;

        tree = source < 0 ? source : clone_fd(source, op->recursive, op);
        return tree < 0 ? tree : attach_at(c, tree, op->path, op->node);
}

/* Whether fd is the root of a mount (statx(2), Linux 5.8). */
static bool is_mount_root(int fd)
{
        struct statx stx;

        return statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) >= 0 && (stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) &&
               (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int step_setattr(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int fd = sys_open_in_root(c->root, op->path, O_PATH, 0);

        if (op->if_exists && (fd == -ENOENT || fd == -ENOTDIR))
                return 0;
        if (fd < 0)
                return fd;
        if (is_mount_root(fd))
                return sys_mount_setattr(fd, "", op->recursive, op->attrs, op->attrs_clear, 0, -1);
        _cleanup_close_ int tree =
                        clone_fd(fd, true, op); /* what is mounted below stays visible, whether its attributes change or not */
        return tree < 0 ? tree : sys_mount_attach(tree, fd, "");
}

/* The nodes of systemd's container interface that cover what is not to be seen, by file type. */
static const char *inaccessible_node(mode_t mode)
{
        switch (mode & S_IFMT) {
        case S_IFDIR:
                return "/run/host/inaccessible/dir";
        case S_IFCHR:
                return "/run/host/inaccessible/chr";
        case S_IFBLK:
                return "/run/host/inaccessible/blk";
        case S_IFIFO:
                return "/run/host/inaccessible/fifo";
        case S_IFSOCK:
                return "/run/host/inaccessible/sock";
        default:
                return "/run/host/inaccessible/reg";
        }
}

int step_mask(Child *c, const PlanOp *op, Error *e)
{
        _cleanup_close_ int target = sys_open_in_root(c->root, op->path, O_PATH, 0);
        struct stat st;

        if (target == -ENOENT)
                return 0;
        if (target < 0)
                return target;
        if (fstat(target, &st) < 0)
                return -errno;
        _cleanup_close_ int node = sys_open_in_root(c->root, inaccessible_node(st.st_mode), O_PATH, 0);
        if (node == -ENOENT && !S_ISDIR(st.st_mode)) /* device nodes cannot be made everywhere; any file covers a file */
                node = sys_open_in_root(c->root, inaccessible_node(S_IFREG), O_PATH, 0);
        if (node < 0)
                return node;
        _cleanup_close_ int tree = sys_mount_clone(node, "", false);
        if (tree < 0)
                return tree;
        if (op->attrs) {
                int r = sys_mount_setattr(tree, "", false, op->attrs, 0, 0, -1);
                if (r < 0)
                        return r;
        }
        return sys_mount_attach(tree, target, "");
}

/* The FIFO is made in /run, which is the machine's own, and has no name afterwards. */
int step_kmsg_fifo(Child *c, const PlanOp *op, Error *e)
{
        static const char name[] = ".kmsg-fifo";
        _cleanup_close_ int run = sys_open_in_root(c->root, "/run", O_PATH | O_DIRECTORY, 0);

        if (run < 0)
                return run;
        if (mkfifoat(run, name, 0600) < 0)
                return -errno;
        _cleanup_close_ int fifo = openat(run, name, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
        _cleanup_close_ int tree = sys_mount_clone(run, name, false);
        int r = fifo < 0 ? -errno : tree < 0 ? tree : attach_at(c, tree, op->path, NODE_NONE);
        (void)unlinkat(run, name, 0);
        return r < 0 ? r : child_hand_over(c, MESSAGE_FD_KMSG, &fifo);
}

int step_pivot(Child *c, const PlanOp *op, Error *e)
{
        int r = sys_pivot_root(c->root);

        if (r < 0 || op->value == PLAN_PROPAGATION_KEEP)
                return r;
        if (op->value)
                return sys_mount_setattr(c->root, "", op->recursive, 0, 0, op->value, -1);
        /* Shared, as a booting system has it: an init inside expects that and in a container does not see to it itself. */
        return sys_mount_setattr(c->root, "", true, 0, 0, PROPAGATION_SHARED, -1);
}
