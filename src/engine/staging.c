/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/message.h"
#include "sys/mount.h"

/* Exists everywhere, and neither process needs what it hides meanwhile. Not "/": a mount on top of that could not be told from the old
 * root when the child drops it, and is locked there. */
#define STAGING_DIRECTORY "/dev"
#define MOUNTS_MAX        (64UL * 1024 * 1024)
#define PROPAGATION_SLAVE (1U << 19) /* MS_SLAVE */

/* A file or device of the host that is not ID-mapped belongs to nobody the machine has, and whether its mount is read-only matters
 * only when everybody may write; so device nodes and /etc/resolv.conf are no reason to make the start slower. */
static bool is_harmless(const PlanOp *op, const struct stat *st)
{
        return op->idmap == SPEC_IDMAP_NONE && !S_ISDIR(st->st_mode) && (!S_ISREG(st->st_mode) || !(st->st_mode & S_IWOTH));
}

/* Attributes of the host's own mount are held as well as those the plan adds. */
static bool has_attributes(const PlanOp *op, const char *path)
{
        struct statvfs fs;

        return op->attrs || statvfs(path, &fs) < 0 || (fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
}

/* The fifth word of a line of mountinfo (proc_pid_mountinfo(5)). */
static const char *mount_point(char *line)
{
        char *word = NULL;

        for (unsigned i = 0; i < 5; i++)
                word = strsep(&line, " ");
        return word;
}

static bool has_submounts(const char *path)
{
        _cleanup_free_ char *resolved = realpath(path, NULL);
        _cleanup_free_ char *text = NULL;

        if (!resolved || strpbrk(resolved, " \t\n\\") || /* names that the list spells in octal */
            file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTS_MAX, &text, NULL) < 0)
                return true;
        for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;) {
                const char *mounted = mount_point(line);
                if (!mounted || (path_has_prefix(mounted, resolved) && !str_eq(mounted, resolved)))
                        return true;
        }
        return false;
}

static bool needs_staging(const PlanOp *op)
{
        struct stat st;

        if (op->type == OP_CHOWN || op->type == OP_TREE_DEVICES) /* what is in the machine's own /dev is its root's anyway */
                return false;
        if (op->type == OP_TREE_DISK) /* a file system of the image's own: what it must not be is in the attributes */
                return op->attrs;
        if (op->type == OP_TREE_OVERLAY) /* the clones of its layers are out of the machine's reach */
                return op->attrs && (op->upper || op->disk);
        if (stat(op->path, &st) < 0) /* its own operation says so */
                return false;
        return !is_harmless(op, &st) && (has_attributes(op, op->path) || (op->recursive && has_submounts(op->path)));
}

bool staging_needed(const MachinePlan *plan)
{
        if (!plan->user_namespace)
                return false;
        if (plan->rootless) /* what is the user's is the machine's root's, so that all attributes count */
                return true;
        for (size_t i = 0; i < plan->n; i++)
                if (plan->items[i].phase == PHASE_TREES && needs_staging(&plan->items[i]))
                        return true;
        return false;
}

int staging_enter(Staging *s, Error *e)
{
        s->home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        if (s->home < 0)
                return error_sys(e, -errno, "cannot open the own mount namespace");
        s->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        /* su may have left a user where it may not look. */
        if (s->cwd < 0 && errno != EACCES)
                return error_sys(e, -errno, "cannot open the working directory");
        if (unshare(CLONE_NEWNS) < 0)
                return error_sys(e, -errno, "cannot make a mount namespace");
        int r = sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, PROPAGATION_SLAVE, -1);
        if (r < 0)
                return error_sys(e, r, "cannot cut a new mount namespace off from the host's");
        return 0;
}

static void slot_name(char name[static 16], int slot)
{
        snprintf(name, 16, "%d", slot);
}

/* A place for the tree: a directory or a file, as the tree is. */
static int make_place(int dir, const char *name, int tree)
{
        struct stat st;

        if (fstat(tree, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return mkdirat(dir, name, 0700) < 0 ? -errno : 0;
        return mknodat(dir, name, S_IFREG | 0600, 0) < 0 ? -errno : 0;
}

int staging_put(Staging *s, const int *slots, size_t n, Error *e)
{
        SysMountOption mode = {.key = "mode", .value = "0755", .fd = -1}; /* the child passes without rights of its own over it */
        int tmpfs = sys_mount_new("tmpfs", "berth-staging", &mode, 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, e);
        if (tmpfs < 0)
                return tmpfs;
        s->dir = tmpfs;
        int r = sys_mount_attach(tmpfs, AT_FDCWD, STAGING_DIRECTORY);
        for (size_t i = 0; i < n && r >= 0; i++) {
                char name[16];

                if (slots[i] < 0)
                        continue;
                slot_name(name, (int)i);
                r = make_place(s->dir, name, slots[i]);
                if (r >= 0)
                        r = sys_mount_attach(slots[i], s->dir, name);
        }
        return r < 0 ? error_sys(e, r, "cannot hand the trees over") : 0;
}

int staging_leave(Staging *s)
{
        int r = 0;

        if (s->home >= 0 && (setns(s->home, CLONE_NEWNS) < 0 || (s->cwd >= 0 && fchdir(s->cwd) < 0)))
                r = -errno;
        s->home = fd_close(s->home);
        s->cwd = fd_close(s->cwd);
        s->dir = fd_close(s->dir);
        return r;
}

/* By path: the supervisor's descriptors mean its mounts, not this namespace's copies. */
int staging_take(Child *c, Error *e)
{
        if (unshare(CLONE_NEWNS) < 0)
                return error_sys(e, -errno, "cannot make a mount namespace");
        _cleanup_close_ int dir = open(STAGING_DIRECTORY, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return error_sys(e, -errno, "cannot open the handed over trees");
        for (int i = 0; i < c->plan->n_slots; i++) {
                char name[16];

                slot_name(name, i);
                c->slots[i] = sys_mount_clone(dir, name, true);
                if (c->slots[i] < 0 && c->slots[i] != -ENOENT)
                        return error_sys(e, c->slots[i], "cannot take a handed over tree");
        }
        return message_send(c->sock, MESSAGE_COPIED, NULL, 0);
}
