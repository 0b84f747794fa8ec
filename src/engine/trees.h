/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"
#include "plan/plan.h"

/* PHASE_TREES, in the supervisor, with the host's namespaces and rights: fills slots[plan->n_slots] with detached mounts. userns_fd is
 * the machine's user namespace, -1 without. */
int trees_make(const MachinePlan *plan, int userns_fd, int *slots, Error *e);
