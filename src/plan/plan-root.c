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

/* ---- the root ---- */

void plan_root(PlanBuild *b)
{
        const HostFacts *f = b->facts;
        bool overlay = f->root_kind == ROOT_OVERLAY;
        PlanOp *tree = plan_add(b->plan, PHASE_TREES, overlay ? OP_TREE_OVERLAY : OP_TREE_BIND,
                                overlay ? NULL : f->root_directory);

        int slot = b->plan->n_slots++;

        tree->slot = slot;
        tree->idmap = b->root_idmap;
        tree->attrs = b->read_only ? MOUNT_ATTR_RDONLY : 0;
        if (overlay) {
                tree->lower = strv_copy(f->layers);
                tree->upper = xstrdup(f->upper);
                tree->work = xstrdup(f->work);
        } else
                tree->recursive = true;
        plan_add(b->plan, PHASE_ROOT, OP_ATTACH_ROOT, NULL)->slot = slot;
}

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

static void add_tmpfs(PlanBuild *b, const SpecMount *m)
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

static int add_bind(PlanBuild *b, const SpecMount *m, Error *e)
{
        uint64_t attrs = m->read_only ? MOUNT_ATTR_RDONLY : 0;

        if (m->idmap != SPEC_IDMAP_NONE && !b->plan->user_namespace)
                return error_set(e, -EINVAL,
                                 "bind mount of '%s' on '%s': the option '%s' needs a user namespace; leave it out, or use "
                                 "--private-users=pick",
                                 m->source, m->target, value_idmap_to_name(m->idmap));
        if (m->idmap != SPEC_IDMAP_NONE && !b->facts->has_idmapped_mounts)
                return error_set(e, -EOPNOTSUPP,
                                 "bind mount of '%s' on '%s': the option '%s' needs ID-mapped mounts, which this kernel does not "
                                 "offer",
                                 m->source, m->target, value_idmap_to_name(m->idmap));
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
                                         "%s: nothing can be mounted on '/'; the root comes from --directory= or --machine=",
                                         b->spec->origin[SPEC_FIELD_MOUNTS] ?: "mounts");
                switch (m->type) {
                case SPEC_MOUNT_BIND:
                        r = add_bind(b, m, e);
                        break;
                case SPEC_MOUNT_TMPFS:
                        add_tmpfs(b, m);
                        break;
                case SPEC_MOUNT_INACCESSIBLE:
                        plan_add(b->plan, PHASE_ROOT, OP_MASK, m->target);
                        break;
                case _SPEC_MOUNT_TYPE_MAX:
                case _SPEC_MOUNT_TYPE_INVALID:
                        return error_set(e, -EINVAL, "mount on '%s' has no type", m->target);
                }
        }
        return r;
}
