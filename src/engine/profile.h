/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* OP_FILTER: a system call filter that a bundle brings along, as a BPF program. */

#include <stdbool.h>
#include <linux/filter.h>

#include "base/error.h"
#include "plan/plan.h"

typedef struct ProfileProgram {
        struct sock_filter *code;
        size_t n;
        uint32_t flags;
} ProfileProgram;

/* -E2BIG: more than the kernel takes. To be freed by profile_done(). */
int profile_build(const PlanFilter *filter, ProfileProgram *ret);
/* Also a new descriptor, close-on-exec, of who decides calls when `listen` says so; else 0. */
int profile_load(const ProfileProgram *program, bool listen);
void profile_done(ProfileProgram *program);
