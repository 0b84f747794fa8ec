/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <linux/mount.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/value.h"

/* ---- --bind=, --tmpfs=, --inaccessible= ---- */

typedef struct TmpfsFlag { /* mount options that are attributes of the mount, not of the file system */
        const char *word;
        uint64_t set, clear;
} TmpfsFlag;

static const TmpfsFlag tmpfs_flags[] = {
                {"ro", MOUNT_ATTR_RDONLY, 0},
                {"rw", 0, MOUNT_ATTR_RDONLY},
                {"nosuid", MOUNT_ATTR_NOSUID, 0},
                {"suid", 0, MOUNT_ATTR_NOSUID},
                {"nodev", MOUNT_ATTR_NODEV, 0},
                {"dev", 0, MOUNT_ATTR_NODEV},
                {"noexec", MOUNT_ATTR_NOEXEC, 0},
                {"exec", 0, MOUNT_ATTR_NOEXEC},
                {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME},
                {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR_NOATIME},
                {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
                {"diratime", 0, MOUNT_ATTR_NODIRATIME},
                {"defaults", 0, 0},
};

static const TmpfsFlag *tmpfs_flag(const char *word)
{
        for (size_t i = 0; i < ELEMENTSOF(tmpfs_flags); i++)
                if (str_eq(tmpfs_flags[i].word, word))
                        return &tmpfs_flags[i];
        return NULL;
}

static void add_tmpfs(const PlanBuild *b, const SpecMount *m)
{
        _cleanup_strv_ char **words = strv_split(m->options ?: "mode=0755", ",");
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_MOUNT, m->target);

        op->fstype = xstrdup("tmpfs");
        op->source = xstrdup("tmpfs");
        op->node = NODE_DIRECTORY;
        op->attrs = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME;
        STRV_FOREACH (w, words) {
                const TmpfsFlag *flag = tmpfs_flag(*w);
                if (!flag) {
                        strv_push(&op->options, *w);
                        continue;
                }
                op->attrs = (op->attrs & ~flag->clear) | flag->set;
        }
}

/* Whose the files of the bound tree are inside: as given, or whose the target is. */
static int bind_owner(const PlanBuild *b, const SpecMount *m, PlanOp *tree, Error *e)
{
        const FactOwner *owner = b->facts->mount_owners ? &b->facts->mount_owners[m - b->spec->mounts.items] : NULL;
        uint32_t outside;

        if (m->has_owner) {
                tree->number = m->uid;
                tree->number2 = m->gid;
        } else if (owner && owner->known) {
                tree->number = owner->uid;
                tree->number2 = owner->gid;
        }
        if (plan_id_outside(b->plan, false, (uint32_t)tree->number, &outside) < 0 ||
            plan_id_outside(b->plan, true, (uint32_t)tree->number2, &outside) < 0)
                return error_set(e, -EINVAL, "bind mount of '%s' on '%s': owner %u:%u is not among the machine's IDs", m->source,
                                 m->target, (unsigned)tree->number, (unsigned)tree->number2);
        return 0;
}

static int add_bind(PlanBuild *b, const SpecMount *m, Error *e)
{
        uint64_t attrs = m->read_only ? MOUNT_ATTR_RDONLY : 0;

        if (m->idmap != SPEC_IDMAP_NONE && !m->has_owner && !b->plan->user_namespace)
                return error_set(e, -EINVAL,
                                 "bind mount of '%s' on '%s': the option '%s' needs a user namespace; leave it out, or use "
                                 "--private-users=pick",
                                 m->source ?: "", m->target, value_idmap_to_name(m->idmap));
        if (m->idmap != SPEC_IDMAP_NONE && b->facts->rootless)
                return error_set(
                                e, -EPERM,
                                "bind mount of '%s' on '%s': the option '%s' needs an ID-mapped mount, which only root can make; "
                                "leave it out: what is yours is root's inside",
                                m->source ?: "", m->target, value_idmap_to_name(m->idmap));
        if (m->idmap != SPEC_IDMAP_NONE && !b->facts->has_idmapped_mounts)
                return error_set(e, -EOPNOTSUPP,
                                 "bind mount of '%s' on '%s': the option '%s' needs ID-mapped mounts, which this kernel does not "
                                 "offer",
                                 m->source ?: "", m->target, value_idmap_to_name(m->idmap));
        if (!m->source) { /* a directory that is gone afterwards */
                add_tmpfs(b, m);
                b->plan->items[b->plan->n - 1].attrs |= attrs;
                return 0;
        }
        if (m->source_in_image) {
                if (m->idmap != SPEC_IDMAP_NONE)
                        return error_set(e, -EINVAL,
                                         "bind mount of '+%s' on '%s': the option '%s' is for sources on the host; the image is "
                                         "mapped already",
                                         m->source, m->target, value_idmap_to_name(m->idmap));
                PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_BIND, m->target);
                op->source = xstrdup(m->source);
                op->recursive = m->recursive;
                op->attrs = attrs;
                op->node = NODE_SAME;
                return 0;
        }
        PlanOp *attach = plan_add_host_bind(b->plan, m->source, attrs, m->target, NODE_SAME);
        PlanOp *tree = attach - 1;
        tree->recursive = m->recursive;
        tree->idmap = m->idmap;
        if (m->idmap == SPEC_IDMAP_OWNER)
                return bind_owner(b, m, tree, e);
        return 0;
}

/* ---- --overlay=, --overlay-ro= ---- */

/* All layers are on the host, or all in the image; the former are put together by the supervisor, the latter by the machine's PID 1,
 * who alone may look at paths there. */
static int add_overlay(PlanBuild *b, const SpecMount *m, Error *e)
{
        bool inside = **m->layers == '+';
        PlanOp *op;

        STRV_FOREACH (l, m->layers)
                if ((**l == '+') != inside || (m->source && m->source_in_image != inside))
                        return error_set(e, -EINVAL,
                                         "overlay on '%s': its layers are either all on the host or all in the image (+PATH)",
                                         m->target);
        bool mapped = b->plan->user_namespace &&
                      !b->facts->rootless; /* an ordinary user's layers have the machine's IDs already */
        if (!inside && mapped && !b->facts->has_idmapped_mounts)
                return error_set(e, -EOPNOTSUPP,
                                 "overlay on '%s': with a user namespace it needs ID-mapped mounts, which this kernel does not "
                                 "offer",
                                 m->target);
        if (inside)
                op = plan_add(b->plan, PHASE_ROOT, OP_OVERLAY, m->target);
        else {
                PlanOp *attach = plan_add_host_bind(b->plan, NULL, 0, m->target, NODE_DIRECTORY);
                op = attach - 1;
                op->type = OP_TREE_OVERLAY;
                op->idmap = mapped ? SPEC_IDMAP_FULL : SPEC_IDMAP_NONE;
        }
        op->node = NODE_DIRECTORY;
        op->attrs = m->read_only ? MOUNT_ATTR_RDONLY : 0;
        for (size_t i = strv_len(m->layers); i > 0; i--)
                strv_push(&op->lower, m->layers[i - 1] + inside);
        if (m->source) {
                _cleanup_free_ char *parent = path_dirname(m->source);
                op->upper = xstrdup(m->source);
                op->work = xasprintf("%s/.#%s.work", str_eq(parent, "/") ? "" : parent, path_basename(m->source));
        } else if (!m->read_only) {
                op->fstype = xstrdup("tmpfs");
                strv_push(&op->options, "mode=0755");
        }
        return 0;
}

/* Parents before what is mounted below them, whatever the order given, as systemd-nspawn does. */
static int compare_mounts(const void *a, const void *b)
{
        const SpecMount *x = *(const SpecMount *const *)a, *y = *(const SpecMount *const *)b;
        const char *p = x->target, *q = y->target;

        while (*p && *p == *q)
                p++, q++;
        if (*p != *q) /* a slash sorts before all other characters: "/a/b" before "/a-b" */
                return (*p == '/' ? 1 : (unsigned char)*p) - (*q == '/' ? 1 : (unsigned char)*q);
        if (x->type != y->type)
                return (int)x->type - (int)y->type;
        return x < y ? -1 : 1; /* as given: the later one is on top */
}

int plan_mounts(PlanBuild *b, Error *e)
{
        const SpecMounts *mounts = &b->spec->mounts;
        _cleanup_free_ const SpecMount **sorted = xnew(const SpecMount *, mounts->n + 1);
        int r = 0;

        for (size_t i = 0; i < mounts->n; i++)
                sorted[i] = &mounts->items[i];
        qsort(sorted, mounts->n, sizeof(*sorted), compare_mounts);
        for (size_t i = 0; r >= 0 && i < mounts->n; i++) {
                const SpecMount *m = sorted[i];
                if (str_eq(m->target, "/"))
                        return error_set(e, -EINVAL,
                                         "%s: nothing can be mounted on '/'; the root comes from --directory=, --image= or "
                                         "--machine=",
                                         b->spec->origin[SPEC_FIELD_MOUNTS] ?: "mounts");
                switch (m->type) {
                case SPEC_MOUNT_BIND:
                        r = add_bind(b, m, e);
                        break;
                case SPEC_MOUNT_TMPFS:
                        add_tmpfs(b, m);
                        break;
                case SPEC_MOUNT_OVERLAY:
                        r = add_overlay(b, m, e);
                        break;
                case SPEC_MOUNT_INACCESSIBLE:
                        plan_add(b->plan, PHASE_ROOT, b->spec->bundle ? OP_COVER : OP_MASK, m->target);
                        break;
                case _SPEC_MOUNT_TYPE_MAX:
                case _SPEC_MOUNT_TYPE_INVALID:
                        return error_set(e, -EINVAL, "mount on '%s' has no type", m->target);
                }
        }
        return r;
}
