/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an OCI config.json (runtime-spec 1.0 to 1.3, Linux) says beyond the settings that all front ends have. Where there is a bundle, the
 * machine is what it describes and nothing else: no API file systems, devices or variables of a system container's own.
 * MachineSpec.bundle points to one. Actions, flags and attributes are the kernel's own numbers. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/spec.h"

typedef struct SpecNumber { /* that may be absent */
        bool set;
        int64_t value;
} SpecNumber;

typedef enum SpecNamespaceType {
        SPEC_NAMESPACE_PID,
        SPEC_NAMESPACE_NETWORK,
        SPEC_NAMESPACE_MOUNT,
        SPEC_NAMESPACE_IPC,
        SPEC_NAMESPACE_UTS,
        SPEC_NAMESPACE_USER,
        SPEC_NAMESPACE_CGROUP,
        SPEC_NAMESPACE_TIME,
        _SPEC_NAMESPACE_MAX,
        _SPEC_NAMESPACE_INVALID = -22,
} SpecNamespaceType;

typedef struct SpecNamespace {
        bool set;
        char *path; /* of one that exists; NULL: a new one */
} SpecNamespace;

typedef struct SpecTimeOffset {
        int64_t secs;
        uint32_t nanosecs;
} SpecTimeOffset;

typedef struct SpecBundleMount {
        char *target;                /* absolute */
        char *type, *source;         /* source: absolute for a bind mount */
        bool bind, recursive;        /* recursive: with the mounts below */
        uint64_t set, clear;         /* MOUNT_ATTR_* of the mount */
        uint64_t all_set, all_clear; /* and of all below ("rro") */
        uint64_t propagation[2];     /* MS_SHARED, …: of the mount, of all below; 0: none */
        bool copy_up;                /* tmpfs: begins with what the image has there */
        bool copy_symlink, source_nofollow, target_nofollow;
        bool idmap, idmap_recursive;
        SpecIdRanges uids, gids; /* of the mount; outside: as it appears. Empty: the machine's own */
        char **options;          /* the file system's */
} SpecBundleMount;

typedef struct SpecDevice {
        char type; /* 'c', 'b' or 'p' */
        char *path;
        uint32_t major, minor;
        uint32_t mode; /* permissions */
        uint32_t uid, gid;
} SpecDevice;

typedef enum SpecHookKind {
        SPEC_HOOK_PRESTART,
        SPEC_HOOK_CREATE_RUNTIME,
        SPEC_HOOK_CREATE_CONTAINER,
        SPEC_HOOK_START_CONTAINER,
        SPEC_HOOK_POSTSTART,
        SPEC_HOOK_POSTSTOP,
        _SPEC_HOOK_MAX,
} SpecHookKind;

typedef struct SpecHook {
        char *path, **args, **env;
        uint32_t timeout; /* seconds; 0: none */
} SpecHook;

typedef struct SpecHooks {
        SpecHook *items;
        size_t n;
} SpecHooks;

/* ---- resources ---- */

typedef struct SpecDeviceRule {
        bool allow;
        char type;               /* 'a', 'c' or 'b' */
        SpecNumber major, minor; /* not set: every one */
        bool read, write, mknod;
} SpecDeviceRule;

typedef struct SpecBlockLimit { /* of one block device */
        SpecNumber major, minor, value;
        SpecNumber leaf; /* leafWeight */
} SpecBlockLimit;

typedef struct SpecBlockLimits {
        SpecBlockLimit *items;
        size_t n;
} SpecBlockLimits;

typedef enum SpecThrottle { /* blockIO.throttle*Device */
                            SPEC_THROTTLE_READ_BPS,
                            SPEC_THROTTLE_WRITE_BPS,
                            SPEC_THROTTLE_READ_IOPS,
                            SPEC_THROTTLE_WRITE_IOPS,
                            _SPEC_THROTTLE_MAX,
} SpecThrottle;

typedef struct SpecNamedLimit { /* a huge page size, a network interface, an RDMA device */
        char *name;
        SpecNumber value, value2;
} SpecNamedLimit;

typedef struct SpecNamedLimits {
        SpecNamedLimit *items;
        size_t n;
} SpecNamedLimits;

typedef struct SpecResources {
        bool set;
        struct {
                SpecDeviceRule *items;
                size_t n;
        } devices;
        struct {
                SpecNumber limit, reservation, swap, kernel, kernel_tcp, swappiness; /* bytes; -1: none */
                SpecNumber disable_oom_killer, use_hierarchy;
                bool check_before_update;
        } memory;
        struct {
                SpecNumber shares, quota, burst, period, realtime_runtime, realtime_period, idle;
                char *cpus, *mems;
        } cpu;
        struct {
                SpecNumber weight, leaf_weight;
                SpecBlockLimits weight_devices, throttles[_SPEC_THROTTLE_MAX];
        } block;
        SpecNamedLimits hugepages, network_priorities, rdma;
        SpecNumber network_class, pids;
        char **unified; /* FILE=TEXT */
} SpecResources;

/* ---- seccomp ---- */

typedef enum SpecCompare { /* in the order of SCMP_CMP_* */
                           SPEC_COMPARE_NE,
                           SPEC_COMPARE_LT,
                           SPEC_COMPARE_LE,
                           SPEC_COMPARE_EQ,
                           SPEC_COMPARE_GE,
                           SPEC_COMPARE_GT,
                           SPEC_COMPARE_MASKED_EQ,
                           _SPEC_COMPARE_MAX,
} SpecCompare;

typedef struct SpecCallArgument {
        uint32_t index; /* 0 to 5 */
        SpecCompare compare;
        uint64_t value, mask; /* MASKED_EQ: (argument & mask) == value */
} SpecCallArgument;

typedef struct SpecCallRule {
        char **names;
        uint32_t action; /* SECCOMP_RET_*, with its error number */
        struct {
                SpecCallArgument *items;
                size_t n;
        } args; /* all of them, but those of one index are alternatives */
} SpecCallRule;

typedef struct SpecSeccomp {
        bool set;
        uint32_t action; /* of calls that no rule is about */
        uint32_t flags;  /* SECCOMP_FILTER_FLAG_* */
        char **archs;    /* "SCMP_ARCH_X86_64"; NULL: the native one */
        char *listener;  /* the socket of who decides the calls that ask somebody (SECCOMP_RET_USER_NOTIF), */
        char *metadata;  /* and what it is told besides */
        struct {
                SpecCallRule *items;
                size_t n;
        } rules;
} SpecSeccomp;

/* ---- the process ---- */

typedef struct SpecScheduler {
        bool set;
        uint32_t policy; /* SCHED_* */
        uint64_t flags;  /* SCHED_FLAG_* */
        int32_t nice, priority;
        uint64_t runtime, deadline, period; /* ns */
} SpecScheduler;

typedef struct SpecMemoryPolicy {
        bool set;
        uint32_t mode; /* MPOL_* with MPOL_F_* */
        uint64_t nodes[16];
} SpecMemoryPolicy;

typedef struct SpecBundle {
        char *directory;             /* of the bundle */
        char *version;               /* ociVersion */
        bool poststart_must_succeed; /* since 1.3 */
        char **annotations;          /* KEY=VALUE, for the state that hooks are given */

        bool terminal;
        uint32_t rows, columns; /* of the terminal; 0: the caller's */
        uint32_t uid, gid, umask;
        struct {
                uint32_t *items;
                size_t n;
        } groups;
        uint64_t bounding, effective, permitted, inheritable, ambient;
        char *apparmor, *selinux, *mount_label;
        SpecScheduler scheduler;
        uint32_t io_priority; /* as ioprio_set(2) has it; 0: none */
        SpecMemoryPolicy memory_policy;

        char *domainname;
        struct {
                SpecBundleMount *items;
                size_t n;
        } mounts;
        SpecHooks hooks[_SPEC_HOOK_MAX];
        SpecNamespace namespaces[_SPEC_NAMESPACE_MAX];
        SpecTimeOffset monotonic, boottime;
        SpecIdRanges uids, gids;
        struct {
                SpecDevice *items;
                size_t n;
        } devices;
        char *cgroup; /* cgroupsPath */
        SpecResources resources;
        char **sysctl; /* KEY=VALUE */
        SpecSeccomp seccomp;
        uint64_t root_propagation[2]; /* MS_SHARED, …, of the root, of all below too; 0: none is asked for */
        char **masked, **read_only;
} SpecBundle;

void spec_bundle_free(SpecBundle *b); /* NULL is fine */
/* Whether there are calls that somebody outside decides. */
bool spec_seccomp_notifies(const SpecSeccomp *s);
