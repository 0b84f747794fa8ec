/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the siblings meet, the half that runs machines (run-*.c): registry, start, stop, enter, list. The half that makes them is machine/create.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/events.h"
#include "spec/spec.h"
#include "plan/plan.h"
#include "store/store.h"

typedef struct MachineHost { /* where everything is; from defaults, the environment (BERTH_MACHINES, BERTH_STATE, BERTH_RUN) and options */
        char *machines_dir;   /* /var/lib/machines */
        char *state_dir;      /* /var/lib/berth: id-ranges/NAME */
        char *run_dir;        /* /run/berth: machines/NAME/{state.json,console.log,supervisor.lock} */
        char *cache_dir;      /* /var/cache/berth */
        Events events;
} MachineHost;
void machine_host_init(MachineHost *h);
void machine_host_done(MachineHost *h);

/* One running machine, as the registry has it: /run/berth/machines/NAME/state.json. A record whose leader is gone (pid and start time, or another boot_id:
 * the host was restarted) is no machine: it is removed when seen, and with it what its supervisor could not clean up. */
typedef struct Machine {
        char *name;
        char *class;               /* "container" */
        char *service;             /* "berth"; machines registered by others: theirs */
        char *root;                /* directory or mstack path */
        char *cgroup;
        pid_t leader;
        uint64_t leader_starttime;
        pid_t supervisor;
        uint64_t started_usec;     /* realtime */
        char *state;               /* "opening", "running", "closing" */
        uint32_t id_base, id_count; /* 0, 0: no user namespace */
        int stop_signal, reboot_signal;
        uint64_t stop_timeout_usec;
        bool network_private;
        char *os_id, *os_version, *os_pretty; /* of the image's os-release */
        char **addresses;          /* filled on request */
} Machine;
void machine_done(Machine *m);

/* ---- registry (run-registry.c) ---- */
int machine_find(const MachineHost *h, const char *name, Machine *ret, Error *e);       /* -ENOENT: not running */
int machine_list(const MachineHost *h, bool with_addresses, Machine **ret, size_t *ret_n, Error *e);
int machine_open_leader(const Machine *m);                                              /* pidfd, checked by start time; -ESRCH */

/* ---- start and run (run-start.c) ---- */
/* Reads the image, makes the facts and the plan. Nothing is changed but the machine's ID range, which is reserved when it has none (not with dry_run). */
int machine_plan(const MachineHost *h, const MachineSpec *spec, bool dry_run, MachinePlan *ret, Error *e);
/* Foreground: `berth run`. *ret_status is the exit status for the shell. */
int machine_run(const MachineHost *h, const MachineSpec *spec, int *ret_status, Error *e);
/* Background: a supervisor process is left behind, the call returns when the machine is up (READY=1, or its init runs) or has failed. */
int machine_start(const MachineHost *h, const MachineSpec *spec, Error *e);

/* ---- stop (run-stop.c) ---- */
int machine_poweroff(const MachineHost *h, const char *name, uint64_t timeout_usec /* USEC_INFINITY = the machine's own */, Error *e);
int machine_terminate(const MachineHost *h, const char *name, Error *e);

/* ---- enter (run-enter.c) ---- */
/* spec: user, environment, chdir, parameters. pty when both in and out are terminals. */
int machine_shell(const MachineHost *h, const char *name, const MachineSpec *spec, int *ret_status, Error *e);

/* ---- images (run-image.c) ---- */
int machine_clone(const MachineHost *h, const char *name, const char *new_name, Error *e);
int machine_snapshot(const MachineHost *h, const char *name, const char *snapshot, Error *e);
int machine_rollback(const MachineHost *h, const char *name, const char *snapshot, bool restart, Error *e);
int machine_remove(const MachineHost *h, const char *name, Error *e);

/* ---- what this host offers (run-check.c) ---- */
typedef struct MachineCheck { const char *name; bool ok, needed; char *detail; /* what it is for when missing */ } MachineCheck;
int machine_check(const MachineHost *h, MachineCheck **ret, size_t *ret_n); /* ret_n rows; the caller frees with machine_check_free */
void machine_check_free(MachineCheck *v, size_t n);
