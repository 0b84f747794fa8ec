/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "plan/plan.h"
#include "sys/idmap.h"

/* The plan's ID maps as the kernel takes them. disk_base is added to the inside IDs: what on disk begins there is 0 in the machine. */
typedef struct IdMaps {
        SysIdMaps maps;
        SysIdRange *uids, *gids;
} IdMaps;
void id_maps_make(IdMaps *m, const MachinePlan *plan, uint32_t disk_base);
void id_maps_done(IdMaps *m);

/* PHASE_TREES, in the supervisor, with the host's namespaces and rights: fills slots[plan->n_slots] with detached mounts. userns_fd is
 * the machine's user namespace, -1 without. */
int trees_make(const MachinePlan *plan, int userns_fd, int *slots, Error *e);

/* A detached file system in memory; options as KEY=VALUE words. */
int tree_tmpfs(char *const *words, uint64_t attrs, Error *e);

/* OP_TREE_DEVICES: a file system that is the host's, as the kernel opens no device on one of a user namespace, with nodes that belong to
 * the machine's root. */
int tree_devices(const MachinePlan *plan, const PlanOp *op, Error *e);
