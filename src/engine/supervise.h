/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The supervisor of one machine, from the moment its PID 1 exists. One thread, one epoll loop, no allocation in it. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/console.h"
#include "engine/engine.h"
#include "engine/listener.h"

typedef struct Supervisor {
        const MachinePlan *plan;
        const EngineIo *io;
        const EngineHooks *hooks;
        pid_t leader;
        int pidfd; /* of the leader */
        int sock;  /* to the child while it is being set up, -1 afterwards */
        int epoll, signals, notify, kmsg;
        int unused; /* to be closed when there is nothing more urgent */
        Console console;
        Listener listener;
        bool executing; /* MESSAGE_EXEC came: the end of the socket means that the payload runs */
        bool started, ready, killed;
        bool slim_when_idle; /* something happened since memory was last given back */
        unsigned stops;      /* how often somebody asked for the end */
        uint64_t deadline;   /* monotonic; 0 = none */
        uint64_t next_beat;  /* the same, for hooks->beat */
} Supervisor;

void supervisor_init(Supervisor *s, const MachinePlan *plan, const EngineIo *io, const EngineHooks *hooks);
/* Registers what is to be watched; `signals` is a signalfd. */
int supervisor_open(Supervisor *s, Error *e);
/* Until the leader is gone. -errno and *e when it could not be started, what is left of it is killed then. */
int supervisor_run(Supervisor *s, Error *e);
void supervisor_close(Supervisor *s);

/* PHASE_RUNTIME, PHASE_STARTED or PHASE_STOPPED: all hooks in turn. */
int supervisor_run_hooks(Supervisor *s, PlanPhase phase, Error *e);

/* How a machine ended, from what waitid(2) tells of its PID 1: reboot(2) in a PID namespace shows as SIGHUP or SIGINT. */
EngineResult supervisor_result(const siginfo_t *info, bool pid_namespace, bool killed);
