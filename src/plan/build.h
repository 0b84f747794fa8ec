/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files that build a plan share; private to src/plan. */

#include "plan/plan.h"

#define PLAN_ENVIRONMENT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PLAN_MANAGER          "systemd-nspawn" /* what guests look for in $container: they know this one, and it is made the same */

typedef struct PlanBuild {
        const MachineSpec *spec;
        const HostFacts *facts;
        MachinePlan *plan;
        SpecUsers users;                     /* resolved */
        SpecIdmap root_idmap;                /* how the image's IDs come into the range */
        uint32_t disk_base;                  /* the ID on disk that is 0 inside then */
        bool chown;                          /* the image's files get owners of the range first */
        SpecNetwork network;                 /* resolved: whether it has one of its own */
        bool read_only;                      /* the root */
        uint64_t capabilities;               /* kept */
        uint32_t uid, gid;                   /* of the payload */
        PlanPart parts[_SPEC_PARTITION_MAX]; /* of a disk image, the root first */
        size_t n_parts;
} PlanBuild;

/* Appends an operation; path is copied and may be NULL. The pointer is good until the next one is added. */
PlanOp *plan_add(MachinePlan *p, PlanPhase phase, PlanOpType type, const char *path);
/* OP_TREE_BIND of a host path into a new slot, and OP_ATTACH of it at `path`; returns the latter. *ret_tree, if wanted, is the
 * index of the former. */
PlanOp *plan_add_host_bind(MachinePlan *p, const char *source, uint64_t attrs, const char *path, PlanNode node);

/* plan-check.c: resolves what the other parts go by, and refuses what cannot be had together or here. */
int plan_check(PlanBuild *b, Error *e);
/* The same for a process that enters a running machine: what its image and files are no longer matters. */
int plan_check_enter(PlanBuild *b, Error *e);
/* Names an option with where it came from: "--boot (argument 2)". The buffer is the caller's. */
typedef struct PlanOption {
        char s[160];
} PlanOption;
PlanOption plan_option(const MachineSpec *s, SpecField f, const char *name);

/* plan-users.c: the user namespace and its maps. */
int plan_users_resolve(PlanBuild *b, Error *e);
int plan_users_check(PlanBuild *b, Error *e);
void plan_users_range(PlanBuild *b);
/* The maps as lists, to which more can be added, when they are one range yet. */
void plan_users_list(PlanBuild *b);
/* plan-rootless.c: the IDs that an ordinary user has, and what it cannot have, by the options' names. */
int plan_rootless_check(const PlanBuild *b, Error *e);
void plan_rootless_range(PlanBuild *b);
/* plan-bind-user.c: users of the host, made known inside; their part of the maps, and their records and homes. */
int plan_bind_users_map(PlanBuild *b, Error *e);
void plan_bind_users(PlanBuild *b);
/* plan-network.c: what kind of network, and the interfaces in it. */
int plan_network_resolve(PlanBuild *b, Error *e);
int plan_network(PlanBuild *b, Error *e);
/* Who answers the machine's questions for names; family 0: nobody of ours. */
SpecAddress plan_network_server(const PlanBuild *b);
/* plan-address.c: which addresses machine and host get on a link of their own; family 0: none. */
typedef struct PlanSubnet {
        SpecAddress host, machine;   /* IPv4 */
        SpecAddress host6, machine6; /* family 0 without IPv6 */
} PlanSubnet;
int plan_subnet(const PlanBuild *b, const char *interface, PlanSubnet *ret, Error *e);
/* plan-syscall.c: the words of a filter as calls of each architecture. */
int plan_system_calls(PlanOp *op, char *const *words, Error *e);
/* The number of a call on each architecture, in the order of "archs"; NULL: there is no such call. */
char **plan_system_call_columns(const char *name);
/* plan-seccomp.c: a bundle's own filter. */
int plan_seccomp(PlanOp *op, const SpecSeccomp *seccomp, Error *e);
/* plan.c: where systemd.slice(5) has a slice. */
char *plan_slice_path(const char *slice);
/* plan-bundle.c: what an OCI bundle makes of a machine, instead of plan-api-fs.c and plan-integration.c. */
int plan_bundle_check(PlanBuild *b, Error *e);
void plan_bundle_namespaces(PlanBuild *b);
char *plan_bundle_cgroup(const char *path, const char *parent);
int plan_bundle_mounts(PlanBuild *b, Error *e);
int plan_bundle_finish(PlanBuild *b, Error *e);
/* plan-bundle-process.c */
int plan_bundle_process(PlanBuild *b, Error *e);
void plan_bundle_hooks(PlanBuild *b, SpecHookKind kind, PlanPhase phase);
/* plan-cgroup.c: limits of a control group, for either version. */
int plan_limits_cgroup(PlanBuild *b, Error *e);
typedef struct PlanPlace { /* of a controller, by its name in cgroup v1 */
        bool found, unified;
        const char *directory; /* v1; borrowed from an operation */
} PlanPlace;
PlanPlace plan_cgroup_place(const PlanBuild *b, const char *controller);
/* plan-property.c */
int plan_properties(PlanBuild *b, Error *e);
/* plan-root.c */
void plan_root(PlanBuild *b);
/* What an overlay's writes go to: a directory for them when there is one and it is wanted, else memory. */
void plan_scratch(const PlanBuild *b, PlanOp *tree, bool on_disk);
/* plan-disk.c: the file systems of a disk image. The root gives its slot; /usr comes before the root is changed, the others after. */
int plan_disk_check(PlanBuild *b, Error *e);
int plan_disk_root(PlanBuild *b);
void plan_disk_usr(PlanBuild *b);
void plan_disk_parts(PlanBuild *b);
/* plan-mounts.c */
int plan_mounts(PlanBuild *b, Error *e);
/* plan-integration.c: resolv.conf, localtime, journal, credentials, users of the host. */
int plan_integration(PlanBuild *b, Error *e);
/* plan-journal.c: --forward-journal=, and the credential by which the guest's journald knows of it. */
#define PLAN_JOURNAL_SOCKET     "/run/host/journal/socket"
#define PLAN_JOURNAL_CREDENTIAL "journal.forward_to_socket"
int plan_journal(PlanBuild *b, Error *e);
/* plan-api-fs.c */
void plan_api_fs(PlanBuild *b);
/* The machine-id as container_uuid shows it, with dashes; NULL: there is none yet. */
char *plan_machine_uuid(const MachineSpec *s, const HostFacts *f);
void plan_host_directory_close(PlanBuild *b);
/* plan-process.c */
void plan_inside(PlanBuild *b);
int plan_process(PlanBuild *b, Error *e);
int plan_identity(PlanBuild *b, Error *e);
int plan_enter_process(PlanBuild *b, Error *e);
int plan_limits(PlanBuild *b, Error *e);
int plan_filters(PlanBuild *b, Error *e);
int plan_address_families(PlanBuild *b, Error *e);
void plan_add_session(PlanBuild *b);
