/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which devices a control group may use: in cgroup v2 that is not a controller's file, but a BPF program on the group. */

#include <stddef.h>
#include <linux/bpf.h>

#include "base/error.h"
#include "plan/plan.h"

/* Of each kind of access the last rule that fits counts; what no rule fits is allowed. Returns how many instructions, or -E2BIG. */
int devices_build(const SpecDeviceRule *rules, size_t n, struct bpf_insn *ret, size_t size);

/* OP_CGROUP_DEVICES, on the group that the descriptor is of. The program goes with the group. */
int devices_limit(int cgroup_fd, const PlanOp *op, Error *e);
