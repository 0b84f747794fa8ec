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

typedef enum SpecOwnership { /* systemd-nspawn --private-users-ownership= */
                             SPEC_OWNERSHIP_OFF,
                             SPEC_OWNERSHIP_MAP,   /* ID-mapped mounts */
                             SPEC_OWNERSHIP_CHOWN, /* files on disk get owners of the range */
                             SPEC_OWNERSHIP_AUTO,
                             _SPEC_OWNERSHIP_MAX,
                             _SPEC_OWNERSHIP_INVALID = -22,
} SpecOwnership;

typedef enum SpecSettings { /* systemd-nspawn --settings= */
                            SPEC_SETTINGS_NO,
                            SPEC_SETTINGS_YES,      /* the command line wins, trust goes by the file's place */
                            SPEC_SETTINGS_OVERRIDE, /* the file wins */
                            SPEC_SETTINGS_TRUSTED,  /* as yes, and the file is trusted wherever it is */
                            _SPEC_SETTINGS_MAX,
                            _SPEC_SETTINGS_INVALID = -22,
} SpecSettings;

typedef enum SpecVolatile { /* systemd-nspawn --volatile= */
                            SPEC_VOLATILE_NO,
                            SPEC_VOLATILE_YES,     /* only /usr of the image, on a tmpfs */
                            SPEC_VOLATILE_STATE,   /* /var is a tmpfs, all else read-only */
                            SPEC_VOLATILE_OVERLAY, /* changes go to a tmpfs */
                            _SPEC_VOLATILE_MAX,
                            _SPEC_VOLATILE_INVALID = -22,
} SpecVolatile;

typedef enum SpecResolvConf { /* systemd-nspawn --resolv-conf=; three ways, four sources each, in this order */
                              SPEC_RESOLV_CONF_OFF,
                              SPEC_RESOLV_CONF_COPY_HOST,
                              SPEC_RESOLV_CONF_COPY_STATIC,
                              SPEC_RESOLV_CONF_COPY_UPLINK,
                              SPEC_RESOLV_CONF_COPY_STUB,
                              SPEC_RESOLV_CONF_REPLACE_HOST,
                              SPEC_RESOLV_CONF_REPLACE_STATIC,
                              SPEC_RESOLV_CONF_REPLACE_UPLINK,
                              SPEC_RESOLV_CONF_REPLACE_STUB,
                              SPEC_RESOLV_CONF_BIND_HOST,
                              SPEC_RESOLV_CONF_BIND_STATIC,
                              SPEC_RESOLV_CONF_BIND_UPLINK,
                              SPEC_RESOLV_CONF_BIND_STUB,
                              SPEC_RESOLV_CONF_DELETE,
                              SPEC_RESOLV_CONF_AUTO,
                              _SPEC_RESOLV_CONF_MAX,
                              _SPEC_RESOLV_CONF_INVALID = -22,
} SpecResolvConf;

typedef enum SpecTimezone { /* systemd-nspawn --timezone= */
                            SPEC_TIMEZONE_OFF,
                            SPEC_TIMEZONE_COPY,
                            SPEC_TIMEZONE_BIND,
                            SPEC_TIMEZONE_SYMLINK,
                            SPEC_TIMEZONE_DELETE,
                            SPEC_TIMEZONE_AUTO,
                            _SPEC_TIMEZONE_MAX,
                            _SPEC_TIMEZONE_INVALID = -22,
} SpecTimezone;

typedef enum SpecLinkJournal { /* systemd-nspawn --link-journal= */
                               SPEC_LINK_JOURNAL_NO,
                               SPEC_LINK_JOURNAL_HOST,
                               SPEC_LINK_JOURNAL_TRY_HOST,
                               SPEC_LINK_JOURNAL_GUEST,
                               SPEC_LINK_JOURNAL_TRY_GUEST,
                               SPEC_LINK_JOURNAL_AUTO,
                               _SPEC_LINK_JOURNAL_MAX,
                               _SPEC_LINK_JOURNAL_INVALID = -22,
} SpecLinkJournal;

typedef enum SpecForward {                             /* how large the journal may grow that --forward-journal= makes */
                           SPEC_FORWARD_MAX_USE,       /* bytes */
                           SPEC_FORWARD_KEEP_FREE,     /* bytes */
                           SPEC_FORWARD_MAX_FILE_SIZE, /* bytes */
                           SPEC_FORWARD_MAX_FILES,
                           _SPEC_FORWARD_MAX,
} SpecForward;

typedef enum SpecNetwork {
        SPEC_NETWORK_HOST,    /* share the caller's network namespace */
        SPEC_NETWORK_PRIVATE, /* an own one with only loopback */
        _SPEC_NETWORK_MAX,
        _SPEC_NETWORK_INVALID = -22,
} SpecNetwork;

/* Interfaces that a machine gets: --network-interface=, -macvlan=, -ipvlan=, -veth-extra=. */
typedef struct SpecLink {
        char *host, *inside; /* the names outside and inside */
} SpecLink;

typedef struct SpecLinks {
        SpecLink *items;
        size_t n;
} SpecLinks;

typedef struct SpecPort { /* --port= */
        bool udp;         /* else TCP */
        uint16_t host, inside;
} SpecPort;

typedef struct SpecPorts {
        SpecPort *items;
        size_t n;
} SpecPorts;

typedef struct SpecAddress {
        int family;        /* AF_INET, AF_INET6 */
        uint8_t prefix;    /* length */
        uint8_t bytes[16]; /* in network order, the first 4 for AF_INET */
} SpecAddress;

typedef struct SpecAddresses {
        SpecAddress *items;
        size_t n;
} SpecAddresses;

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
        SPEC_MOUNT_OVERLAY,
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
        char *source; /* bind, and an overlay's upper layer: absolute host path, or below the image when source_in_image; NULL: none */
        bool source_in_image;
        bool has_owner; /* bind: whose files they are inside, instead of the idmap kind's own */
        uint32_t uid, gid;
        char **layers; /* overlay: the read-only ones, lowest first, each as source; "+PATH" is below the image */
        char *target;  /* absolute, inside */
        char *options; /* tmpfs: mount options as given, NULL = mode=0755 */
} SpecMount;

typedef struct SpecIdRange { /* --private-users-map= */
        uint32_t inside, outside, count;
} SpecIdRange;

typedef struct SpecIdRanges {
        SpecIdRange *items;
        size_t n;
} SpecIdRanges;

#define SPEC_DELEGATE_MAX 16 /* as many as systemd-nsresourced gives */

typedef struct SpecCredential {
        char *id;
        char *path;          /* --load-credential=: a file, a socket, or the name of one that was handed to berth; else NULL */
        unsigned char *data; /* --set-credential= */
        size_t len;
} SpecCredential;

typedef struct SpecCredentials {
        SpecCredential *items;
        size_t n;
} SpecCredentials;

typedef struct SpecMounts {
        SpecMount *items;
        size_t n;
} SpecMounts;

#define SPEC_RLIMITS 16
typedef struct SpecRlimit {
        uint64_t soft, hard; /* RLIM_INFINITY as UINT64_MAX; units of setrlimit(2) */
} SpecRlimit;

/* The partitions that an image can have: systemd.image-policy(7). The order of mounting too, where there is something to mount. */
typedef enum SpecPartition {
        SPEC_PARTITION_ROOT,
        SPEC_PARTITION_USR,
        SPEC_PARTITION_HOME,
        SPEC_PARTITION_SRV,
        SPEC_PARTITION_XBOOTLDR,
        SPEC_PARTITION_ESP,
        SPEC_PARTITION_VAR,
        SPEC_PARTITION_TMP,
        SPEC_PARTITION_SWAP,
        SPEC_PARTITION_ROOT_VERITY,
        SPEC_PARTITION_ROOT_VERITY_SIG,
        SPEC_PARTITION_USR_VERITY,
        SPEC_PARTITION_USR_VERITY_SIG,
        _SPEC_PARTITION_MAX,
        _SPEC_PARTITION_INVALID = -22,
} SpecPartition;

typedef enum SpecPolicy { /* what a partition may be like, bits */
                          SPEC_POLICY_VERITY = 1 << 0,
                          SPEC_POLICY_SIGNED = 1 << 1,
                          SPEC_POLICY_ENCRYPTED = 1 << 2,
                          SPEC_POLICY_ENCRYPTED_WITH_INTEGRITY = 1 << 3,
                          SPEC_POLICY_UNPROTECTED = 1 << 4,
                          SPEC_POLICY_UNUSED = 1 << 5,
                          SPEC_POLICY_ABSENT = 1 << 6,
                          SPEC_POLICY_READ_ONLY_OFF = 1 << 7, /* of the flags in the partition table */
                          SPEC_POLICY_READ_ONLY_ON = 1 << 8,
                          SPEC_POLICY_GROW_OFF = 1 << 9,
                          SPEC_POLICY_GROW_ON = 1 << 10,
} SpecPolicy;

typedef struct SpecImagePolicy {
        bool listed[_SPEC_PARTITION_MAX];
        uint32_t allowed[_SPEC_PARTITION_MAX]; /* of those that are listed, as they were given */
        uint32_t others;                       /* of those that are not */
} SpecImagePolicy;

/* All bits that hold for a partition: what was not said about use, read-only or growing does not matter, so all of it is allowed. */
uint32_t spec_policy_allows(const SpecImagePolicy *p, SpecPartition which);
/* What systemd-nspawn has without --image-policy=. */
SpecImagePolicy spec_policy_default(void);

#define SPEC_CPU_WORDS 16 /* 1024 CPUs */

typedef enum SpecField {
        SPEC_FIELD_SETTINGS,
        SPEC_FIELD_OCI_BUNDLE,
        SPEC_FIELD_BUNDLE,
        SPEC_FIELD_DIRECTORY,
        SPEC_FIELD_IMAGE,
        SPEC_FIELD_IMAGE_POLICY,
        SPEC_FIELD_MSTACK,
        SPEC_FIELD_ROOT_HASH,
        SPEC_FIELD_ROOT_HASH_SIG,
        SPEC_FIELD_VERITY_DATA,
        SPEC_FIELD_MACHINE,
        SPEC_FIELD_TEMPLATE,
        SPEC_FIELD_EPHEMERAL,
        SPEC_FIELD_READ_ONLY,
        SPEC_FIELD_VOLATILE,
        SPEC_FIELD_PIVOT_ROOT,
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
        SPEC_FIELD_SLICE,
        SPEC_FIELD_PROPERTY,
        SPEC_FIELD_REGISTER,
        SPEC_FIELD_KEEP_UNIT,
        SPEC_FIELD_USERS,
        SPEC_FIELD_USERS_MAP,
        SPEC_FIELD_USERS_DELEGATE,
        SPEC_FIELD_OWNERSHIP,
        SPEC_FIELD_NETWORK,
        SPEC_FIELD_NETWORK_INTERFACE,
        SPEC_FIELD_NETWORK_MACVLAN,
        SPEC_FIELD_NETWORK_IPVLAN,
        SPEC_FIELD_NETWORK_VETH,
        SPEC_FIELD_NETWORK_VETH_EXTRA,
        SPEC_FIELD_NETWORK_BRIDGE,
        SPEC_FIELD_NETWORK_ZONE,
        SPEC_FIELD_NETWORK_NAMESPACE,
        SPEC_FIELD_PORT,
        SPEC_FIELD_ADDRESS,
        SPEC_FIELD_GATEWAY,
        SPEC_FIELD_MTU,
        SPEC_FIELD_RECEIVE_RATE,
        SPEC_FIELD_CAPABILITY,
        SPEC_FIELD_DROP_CAPABILITY,
        SPEC_FIELD_AMBIENT_CAPABILITY,
        SPEC_FIELD_SYSTEM_CALL_FILTER,
        SPEC_FIELD_ADDRESS_FAMILIES,
        SPEC_FIELD_MANAGER,
        SPEC_FIELD_TMPFS_TMP,
        SPEC_FIELD_SHARED_NAMESPACES,
        SPEC_FIELD_API_WRITABLE,
        SPEC_FIELD_API_NETWORK,
        SPEC_FIELD_UNLOCKED,
        SPEC_FIELD_NETWORK_MAC,
        SPEC_FIELD_SELINUX_CONTEXT,
        SPEC_FIELD_SELINUX_APIFS_CONTEXT,
        SPEC_FIELD_RLIMIT, /* sixteen, one for each RLIMIT_*: SPEC_FIELD_RLIMIT + RLIMIT_NOFILE */
        SPEC_FIELD_RLIMIT_LAST = SPEC_FIELD_RLIMIT + SPEC_RLIMITS - 1,
        SPEC_FIELD_OOM_SCORE_ADJUST,
        SPEC_FIELD_CPU_AFFINITY,
        SPEC_FIELD_RESOLV_CONF,
        SPEC_FIELD_TIMEZONE,
        SPEC_FIELD_LINK_JOURNAL,
        SPEC_FIELD_FORWARD_JOURNAL,
        SPEC_FIELD_FORWARD_LIMIT, /* four, one for each SpecForward */
        SPEC_FIELD_FORWARD_LIMIT_LAST = SPEC_FIELD_FORWARD_LIMIT + 3,
        SPEC_FIELD_MOUNTS,
        SPEC_FIELD_BIND_USER,
        SPEC_FIELD_BIND_USER_SHELL,
        SPEC_FIELD_BIND_USER_GROUP,
        SPEC_FIELD_CREDENTIALS,
        SPEC_FIELD_CONSOLE,
        SPEC_FIELD_BACKGROUND,
        SPEC_FIELD_QUIET,
        SPEC_FIELD_STOP_TIMEOUT,
        _SPEC_FIELD_MAX,
        _SPEC_FIELD_INVALID = -22,
} SpecField;

typedef struct MachineSpec {
        char *origin[_SPEC_FIELD_MAX]; /* where each field was set: "argument 3", "FILE:LINE"; NULL: it is not set */

        SpecSettings settings; /* which of all this may come from a .nspawn file */

        /* Image */
        char *oci_bundle;          /* --oci-bundle=, absolute: where the bundle is, before it is read */
        struct SpecBundle *bundle; /* what its config.json says, spec/bundle.h; NULL: the machine is none */
        char *directory;           /* --directory=, absolute */
        char *image;               /* --image=, absolute: a disk image or a block device */
        char *mstack;              /* --mstack=, absolute */
        SpecImagePolicy image_policy;
        char *root_hash;     /* hexadecimal */
        char *root_hash_sig; /* an absolute path, or "base64:" and the signature */
        char *verity_data;   /* absolute: the tree of hashes of an image without partitions */
        char *machine;       /* --machine= */
        char *template;      /* --template=, absolute: what a machine that does not exist yet is copied from */
        bool ephemeral;      /* changes are thrown away */
        bool read_only;
        SpecVolatile volatile_mode;
        char *pivot_root,
                        *pivot_root_old; /* inside the image; old: where its own root goes, inside the new one, NULL = nowhere */

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

        /* Of a service manager */
        char *slice;
        char **properties; /* NAME=VALUE */
        bool register_machine, keep_unit;

        /* Users */
        SpecUsers users;
        uint32_t users_base, users_count;
        SpecIdRanges users_map;  /* instead of one range */
        uint32_t users_delegate; /* how many ranges of 65536 IDs more, for machines inside it: up to SPEC_DELEGATE_MAX */
        SpecOwnership ownership;

        /* Network */
        SpecNetwork network;
        SpecLinks interfaces, macvlans, ipvlans, veth_extras;
        bool veth;
        char *bridge;            /* an interface of the host */
        char *zone;              /* the bridge is "vz-" and this */
        char *network_namespace; /* path of one that is there already */
        SpecPorts ports;
        SpecAddresses addresses,
                        gateways; /* of the machine's first interface, set from outside; a gateway's prefix means nothing */
        uint32_t mtu;             /* bytes */
        uint64_t receive_rate;    /* bits a second */

        /* Security */
        uint64_t capability, drop_capability; /* bit per CAP_*; UINT64_MAX = "all" */
        uint64_t ambient_capability;
        char **system_call_filter; /* names and @groups that are let through too; with "~" in front: that are not */
        char **address_families;   /* AF_* that sockets may be of; all with "~" in front: that they may not be of; "none" */
        /* Of the variables that steer systemd-nspawn; no option has them */
        char *manager;            /* what $container says */
        bool tmpfs_tmp;           /* /tmp is a tmpfs */
        char **shared_namespaces; /* "ipc", "pid", "uts", "cgroup": the host's */
        bool api_writable;        /* /proc and /sys */
        bool api_network;         /* of them /proc/sys/net alone, the host's too */
        bool unlocked;            /* the image is not locked: whoever wants it can have it meanwhile */
        char *network_mac;        /* of host0 */
        char *selinux_context,
                        *selinux_apifs_context; /* labels of the payload's processes; of /dev, /run and what else is made */

        /* Resources */
        SpecRlimit rlimit[SPEC_RLIMITS]; /* index is RLIMIT_* */
        int oom_score_adjust;
        uint64_t cpu_affinity[SPEC_CPU_WORDS]; /* bit per CPU */

        /* What of the host is shown inside */
        SpecResolvConf resolv_conf;
        SpecTimezone timezone;
        SpecLinkJournal link_journal;
        char *forward_journal; /* absolute: a directory, or a file when it ends in ".journal" */
        uint64_t forward_limits[_SPEC_FORWARD_MAX];
        char **bind_users, **bind_user_groups;
        char *bind_user_shell; /* a path, "yes" for the user's own, "no" */
        SpecCredentials credentials;

        /* Mounts, in the order given */
        SpecMounts mounts;

        /* Input and output */
        SpecConsole console;
        char *background; /* of the caller's terminal meanwhile, the numbers of an SGR sequence; empty: as it is */
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
/* Whether it says which image is meant: by path or by the machine's name. */
bool spec_names_image(const MachineSpec *s);
/* Says that a member was filled and from where; for front ends that assign members themselves instead of handing in text. */
void spec_mark(MachineSpec *s, SpecField f, const char *origin);
/* Takes a copy of the words as the command (or the init's arguments) and marks the field. No words: nothing happens. */
void spec_set_parameters(MachineSpec *s, char *const *words, const char *origin);

/* Takes into `base` every field set in `over` (which wins) and leaves `over` empty; groups are replaced as a whole: one mount or one
 * network switch in `over` hides all of base's. Published ports go with a network that has no link. */
void spec_merge(MachineSpec *base, MachineSpec *over);

/* What the merge would hide of base though nothing in `over` sets it, one sentence each, for a warning: who gives one switch may not know
 * that it takes others away. Which program runs is left out, as it is what a command line is for. */
char **spec_hidden(const MachineSpec *base, const MachineSpec *over);

/* The spec as .nspawn text. Settings that have no key there (directory, machine, console, quiet, the stop time-out) are left out. */
char *spec_to_nspawn(const MachineSpec *s);
