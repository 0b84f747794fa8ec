/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/trees.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "engine/disk.h"
#include "sys/cgroup.h"
#include "sys/chown-tree.h"
#include "sys/mount.h"

#define PROPAGATION_PRIVATE (1U << 18) /* MS_PRIVATE; <sys/mount.h> and <linux/mount.h> do not go together everywhere */
#define PROPAGATION_SLAVE   (1U << 19) /* MS_SLAVE */

typedef struct Trees {
        const MachinePlan *plan;
        int userns; /* of the machine, -1 without */
} Trees;

static SysIdRange *copy_ranges(const MachinePlan *plan, const SpecIdRanges *from, uint32_t disk_base, size_t *ret_n)
{
        SysIdRange *ranges = xnew(SysIdRange, from->n + 1);

        *ret_n = from->n;
        for (size_t i = 0; i < from->n; i++)
                ranges[i] = (SysIdRange){from->items[i].inside + disk_base, from->items[i].outside, from->items[i].count};
        if (from->n == 0)
                ranges[(*ret_n)++] = (SysIdRange){disk_base, plan->id_base, plan->id_count};
        return ranges;
}

void id_maps_make(IdMaps *m, const MachinePlan *plan, uint32_t disk_base)
{
        m->uids = copy_ranges(plan, &plan->uids, disk_base, &m->maps.n_uids);
        m->gids = copy_ranges(plan, &plan->gids, disk_base, &m->maps.n_gids);
        m->maps.uids = m->uids;
        m->maps.gids = m->gids;
}

void id_maps_done(IdMaps *m)
{
        free(m->uids);
        free(m->gids);
}

/* A map of the mount's own. */
static int own_userns(const Trees *t, const PlanOp *op)
{
        SysIdMaps maps = {};
        SysIdRange *uids = copy_ranges(t->plan, &op->uids, 0, &maps.n_uids),
                   *gids = copy_ranges(t->plan, &op->gids, 0, &maps.n_gids);

        maps.uids = uids;
        maps.gids = gids;
        int r = sys_idmap_userns_maps(&maps);
        free(uids);
        free(gids);
        return r;
}

/* The user namespace whose map an ID-mapped mount gets. Owned by the caller when *ret_owned. */
static int idmap_userns(const Trees *t, const PlanOp *op, int tree, bool *ret_owned)
{
        struct stat st;

        *ret_owned = false;
        if (op->idmap == SPEC_IDMAP_FULL && op->number == 0 && op->uids.n == 0)
                return t->userns;
        *ret_owned = true;
        if (op->uids.n > 0)
                return own_userns(t, op);
        if (op->idmap == SPEC_IDMAP_FULL) {
                IdMaps shifted;
                id_maps_make(&shifted, t->plan, (uint32_t)op->number);
                int r = sys_idmap_userns_maps(&shifted.maps);
                id_maps_done(&shifted);
                return r;
        }
        if (fstat(tree, &st) < 0)
                return -errno;
        /* rootidmap: the owner of the tree is the machine's root; owneridmap: is `number` and `number2` (systemd-nspawn(1), --bind=). */
        bool owner = op->idmap == SPEC_IDMAP_OWNER;
        SysIdRange uid = {.inside = st.st_uid, .count = 1}, gid = {.inside = st.st_gid, .count = 1};
        if (plan_id_outside(t->plan, false, owner ? (uint32_t)op->number : 0, &uid.outside) < 0 ||
            plan_id_outside(t->plan, true, owner ? (uint32_t)op->number2 : 0, &gid.outside) < 0)
                return -EINVAL;
        return sys_idmap_userns_maps(&(SysIdMaps){&uid, &gid, 1, 1});
}

/* What is of the topmost mount alone, and what is of all. */
static int finish_top_only(int tree, const PlanOp *op, uint64_t attrs)
{
        int r = op->recursive ? sys_mount_setattr(tree, "", true, 0, 0, PROPAGATION_SLAVE, -1) : 0;

        if (r >= 0 && op->idmap_recursive && (attrs || op->attrs_clear))
                r = sys_mount_setattr(tree, "", false, attrs, op->attrs_clear, 0, -1);
        if (r >= 0 && (op->all_attrs || op->all_attrs_clear))
                r = sys_mount_setattr(tree, "", true, op->all_attrs, op->all_attrs_clear, 0, -1);
        return r;
}

/* The op's attributes and ID map for a detached tree, which is closed when they cannot be had. */
static int finish_tree(const Trees *t, const PlanOp *op, int take_tree, const char *path, uint64_t attrs, Error *e)
{
        _cleanup_close_ int tree = take_tree;
        bool owned = false,
             idmapped = op->idmap == SPEC_IDMAP_OWNER || op->uids.n > 0 || (op->idmap != SPEC_IDMAP_NONE && t->userns >= 0);
        int userns = idmapped ? idmap_userns(t, op, tree, &owned) : -1;
        _cleanup_close_ int owned_userns = owned ? userns : -1;
        if (idmapped && userns < 0)
                return error_sys(e, userns, "cannot make the ID map for '%s'", path);

        /* A tree without submounts needs no news of the host's mounts; a private one costs the host nothing when it mounts something. */
        int r = sys_mount_setattr(tree, "", op->recursive && (!op->top_only || op->idmap_recursive),
                                  (op->top_only && op->idmap_recursive ? 0 : attrs) | (idmapped ? MOUNT_ATTR_IDMAP : 0),
                                  op->top_only && op->idmap_recursive ? 0 : op->attrs_clear,
                                  op->recursive ? PROPAGATION_SLAVE : PROPAGATION_PRIVATE, userns);
        if (r >= 0 && op->top_only)
                r = finish_top_only(tree, op, attrs);
        (void)owned_userns;
        if (r == -EINVAL && idmapped)
                return error_set(e, r,
                                 "the file system at '%s' cannot be mounted with mapped IDs; use --private-users=no, or "
                                 "--private-users-ownership=chown to give the files to the range",
                                 path);
        if (r < 0)
                return error_sys(e, r, "cannot set the attributes of the tree at '%s'", path);
        return TAKE_FD(tree);
}

/* A detached copy of the tree at path. */
static int clone_tree(const Trees *t, const PlanOp *op, const char *path, uint64_t attrs, Error *e)
{
        /* An ordinary user can copy a directory only with what is mounted on it; in an overlay that does not matter. */
        bool recursive = op->recursive || (t->plan->rootless && op->type == OP_TREE_OVERLAY);
        _cleanup_close_ int link = op->no_follow ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
        int tree = link >= 0 ? sys_mount_clone(link, "", recursive) : sys_mount_clone(AT_FDCWD, path, recursive);

        return tree < 0 ? error_sys(e, tree, "cannot take a copy of the tree at '%s'", path)
                        : finish_tree(t, op, tree, path, attrs, e);
}

static int disk_tree(const Trees *t, const PlanOp *op, uint64_t attrs, Error *e)
{
        int tree = disk_mount(op->path, op->disk, op->disk_type, op->disk_options, e);

        return tree < 0 ? tree : finish_tree(t, op, tree, op->path, attrs, e);
}

static int tree_bind(const Trees *t, const PlanOp *op, Error *e)
{
        if (!op->path && op->source) { /* the machine's own group */
                _cleanup_free_ char *top = path_join(sys_cgroup_mountpoint() ?: "/sys/fs/cgroup", t->plan->cgroup),
                                    *path = path_join(top, op->source);
                return clone_tree(t, op, path, op->attrs, e);
        }
        return clone_tree(t, op, op->path, op->attrs, e);
}

typedef struct WritableLayer {
        int tree; /* the mount that both are in: it is dissolved, and useless to overlayfs, when its last own descriptor is closed */
        int upper, work;
} WritableLayer;

static void writable_layer_close(WritableLayer *l)
{
        fd_close(l->upper);
        fd_close(l->work);
        fd_close(l->tree);
}

/* overlayfs wants upper and work on one mount, so both are opened in one clone of the directory that holds them. */
static int open_writable_layer(const Trees *t, const PlanOp *op, WritableLayer *l, Error *e)
{
        _cleanup_free_ char *parent = path_dirname(op->upper), *work_parent = path_dirname(op->work);
        if (!str_eq(parent, work_parent))
                return error_set(e, -EINVAL,
                                 "the overlay's upper directory '%s' and its work directory '%s' must be in one directory",
                                 op->upper, op->work);

        if (mkdir(op->work, 0700) < 0 && errno != EEXIST) /* by its path: in an ID-mapped clone it would be nobody's */
                return error_sys(e, -errno, "cannot make the overlay's work directory '%s'", op->work);
        l->tree = clone_tree(t, op, parent, 0, e);
        if (l->tree < 0)
                return l->tree;
        l->upper = openat(l->tree, path_basename(op->upper), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (l->upper < 0)
                return error_sys(e, -errno, "cannot open the overlay's upper directory '%s'", op->upper);
        l->work = openat(l->tree, path_basename(op->work), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (l->work < 0)
                return error_sys(e, -errno, "cannot open the overlay's work directory '%s'", op->work);
        return 0;
}

int tree_tmpfs(char *const *words, uint64_t attrs, Error *e)
{
        SysMountOption options[8] = {};
        char *copies[ELEMENTSOF(options)];
        size_t n = 0;

        for (; n < ELEMENTSOF(options) && words && words[n]; n++) {
                copies[n] = xstrdup(words[n]);
                char *value = copies[n];
                options[n].key = strsep(&value, "=");
                options[n].value = value;
                options[n].fd = -1;
        }
        int tree = sys_mount_new("tmpfs", "tmpfs", options, n, attrs, e);
        for (size_t i = 0; i < n; i++)
                free(copies[i]);
        return tree;
}

/* In memory: a file system of its own, whose top directory looks like the topmost layer's. */
static int make_memory_layer(const Trees *t, const PlanOp *op, int top_layer, WritableLayer *l, Error *e)
{
        struct stat st;

        l->tree = tree_tmpfs(op->options, 0, e);
        if (l->tree < 0)
                return l->tree;
        uint32_t root = op->idmap != SPEC_IDMAP_NONE && t->userns >= 0 ? t->plan->id_base : 0;
        if (fstat(top_layer, &st) < 0 || mkdirat(l->tree, "data", 0755) < 0 || mkdirat(l->tree, "work", 0700) < 0 ||
            fchownat(l->tree, "work", root, root, 0) < 0 || fchownat(l->tree, "data", st.st_uid, st.st_gid, 0) < 0 ||
            fchmodat(l->tree, "data", st.st_mode & 07777, 0) < 0)
                return error_sys(e, -errno, "cannot make an overlay's layer in memory");
        l->upper = openat(l->tree, "data", O_PATH | O_DIRECTORY | O_CLOEXEC);
        l->work = openat(l->tree, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return l->upper < 0 || l->work < 0 ? error_sys(e, -errno, "cannot open an overlay's layer in memory") : 0;
}

static int mount_layers(const Trees *t, const PlanOp *op, int *layers, size_t n_layers, Error *e)
{
        _cleanup_(writable_layer_close) WritableLayer top = {-1, -1, -1};

        for (size_t i = 0; i < n_layers; i++) {
                layers[i] = op->disk ? disk_tree(t, op, 0, e) : clone_tree(t, op, op->lower[i], 0, e);
                if (layers[i] < 0)
                        return layers[i];
        }
        int r = op->upper ? open_writable_layer(t, op, &top, e) : op->fstype ? make_memory_layer(t, op, layers[0], &top, e) : 0;
        if (r < 0)
                return r;
        return sys_mount_overlay(
                        &(SysOverlay){
                                        .lower = layers,
                                        .n_lower = n_layers,
                                        .upper = top.upper,
                                        .work = top.work,
                                        .user_attributes = t->plan->rootless,
                                        .owner = op->idmap != SPEC_IDMAP_NONE && t->userns >= 0 ? t->plan->id_base : 0,
                        },
                        op->attrs, e);
}

static int tree_overlay(const Trees *t, const PlanOp *op, Error *e)
{
        size_t n_layers = op->disk ? 1 : strv_len(op->lower);
        _cleanup_free_ int *layers = xnew(int, n_layers);

        for (size_t i = 0; i < n_layers; i++)
                layers[i] = -1;
        int tree = mount_layers(t, op, layers, n_layers, e);
        for (size_t i = 0; i < n_layers; i++)
                fd_close(layers[i]);
        return tree;
}

int trees_make(const MachinePlan *plan, int userns_fd, int *slots, Error *e)
{
        Trees t = {.plan = plan, .userns = userns_fd};

        for (size_t i = 0; i < plan->n; i++) {
                const PlanOp *op = &plan->items[i];

                if (op->phase != PHASE_TREES)
                        continue;
                if (op->type == OP_CHOWN) {
                        int r = sys_chown_tree(op->path, (uint32_t)op->number, e);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (op->slot < 0 || op->slot >= plan->n_slots || slots[op->slot] >= 0)
                        return error_set(e, -EINVAL, "the plan has a tree in slot %d of %d", op->slot, plan->n_slots);
                Error error = {0};
                int tree = op->type == OP_TREE_OVERLAY   ? tree_overlay(&t, op, &error)
                           : op->type == OP_TREE_DISK    ? disk_tree(&t, op, op->attrs, &error)
                           : op->type == OP_TREE_DEVICES ? tree_devices(plan, op, &error)
                                                         : tree_bind(&t, op, &error);
                if (tree >= 0)
                        slots[op->slot] = tree;
                else if (!op->optional) {
                        if (e)
                                *e = error;
                        return tree;
                }
        }
        return 0;
}
