/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The root: the image as it is, with changes thrown away (--ephemeral, --volatile=), or a directory of it (--pivot-root=). */

#include "plan/build.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <linux/mount.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define VOLATILE_OPTIONS "mode=0755", "size=25%", "nr_inodes=1m" /* systemd-nspawn's TMPFS_LIMITS_ROOTFS */

/* Whether writes to the tree go anywhere but to the image. */
static bool has_scratch(const PlanBuild *b)
{
        return b->spec->volatile_mode == SPEC_VOLATILE_OVERLAY || (b->spec->ephemeral && !b->read_only);
}

void plan_scratch(const PlanBuild *b, PlanOp *tree, bool on_disk)
{
        static const char *const options[] = {VOLATILE_OPTIONS};
        const HostFacts *f = b->facts;

        if (on_disk && b->spec->volatile_mode != SPEC_VOLATILE_OVERLAY && f->scratch) {
                tree->upper = path_join(f->scratch, "data");
                tree->work = path_join(f->scratch, "work");
                return;
        }
        tree->fstype = xstrdup("tmpfs");
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                strv_push(&tree->options, options[i]);
}

static void add_scratch(const PlanBuild *b, PlanOp *tree)
{
        const HostFacts *f = b->facts;

        if (f->root_kind == ROOT_DIRECTORY)
                strv_push(&tree->lower, f->root_directory);
        if (f->upper)
                strv_push(&tree->lower, f->upper);
        strv_extend(&tree->lower, f->layers);
        plan_scratch(b, tree, true);
}

static int add_image(PlanBuild *b)
{
        const HostFacts *f = b->facts;
        bool overlay = f->root_kind == ROOT_OVERLAY, scratch = has_scratch(b);

        if (f->root_kind == ROOT_DISK)
                return plan_disk_root(b);
        if (b->chown)
                plan_add(b->plan, PHASE_TREES, OP_CHOWN, f->root_directory)->number = b->plan->id_base;
        PlanOp *tree = plan_add(b->plan, PHASE_TREES, overlay || scratch ? OP_TREE_OVERLAY : OP_TREE_BIND,
                                overlay || scratch ? NULL : f->root_directory);
        tree->slot = b->plan->n_slots++;
        tree->idmap = b->root_idmap;
        tree->number = b->disk_base;
        tree->attrs = b->read_only && !b->spec->bundle && b->spec->volatile_mode != SPEC_VOLATILE_OVERLAY ? MOUNT_ATTR_RDONLY : 0;
        if (scratch)
                add_scratch(b, tree);
        else if (overlay) {
                tree->lower = strv_copy(f->layers);
                tree->upper = xstrdup(f->upper);
                tree->work = xstrdup(f->work);
        } else
                tree->recursive = true;
        return tree->slot;
}

/* A root in memory with nothing in it but the image's /usr, and the links that lead there. */
static void add_usr_only(PlanBuild *b)
{
        static const char *const options[] = {VOLATILE_OPTIONS}, *const directories[] = {"/etc", "/var", "/root"};
        MachinePlan *p = b->plan;
        PlanOp *op = plan_add(p, PHASE_ROOT, OP_ROOT_TMPFS, NULL);

        op->source = xstrdup("/usr");
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                strv_push(&op->options, options[i]);
        STRV_FOREACH (link, b->facts->usr_links) {
                const char *equals = strchr(*link, '=');
                _cleanup_free_ char *path = xasprintf("/%.*s", (int)(equals - *link), *link);
                plan_add(p, PHASE_ROOT, OP_SYMLINK, path)->source = xstrdup(equals + 1);
        }
        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                plan_add(p, PHASE_ROOT, OP_MKDIR, directories[i])->mode = str_eq(directories[i], "/root") ? 0750 : 0755;
}

static void add_state(PlanBuild *b)
{
        static const char *const options[] = {VOLATILE_OPTIONS};
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_MOUNT, "/var");

        op->fstype = xstrdup("tmpfs");
        op->source = xstrdup("tmpfs");
        op->attrs = MOUNT_ATTR_STRICTATIME;
        op->node = NODE_DIRECTORY;
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                strv_push(&op->options, options[i]);
}

/* Programs look for /bin/sh and a home; a root that is read-only stays as it is. */
static void add_missing(PlanBuild *b)
{
        STRV_FOREACH (link, b->facts->missing_links) {
                const char *equals = strchr(*link, '=');
                _cleanup_free_ char *path = xasprintf("/%.*s", (int)(equals - *link), *link);
                plan_add(b->plan, PHASE_ROOT, OP_SYMLINK, path)->source = xstrdup(equals + 1);
        }
        STRV_FOREACH (directory, b->facts->missing_directories) {
                _cleanup_free_ char *path = xasprintf("/%s", *directory);
                plan_add(b->plan, PHASE_ROOT, OP_MKDIR, path)->mode = str_eq(*directory, "root") ? 0750 : 0755;
        }
}

void plan_root(PlanBuild *b)
{
        const MachineSpec *s = b->spec;
        int slot = add_image(b);

        /* Hooks of a bundle find it where it is on the host, with all that is mounted there. */
        plan_add(b->plan, PHASE_ROOT, OP_ATTACH_ROOT, s->bundle ? b->facts->root_directory : NULL)->slot = slot;
        plan_disk_usr(b);
        if (s->pivot_root)
                plan_add(b->plan, PHASE_ROOT, OP_SUB_ROOT, s->pivot_root)->source = xstrdup(s->pivot_root_old);
        if (s->volatile_mode == SPEC_VOLATILE_YES)
                add_usr_only(b);
        else if (!b->read_only || s->volatile_mode == SPEC_VOLATILE_OVERLAY)
                add_missing(b);
        if (s->volatile_mode == SPEC_VOLATILE_STATE)
                add_state(b);
        plan_disk_parts(b);
}
