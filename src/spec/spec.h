/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* MachineSpec: plain data, what a machine shall be. Every front end (command line, .nspawn file, OCI config.json, stored defaults)
 * fills one; nothing else describes a container. It owns its strings and holds no descriptors, pids or handles. A member counts
 * only when its field is marked as set (spec_is_set()); the plan supplies the default for all others.
 * Sources of the settings: systemd-nspawn(1), systemd.nspawn(5). */

#include <stdbool.h>
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

typedef enum SpecVolatile { SPEC_VOLATILE_NO, SPEC_VOLATILE_YES, SPEC_VOLATILE_STATE, SPEC_VOLATILE_OVERLAY, _SPEC_VOLATILE_MAX, _SPEC_VOLATILE_INVALID = -22 } SpecVolatile;

typedef enum SpecMountType { SPEC_MOUNT_BIND, SPEC_MOUNT_TMPFS, SPEC_MOUNT_INACCESSIBLE, SPEC_MOUNT_OVERLAY, _SPEC_MOUNT_TYPE_MAX, _SPEC_MOUNT_TYPE_INVALID = -22 } SpecMountType;

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
        char *source;   /* bind: absolute host path, or below the image when source_in_image */
        bool source_in_image;
        char **lower;   /* overlay: lowest first */
        char *upper;    /* overlay: NULL when read-only */
        char *target;   /* absolute, inside */
        char *options;  /* tmpfs: mount options as given, NULL = mode=0755 */
} SpecMount;

typedef struct SpecMounts { SpecMount *items; size_t n; } SpecMounts;

#define SPEC_RLIMITS 16
typedef struct SpecRlimit { bool set; uint64_t soft, hard; } SpecRlimit; /* RLIM_INFINITY as UINT64_MAX; index is RLIMIT_* */

typedef struct MachineSpec {
        uint64_t set;             /* bit per SpecField, spec/field.h */
        char *origin[64];         /* where each set field came from, "argument 3" or "FILE:LINE"; NULL when unset */

        /* Image */
        char *directory;          /* --directory=, absolute */
        char *machine;            /* --machine= */
        bool ephemeral;
        bool read_only;
        SpecVolatile volatile_mode;

        /* Execution */
        bool boot, as_pid2;
        char **parameters;        /* the command, or the init's arguments */
        char **environment;       /* NAME=VALUE */
        char *user;               /* name or decimal ID */
        char *chdir;
        int kill_signal;          /* signal number */
        bool notify_ready;
        bool suppress_sync;
        bool no_new_privileges;
        char *hostname;
        char *machine_id;         /* 32 hex digits */
        uint64_t personality;     /* personality(2) value */

        /* Users */
        SpecUsers users;
        uint32_t users_base, users_count;

        /* Network */
        SpecNetwork network;

        /* Security */
        uint64_t capability, drop_capability; /* bit per CAP_* */

        /* Resources */
        SpecRlimit rlimit[SPEC_RLIMITS];
        int oom_score_adjust;
        uint64_t cpu_affinity[16]; /* bit per CPU, 1024 */

        /* Mounts, in the order given */
        SpecMounts mounts;

        /* Input and output */
        SpecConsole console;
        bool quiet;
        uint64_t stop_timeout_usec; /* between the polite stop signal and SIGKILL */
} MachineSpec;

void spec_init(MachineSpec *s);
void spec_done(MachineSpec *s);
/* Takes into `base` every field set in `over` (which wins); groups are replaced as a whole: a list given by `over` hides base's list. */
void spec_merge(MachineSpec *base, MachineSpec *over);
/* Both directions of the settings tables, for show --json and for the fuzzers. */
char *spec_to_nspawn(const MachineSpec *s);
