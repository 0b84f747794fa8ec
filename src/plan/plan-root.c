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

static void add_memory(PlanBuild *b, const char *kept)
{
        static const char *const options[] = {VOLATILE_OPTIONS};
        PlanOp *op = plan_add(b->plan, PHASE_ROOT, OP_ROOT_TMPFS, NULL);

        op->source = xstrdup(kept);
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                strv_push(&op->options, options[i]);
}

static void add_links(PlanBuild *b, char *const *links)
{
        STRV_FOREACH (link, links) {
                const char *equals = strchr(*link, '=');
                _cleanup_free_ char *path = xasprintf("/%.*s", (int)(equals - *link), *link);
                plan_add(b->plan, PHASE_ROOT, OP_SYMLINK, path)->source = xstrdup(equals + 1);
        }
}

/* A root in memory has nothing in it but the image's /usr, and the links that lead there. */
static void add_usr_only(PlanBuild *b, char *const *links)
{
        static const char *const directories[] = {"/etc", "/var", "/root"};

        add_links(b, links);
        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                plan_add(b->plan, PHASE_ROOT, OP_MKDIR, directories[i])->mode = str_eq(directories[i], "/root") ? 0750 : 0755;
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
        add_links(b, b->facts->missing_links);
        STRV_FOREACH (directory, b->facts->missing_directories) {
                _cleanup_free_ char *path = xasprintf("/%s", *directory);
                plan_add(b->plan, PHASE_ROOT, OP_MKDIR, path)->mode = str_eq(*directory, "root") ? 0750 : 0755;
        }
}

/* An image with a partition for /usr and none for the root (systemd-nspawn makes one like --volatile=yes of it). */
static void root_of_usr(PlanBuild *b)
{
        add_memory(b, NULL);
        plan_disk_usr(b);
        add_usr_only(b, b->facts->missing_links);
        if (b->spec->pivot_root)
                plan_add(b->plan, PHASE_ROOT, OP_SUB_ROOT, b->spec->pivot_root)->source = xstrdup(b->spec->pivot_root_old);
        plan_disk_parts(b);
}

void plan_root(PlanBuild *b)
{
        const MachineSpec *s = b->spec;
        if (plan_disk_is_usr(b->parts, b->n_parts)) {
                root_of_usr(b);
                return;
        }
        int slot = add_image(b);

        /* Hooks of a bundle find it where it is on the host, with all that is mounted there. */
        plan_add(b->plan, PHASE_ROOT, OP_ATTACH_ROOT, s->bundle ? b->facts->root_directory : NULL)->slot = slot;
        plan_disk_usr(b);
        if (s->pivot_root)
                plan_add(b->plan, PHASE_ROOT, OP_SUB_ROOT, s->pivot_root)->source = xstrdup(s->pivot_root_old);
        if (s->volatile_mode == SPEC_VOLATILE_YES) {
                add_memory(b, "/usr");
                add_usr_only(b, b->facts->usr_links);
        } else if (!b->read_only || s->volatile_mode == SPEC_VOLATILE_OVERLAY)
                add_missing(b);
        if (s->volatile_mode == SPEC_VOLATILE_STATE)
                add_state(b);
        plan_disk_parts(b);
}
