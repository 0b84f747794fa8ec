/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs a plan and decides nothing. It knows no names, images, distributions or files in /etc. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "plan/plan.h"

typedef enum EngineEnd {
        ENGINE_EXITED,   /* the payload exited: status */
        ENGINE_POWEROFF, /* PID 1 called reboot(2) to halt or power off */
        ENGINE_REBOOT,   /* PID 1 called reboot(2) to restart: run the plan again */
        ENGINE_SIGNALED, /* PID 1 died of a signal: status */
        ENGINE_KILLED,   /* it was terminated from outside (stop time-out, third ^]) */
} EngineEnd;

typedef struct EngineResult {
        EngineEnd end;
        int status; /* exit status or signal number */
} EngineResult;

typedef struct EngineProcess {     /* what must be known to find a machine again without its supervisor */
        pid_t leader;              /* PID 1 of the machine, in the host's PID namespace */
        uint64_t leader_starttime; /* clock ticks, /proc/PID/stat field 22 */
        int leader_pidfd;          /* borrowed for the call */
        pid_t supervisor;
} EngineProcess;

typedef struct EngineHooks {
        void *ctx;
        /* After the namespaces exist and before the payload runs; a negative return ends the start with *e. The state on disk
         * is written here. */
        int (*created)(void *ctx, const EngineProcess *process, Error *e);
        /* READY=1 came from the payload's PID 1, or the payload was executed when the plan does not wait for that. */
        void (*ready)(void *ctx);
        /* Something went wrong that does not matter to the machine: a hook at its end. */
        void (*warning)(void *ctx, const char *text);
        /* STATUS= text of the payload's PID 1. */
        void (*status)(void *ctx, const char *text);
        /* Called every beat_usec while the machine is looked after; NULL: nobody wants to know. */
        void (*beat)(void *ctx);
        uint64_t beat_usec;
} EngineHooks;

typedef struct EngineIo {
        int in, out, err; /* pipe mode: the payload's descriptors; pty modes: where the console is joined to, -1 = nowhere */
        int console_log;  /* everything the console shows is appended here, -1 = nowhere */
        int control;      /* readable or hung up = stop as SIGTERM would, -1 = none */
} EngineIo;

/* Sets the machine up, supervises it in the calling process until its PID 1 is gone and everything it left is cleaned up
 * (cgroup, mounts, sockets: all die with the namespaces). Blocks SIGTERM, SIGINT, SIGHUP, SIGWINCH, SIGCHLD and SIGRTMIN+18
 * meanwhile: SIGTERM or SIGINT once sends the plan's stop signal, twice kills; SIGRTMIN+18 gives memory back, as systemd's programs
 * do with it; ^]^]^] within a second on an interactive console kills. Returns 0 with *ret, or -errno with *e when the start failed:
 * then nothing of it is left. */
int engine_run(const MachinePlan *plan, const EngineIo *io, const EngineHooks *hooks, EngineResult *ret, Error *e);

typedef struct EngineEnter {
        int leader_pidfd;        /* of the machine's PID 1 */
        const char *cgroup;      /* cgroup2 path the process joins, NULL = none */
        char *const *cgroups_v1; /* directories of cgroup v1 hierarchies, which have the limits on some hosts; NULL = none */
        const MachinePlan *plan; /* from plan_enter() */
        bool pty;                /* give it a terminal of the machine's devpts, joined to in and out (a terminal) */
        int in, out, err;
} EngineEnter;

/* Runs one command in a running machine (setns(2) on the pidfd, Linux 5.8) and waits for it. *ret_status is what a shell
 * would show: the exit status, or 128 + signal. Signals that reach berth are passed on. */
int engine_enter(const EngineEnter *enter, int *ret_status, Error *e);

/* Asks the leader to stop with `signal` (0: kill at once), waits up to timeout_usec for its end, then kills the cgroup and
 * the leader. 1 if it had to be killed, 0 if it went by itself. */
int engine_stop(int leader_pidfd, const char *cgroup, int signal, uint64_t timeout_usec, Error *e);

typedef struct EngineBind {
        pid_t leader;       /* of the machine; that it still is, is for the caller to know */
        const char *source; /* of the host */
        const char *target; /* in the machine */
        bool mapped;        /* it has a user namespace, whose IDs stand for the same ones of the source */
        bool read_only, make;
} EngineBind;

/* Mounts a file or tree of the host, with what is mounted below it, in a running machine. */
int engine_bind(const EngineBind *b, Error *e);
