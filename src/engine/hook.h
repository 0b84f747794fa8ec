/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* OP_HOOK: a program of an OCI bundle that is told the state of the machine as JSON on its standard input, and must succeed in time.
 * Its output goes to our standard error. Who runs it says in which namespaces: the supervisor, or the machine's PID 1. */

#include "base/error.h"
#include "plan/plan.h"

typedef struct HookState {
        const char *status; /* "creating", "created", "running" or "stopped" */
        pid_t pid;          /* of the machine's PID 1 on the host; 0: there is none any more */
        int interrupt;      /* a descriptor that becomes readable when the hook shall be ended, -1: none */
} HookState;

/* Appends what was not known before to op->source: {"ociVersion":…,"status":"creating","pid":4711}. To be freed. */
char *hook_state_text(const PlanOp *op, const HookState *state);

int hook_run(const PlanOp *op, const HookState *state, Error *e);
