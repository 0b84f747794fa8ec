/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One machine from its start to its end, in the process that supervises it: reboots included. */

#include "engine/engine.h"
#include "machine/run-notify.h"
#include "machine/run-target.h"

typedef struct Session {
        char *cgroup; /* the plan's, when it is not where the caller is: a scope's; NULL: as planned */
        Target *target;
        MachinePlan plan;
        Machine record;
        int ports_pidfd;             /* of the process that keeps its published ports; -1: there are none */
        void (*on_ready)(void *ctx); /* may be NULL */
        void *ctx;
        HostNotify notify; /* fd -1: nobody is told */
        bool ready;
        bool registered; /* with systemd-machined */
} Session;

/* Takes the plan over and works until the machine has ended for good. */
int session_run(Session *s, const EngineIo *io, EngineResult *ret, Error *e);
