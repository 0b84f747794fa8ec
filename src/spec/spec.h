/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MachineSpec: plain data, what a machine shall be. Every front end (command line, .nspawn file, OCI config.json, stored defaults)
 * fills one; nothing else describes a container. It owns its strings and holds no descriptors, pids or handles. A member counts
 * only when its field is marked as set (spec_is_set()); the plan supplies the default for all others.
 * Sources of the settings: systemd-nspawn(1), systemd.nspawn(5).
 *
 * A new setting is: a member here, a SpecField, a row in spec/field.c, one or more rows in spec/spelling.c, its use in src/plan,
 * and a golden test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef enum SpecUsers { /* systemd-nspawn --private-users= */
                         SPEC_USERS_NO,
                         SPEC_USERS_OWNER,    /* "yes": the range that the root directory's owner belongs to */
                         SPEC_USERS_PICK,     /* a free range, kept for the machine */
                         SPEC_USERS_IDENTITY, /* 0:0:65536 */
                         SPEC_USERS_FIXED,    /* users_base, users_count */
                         _SPEC_USERS_MAX,
                         _SPEC_USERS_INVALID = -22,
} SpecUsers;

typedef enum SpecNetwork {
        SPEC_NETWORK_HOST,    /* share the caller's network namespace */
        SPEC_NETWORK_PRIVATE, /* an own one with only loopback */
        _SPEC_NETWORK_MAX,
        _SPEC_NETWORK_INVALID = -22,
} SpecNetwork;

typedef enum SpecConsole { /* systemd-nspawn --console= */
                           SPEC_CONSOLE_INTERACTIVE,
                           SPEC_CONSOLE_READ_ONLY,
                           SPEC_CONSOLE_PASSIVE,
                           SPEC_CONSOLE_PIPE,
                           SPEC_CONSOLE_AUTOPIPE,
                           _SPEC_CONSOLE_MAX,
                           _SPEC_CONSOLE_INVALID = -22,
} SpecConsole;

typedef enum SpecMountType {
        SPEC_MOUNT_BIND,
        SPEC_MOUNT_TMPFS,
        SPEC_MOUNT_INACCESSIBLE,
        _SPEC_MOUNT_TYPE_MAX,
        _SPEC_MOUNT_TYPE_INVALID = -22,
} SpecMountType;

typedef enum SpecIdmap { /* the bind options noidmap, idmap, rootidmap, owneridmap */
                         SPEC_IDMAP_NONE,
                         SPEC_IDMAP_FULL,
                         SPEC_IDMAP_ROOT,
                         SPEC_IDMAP_OWNER,
                         _SPEC_IDMAP_MAX,
                         _SPEC_IDMAP_INVALID = -22,
} SpecIdmap;

typedef struct SpecMount {
        SpecMountType type;
        bool read_only, recursive;
        SpecIdmap idmap;
        char *source; /* bind: absolute host path, or below the image when source_in_image */
        bool source_in_image;
        char *target;  /* absolute, inside */
        char *options; /* tmpfs: mount options as given, NULL = mode=0755 */
} SpecMount;

typedef struct SpecMounts {
        SpecMount *items;
        size_t n;
} SpecMounts;

#define SPEC_RLIMITS 16
typedef struct SpecRlimit {
        uint64_t soft, hard; /* RLIM_INFINITY as UINT64_MAX; units of setrlimit(2) */
} SpecRlimit;

#define SPEC_CPU_WORDS 16 /* 1024 CPUs */

typedef enum SpecField {
        SPEC_FIELD_DIRECTORY,
        SPEC_FIELD_MACHINE,
        SPEC_FIELD_READ_ONLY,
        SPEC_FIELD_BOOT,
        SPEC_FIELD_AS_PID2,
        SPEC_FIELD_PARAMETERS,
        SPEC_FIELD_ENVIRONMENT,
        SPEC_FIELD_USER,
        SPEC_FIELD_CHDIR,
        SPEC_FIELD_KILL_SIGNAL,
        SPEC_FIELD_NOTIFY_READY,
        SPEC_FIELD_SUPPRESS_SYNC,
        SPEC_FIELD_NO_NEW_PRIVILEGES,
        SPEC_FIELD_HOSTNAME,
        SPEC_FIELD_MACHINE_ID,
        SPEC_FIELD_PERSONALITY,
        SPEC_FIELD_USERS,
        SPEC_FIELD_NETWORK,
        SPEC_FIELD_CAPABILITY,
        SPEC_FIELD_DROP_CAPABILITY,
        SPEC_FIELD_RLIMIT, /* sixteen, one for each RLIMIT_*: SPEC_FIELD_RLIMIT + RLIMIT_NOFILE */
        SPEC_FIELD_RLIMIT_LAST = SPEC_FIELD_RLIMIT + SPEC_RLIMITS - 1,
        SPEC_FIELD_OOM_SCORE_ADJUST,
        SPEC_FIELD_CPU_AFFINITY,
        SPEC_FIELD_MOUNTS,
        SPEC_FIELD_CONSOLE,
        SPEC_FIELD_QUIET,
        SPEC_FIELD_STOP_TIMEOUT,
        _SPEC_FIELD_MAX,
        _SPEC_FIELD_INVALID = -22,
} SpecField;

typedef struct MachineSpec {
        char *origin[_SPEC_FIELD_MAX]; /* where each field was set: "argument 3", "FILE:LINE"; NULL: it is not set */

        /* Image */
        char *directory; /* --directory=, absolute */
        char *machine;   /* --machine= */
        bool read_only;

        /* Execution */
        bool boot, as_pid2;
        char **parameters;  /* the command, or the init's arguments */
        char **environment; /* NAME=VALUE */
        char *user;         /* name or decimal ID */
        char *chdir;
        int kill_signal; /* signal number */
        bool notify_ready;
        bool suppress_sync;
        bool no_new_privileges;
        char *hostname;
        char *machine_id;     /* 32 hex digits, lower case */
        uint64_t personality; /* personality(2) value */

        /* Users */
        SpecUsers users;
        uint32_t users_base, users_count;

        /* Network */
        SpecNetwork network;

        /* Security */
        uint64_t capability, drop_capability; /* bit per CAP_*; UINT64_MAX = "all" */

        /* Resources */
        SpecRlimit rlimit[SPEC_RLIMITS]; /* index is RLIMIT_* */
        int oom_score_adjust;
        uint64_t cpu_affinity[SPEC_CPU_WORDS]; /* bit per CPU */

        /* Mounts, in the order given */
        SpecMounts mounts;

        /* Input and output */
        SpecConsole console;
        bool quiet;
        uint64_t stop_timeout_usec; /* between the polite stop signal and SIGKILL */
} MachineSpec;

void spec_init(MachineSpec *s);
void spec_done(MachineSpec *s);
#define _cleanup_spec_ _cleanup_(spec_done)

static inline bool spec_is_set(const MachineSpec *s, SpecField f)
{
        return s->origin[f] != NULL;
}
/* Says that a member was filled and from where; for front ends that assign members themselves instead of handing in text. */
void spec_mark(MachineSpec *s, SpecField f, const char *origin);
/* Takes a copy of the words as the command (or the init's arguments) and marks the field. No words: nothing happens. */
void spec_set_parameters(MachineSpec *s, char *const *words, const char *origin);

/* Takes into `base` every field set in `over` (which wins) and leaves `over` empty; groups are replaced as a whole: one mount or one
 * network switch in `over` hides all of base's. */
void spec_merge(MachineSpec *base, MachineSpec *over);

/* The spec as .nspawn text. Settings that have no key there (directory, machine, console, quiet, the stop time-out) are left out. */
char *spec_to_nspawn(const MachineSpec *s);
