/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the siblings meet, the half that runs machines (run-*.c): registry, start, stop, enter, list. The half that makes them is
 * machine/create.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/events.h"
#include "spec/spec.h"
#include "plan/plan.h"
#include "store/store.h"

/* Where everything is: defaults, or BERTH_MACHINES, BERTH_STATE, BERTH_RUN, BERTH_CACHE, BERTH_LOG, BERTH_SETTINGS, BERTH_CGROUP. */
typedef struct MachineHost {
        char *machines_dir;   /* /var/lib/machines */
        char *state_dir;      /* /var/lib/berth: id-ranges/NAME */
        char *run_dir;        /* /run/berth: machines/NAME/{state,console.log}, locks/ of what is being created */
        char *cache_dir;      /* /var/cache/berth */
        char *log_dir;        /* /var/log/berth: NAME.log, what the console of a machine that ended showed */
        char *cgroup_parent;  /* cgroup2 path below which machines get theirs; NULL: machine.slice or the caller's own */
        char *hosts_file;     /* /etc/hosts, or with BERTH_RUN one beside the records: names of machines */
        char **settings_dirs; /* /etc/systemd/nspawn, /run/systemd/nspawn: NAME.nspawn there is trusted */
        bool rootless;        /* an ordinary user, with all of these below its home and $XDG_RUNTIME_DIR */
        uid_t uid;            /* the caller's, and group */
        gid_t gid;
        char *runtime_dir; /* rootless: $XDG_RUNTIME_DIR; NULL: there is none */
        bool entered;      /* the user namespace in which it is root */
        Events events;
} MachineHost;
void machine_host_init(MachineHost *h);
void machine_host_done(MachineHost *h);
/* Becomes root over the user's own and subordinate IDs, in a user namespace, for the rest of this process's life. Nothing for root. */
int machine_host_enter(MachineHost *h, Error *e);

/* One running machine, as the registry has it: /run/berth/machines/NAME/state, KEY=VALUE lines. A record whose leader is gone (pid and
 * start time, or another boot_id: the host was restarted) is no machine: it is removed when seen, and with it what its supervisor could
 * not clean up. */
typedef struct Machine {
        char *name;
        char *boot_id; /* of the host, when the machine was started */
        char *class;   /* "container" */
        char *service; /* "berth"; machines registered by others: theirs */
        char *root;    /* directory or mstack path */
        char *cgroup;
        char *cgroup_v1; /* directories of its groups in hierarchies of cgroup v1, one a line; NULL: none */
        pid_t leader;
        uint64_t leader_starttime;
        pid_t supervisor;
        uint64_t started_usec;      /* realtime */
        char *state;                /* "opening", "running", "closing" */
        uint32_t id_base, id_count; /* 0, 0: no user namespace */
        char *init;                 /* plan_init_name(); NULL: it was not booted */
        int stop_signal, reboot_signal;
        uint64_t stop_timeout_usec;
        bool network_private;
        char *system_call_filter, *address_families; /* words with blanks between, as the machine was started with; NULL: none */
        bool suppress_sync;
        char *network_links, *network_moved, *network_tables,
                        *network_zone;        /* what its network left on the host (run-network.h) */
        char *os_id, *os_version, *os_pretty; /* of the image's os-release */
        char **addresses;                     /* filled on request */
} Machine;
void machine_done(Machine *m);

/* ---- registry (run-registry.c) ---- */
int machine_find(const MachineHost *h, const char *name, Machine *ret, Error *e);                    /* -ENOENT: not running */
int machine_list(const MachineHost *h, bool with_addresses, Machine **ret, size_t *ret_n, Error *e); /* by name */
void machine_list_free(Machine *v, size_t n);
int machine_open_leader(const Machine *m); /* pidfd, checked by start time; -ESRCH */
int machine_open_root(const Machine *m);   /* its root directory as it sees it, O_PATH; -ESRCH when the leader is gone */
void machine_addresses(
                Machine *m); /* fills m->addresses: those of its own network, loopback and link-local ones left out as machinectl does */
void machine_self(Machine *ret);                                                  /* the host, as machinectl lists it */
char *machine_console_tail(const MachineHost *h, const char *name, size_t lines); /* NULL when nothing was shown */

/* ---- start and run (run-start.c, run-background.c) ----
 * `spec` is what the caller was asked for; settings files and the defaults of the verb are merged below it. It is emptied. */
typedef enum MachineVerb {
        MACHINE_RUN,
        MACHINE_START,
        MACHINE_NSPAWN, /* run, with the defaults of systemd-nspawn(1) */
} MachineVerb;
/* Reads the image, makes the facts and the plan. Changes nothing: a machine without an ID range gets the plan of the one it would be
 * given. */
int machine_plan(const MachineHost *h, MachineVerb verb, MachineSpec *spec, MachinePlan *ret, Error *e);
/* Foreground: MACHINE_RUN or MACHINE_NSPAWN. *ret_status is the exit status for the shell. */
int machine_run(const MachineHost *h, MachineVerb verb, MachineSpec *spec, int *ret_status, Error *e);
/* Background: a supervisor process is left behind, the call returns when the machine is up (READY=1, or its init runs) or has failed. */
int machine_start(const MachineHost *h, MachineSpec *spec, uint64_t timeout_usec /* USEC_INFINITY = none */, Error *e);
/* By its settings alone, without a time-out. */
int machine_start_name(const MachineHost *h, const char *name, Error *e);
/* The settings that hold for a machine that exists: its .nspawn file and the defaults of `berth start`. */
int machine_settings(const MachineHost *h, const char *name, MachineSpec *ret, Error *e);

/* ---- stop (run-stop.c) ---- */
/* All are asked at once and then waited for; each one that could not be stopped is an error, the last is returned. */
int machine_poweroff(const MachineHost *h, char *const *names, uint64_t timeout_usec /* USEC_INFINITY = each machine's own */,
                     Error *e);
int machine_terminate(const MachineHost *h, const char *name, Error *e);

/* To all processes, or PID 1 alone; signal 0: SIGTERM (run-signal.c). */
int machine_kill(const MachineHost *h, const char *name, bool leader_only, int signal, Error *e);
int machine_pause(const MachineHost *h, const char *name, bool on, Error *e);
bool machine_is_paused(const Machine *m);
const char *machine_state(const Machine *m); /* borrowed: m->state, or "paused" */
/* All are asked at once, and then waited for until they are up again (run-reboot.c). */
int machine_reboot(const MachineHost *h, char *const *names, uint64_t timeout_usec, Error *e);
/* Until all are so (run-ready.c); -ETIMEDOUT. */
typedef enum MachineWait { WAIT_RUNNING, WAIT_READY, WAIT_EXIT } MachineWait;
int machine_wait(const MachineHost *h, char *const *names, MachineWait what, uint64_t timeout_usec, Error *e);

/* ---- with the host (run-autostart.c) ---- */
typedef struct MachineAutostart {
        char **after;        /* machines that shall be ready before, if they start with the host, too */
        uint64_t delay_usec; /* after those */
} MachineAutostart;
int machine_enable(const MachineHost *h, const char *name, const MachineAutostart *how, bool now, Error *e);
int machine_disable(const MachineHost *h, const char *name, bool now, Error *e);
/* Starts all that are enabled and do not run; some at a time. Each failure is a warning; -EIO when there was one. */
int machine_autostart(const MachineHost *h, Error *e);

/* ---- console (run-console.c, run-log.c) ---- */
/* The caller's terminal at the console of a machine in the background, until ^]^]^] or its end. */
int machine_console(const MachineHost *h, const char *name, Error *e);
/* What it showed, as text; of one that does not run, when it last did. */
int machine_log(const MachineHost *h, const char *name, size_t lines, bool follow, int out, Error *e);

/* ---- what it uses (run-usage.c) ---- */
typedef struct MachineUsage {
        uint64_t cpu_usec, memory;
        uint64_t memory_max; /* 0: no limit */
        uint64_t oom_kills, forks_refused;
        size_t processes, tasks;
} MachineUsage;
int machine_usage(const Machine *m, MachineUsage *ret); /* -EOPNOTSUPP: it has no control group */

/* ---- files (run-copy.c) ---- */
typedef struct MachineCopy {
        bool from_machine, force;
        const char *inside, *outside; /* paths; inside an absolute one */
} MachineCopy;
int machine_copy(const MachineHost *h, const char *name, const MachineCopy *what, Error *e);
/* A file or tree of the host in a running machine, with owners mapped. */
int machine_bind(const MachineHost *h, const char *name, const char *source, const char *target, bool read_only, bool make,
                 Error *e);

/* ---- settings files (run-edit.c) ---- */
/* The one that holds for a machine, or the path itself when it has a '/' in it; NULL: there is none yet. */
int machine_settings_path(const MachineHost *h, const char *name, char **ret, Error *e);
/* Where a new one would be; its directory is made. */
int machine_settings_new(const MachineHost *h, const char *name, char **ret, Error *e);
/* Whether all in `text` can be read; mistakes are named as of `path`. */
int machine_settings_check(const MachineHost *h, const char *path, const char *text, size_t len, Error *e);

/* ---- enter (run-enter.c) ---- */
/* spec: user, environment, chdir, parameters. A pty if and only if standard input is a terminal. */
int machine_shell(const MachineHost *h, const char *name, const MachineSpec *spec, int *ret_status, Error *e);

/* The machine's own login program at a new terminal. */
int machine_login(const MachineHost *h, const char *name, int *ret_status, Error *e);

/* ---- chroot (run-chroot.c) ---- */
typedef struct MachineChroot {
        const char *what;     /* a path, or the name of a machine that does not run */
        char *const *command; /* empty: a login shell */
        const char *boot;     /* device to mount on /boot; NULL: none */
        bool read_only;       /* then the machine may run, too */
} MachineChroot;
int machine_chroot(const MachineHost *h, const MachineChroot *request, int *ret_status, Error *e);

/* ---- images (run-image.c) ---- */
int machine_images(const MachineHost *h, StoreImage **ret, size_t *ret_n, Error *e); /* free with store_images_free() */
int machine_rename(const MachineHost *h, const char *name, const char *new_name, Error *e);
int machine_read_only(const MachineHost *h, const char *name, bool on, Error *e);
int machine_set_limit(const MachineHost *h, const char *name, uint64_t bytes /* STORE_UNKNOWN: none */, Error *e);
int machine_snapshots(const MachineHost *h, const char *name, StoreSnapshot **ret, size_t *ret_n, Error *e); /* oldest first */
/* With an identity of its own, which a note lists, or the same one. driver: _STORE_DRIVER_INVALID = that of the first one. */
int machine_clone(const MachineHost *h, const char *name, const char *new_name, bool same, StoreDriverId driver, Error *e);
/* On another driver; snapshots come along as whole copies, or are dropped. */
int machine_convert(const MachineHost *h, const char *name, StoreDriverId driver, bool snapshots, Error *e);
int machine_flatten(const MachineHost *h, const char *name, Error *e); /* one layer in place of many */
int machine_snapshot(const MachineHost *h, const char *name, const char *snapshot, Error *e);
int machine_rollback(const MachineHost *h, const char *name, const char *snapshot, bool restart, Error *e);
/* ---- several at one instant, and schedules (run-snapshot-set.c) ---- */
/* Each gets a snapshot of the set's name; all or none. */
int machine_snapshot_set(const MachineHost *h, char *const *names, const char *set, Error *e);
/* The machines whose snapshots belong to this one; NULL: it is in no set. */
char **machine_snapshot_set_of(const MachineHost *h, const char *name, const char *snapshot);
/* All or none, also after a kill. */
int machine_rollback_set(const MachineHost *h, const char *set, bool restart, Error *e);
int machine_remove_set(const MachineHost *h, const char *set, Error *e); /* the snapshots, and that they are a set */
/* Each gets a snapshot named by the time, and loses those of that kind that the rule (keep_parse()) does not keep. */
int machine_snapshot_keep(const MachineHost *h, char *const *names, const char *keep, Error *e);
int machine_remove(const MachineHost *h, const char *name, Error *e); /* with its snapshots */
int machine_snapshot_remove(const MachineHost *h, const char *name, const char *snapshot, Error *e);

/* ---- what there is to know of images (run-image-info.c) ---- */
typedef struct MachineImage {
        StoreImage image;
        bool hidden; /* a finished image that machines are cloned from */
        StoreUsage usage;
        char *hostname, *machine_id, *os; /* by machine_image_info() alone, as the next one */
        size_t n_snapshots;
} MachineImage;
void machine_image_done(MachineImage *i);
int machine_image_list(const MachineHost *h, bool all /* hidden ones, too */, MachineImage **ret, size_t *ret_n, Error *e);
void machine_image_list_free(MachineImage *v, size_t n);
int machine_image_info(const MachineHost *h, const char *name, MachineImage *ret, Error *e);

typedef struct MachinePool {  /* the file system of the machines */
        StoreDriverId driver; /* of new machines */
        uint64_t used, size;
} MachinePool;
int machine_pool(const MachineHost *h, MachinePool *ret, Error *e);

/* ---- what should not be there (run-fsck.c): the store as it is, ranges, sets, records; name NULL: all ---- */
int machine_fsck(const MachineHost *h, const char *name, bool repair, StoreProblems *ret, Error *e);

/* ---- two states of a machine (run-diff.c) ---- */
typedef enum MachineChange { CHANGE_ADDED, CHANGE_CHANGED, CHANGE_REMOVED, _CHANGE_MAX } MachineChange;
enum { DIFF_CONTENT = 1, DIFF_MODE = 2, DIFF_OWNER = 4, DIFF_ATTRIBUTES = 8, DIFF_TIME = 16 };
typedef struct DiffFile {
        MachineChange change;
        unsigned what; /* of CHANGE_CHANGED: DIFF_* */
        char *path;
} DiffFile;
typedef struct DiffPackage {
        MachineChange change;
        char *name, *from, *to; /* versions, NULL where there is none */
} DiffPackage;
typedef struct MachineDiff {
        struct {
                DiffFile *items; /* in the order of names */
                size_t n;
        } files;
        struct {
                DiffPackage *items;
                size_t n;
        } packages;
        size_t counts[_CHANGE_MAX]; /* of files */
} MachineDiff;
/* Snapshot `from` against snapshot `to` (NULL: the machine as it is). */
int machine_diff(const MachineHost *h, const char *name, const char *from, const char *to, MachineDiff *ret, Error *e);
void machine_diff_done(MachineDiff *d);

/* ---- networks that lead machines into the host's LAN (run-lan.c) ---- */
typedef struct MachineLan {
        char *name, *uplink;
        bool macvlan;   /* else a bridge */
        bool dhcp;      /* an address of its own from the LAN's server */
        bool take_over; /* the uplink's addresses and routes */
        bool accept_ra;
        char *vlans;                  /* "10,20-29": with their tags over the uplink; NULL: tags are nobody's business */
        char **addresses, **gateways; /* "192.0.2.1/24" */
        bool there;                   /* by machine_lans(), as the next two */
        char **ports;                 /* interfaces of machines */
        char **has;                   /* addresses */
} MachineLan;
void machine_lan_done(MachineLan *l);
int machine_lan_create(const MachineHost *h, const MachineLan *wanted, Error *e);
int machine_lans(const MachineHost *h, MachineLan **ret, size_t *ret_n, Error *e); /* by name */
void machine_lans_free(MachineLan *v, size_t n);
int machine_lan_find(const MachineHost *h, const char *name, MachineLan *ret, Error *e); /* -ENOENT */
int machine_lan_delete(const MachineHost *h, const char *name, Error *e);
/* Makes those that are not there, as after a boot; NULL: all of them that nobody else makes. */
int machine_lan_up(const MachineHost *h, char *const *names, Error *e);

/* ---- what this host offers (run-check.c) ---- */
typedef struct MachineCheck {
        const char *name;
        bool ok, needed; /* needed: nothing runs without it */
        char *detail;    /* what was found, or what is lost without it and the way out */
} MachineCheck;
int machine_check(const MachineHost *h, MachineCheck **ret, size_t *ret_n); /* free with machine_check_free() */
void machine_check_free(MachineCheck *v, size_t n);
