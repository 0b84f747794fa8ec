/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan: an ordered array of small typed operations, computed from a MachineSpec and HostFacts by pure functions. The engine
 * runs it in a short loop per phase and decides nothing; `berth run --plan` prints it.
 *
 * Who runs a phase:
 *   PHASE_CGROUP   the supervisor, before anything else: limits of the machine's control group.
 *   PHASE_TREES    the supervisor, with the caller's rights in the host's namespaces, after the container's user namespace
 *                  exists: makes detached mounts ("trees") that need host rights and puts each into a numbered slot.
 *   PHASE_NETWORK  the supervisor, in the host's network namespace, with the one of the machine in its hand (src/net), while PID 1
 *                  assembles the root: links, addresses, bridges, rules.
 *   PHASE_ROOT     the container's PID 1 in all its new namespaces, before pivot_root: assembles the root. Paths are inside the new
 *                  root and are resolved there; nothing of the host is opened by path. Mount points that are missing are made with
 *                  their parents (0755).
 *   PHASE_INSIDE   PID 1 after pivot_root, still with all capabilities over its user namespace.
 *   PHASE_PROCESS  PID 1 becoming the payload: limits, the seccomp filter, rights, identity, in this order, and last OP_EXEC.
 * The hooks of a bundle that the supervisor runs are phases of their own: PHASE_RUNTIME when PID 1 asks for it (OP_RUNTIME_HOOKS, all
 * mounts are made and the root is not yet "/"), PHASE_STARTED once the payload runs, PHASE_STOPPED when nothing of it is left.
 * The items of a plan are grouped by phase, in this order. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"
#include "plan/facts.h"
#include "spec/bundle.h"
#include "spec/spec.h"

typedef enum PlanPhase {
        PHASE_CGROUP,
        PHASE_TREES,
        PHASE_NETWORK,
        PHASE_ROOT,
        PHASE_INSIDE,
        PHASE_PROCESS,
        PHASE_RUNTIME,
        PHASE_STARTED,
        PHASE_STOPPED,
        _PHASE_MAX,
} PlanPhase;

typedef enum PlanOpType {
        /* PHASE_CGROUP */
        OP_CGROUP_JOIN, /* path: directory of a cgroup v1 hierarchy; made, and PID 1 is put into it */
        OP_CGROUP_LIMIT, /* source: such a directory, NULL = the machine's cgroup2; path: file in it, text; alternatives: FILE=TEXT,
                            * where this kernel has no such file */
        OP_CGROUP_DEVICES, /* devices: which of them may be used, by a program on the machine's cgroup2; the last rule that fits counts */
        /* PHASE_TREES */
        OP_TREE_BIND,    /* path, slot, recursive, attrs, idmap: a detached copy of a host tree */
        OP_TREE_OVERLAY, /* lower (topmost first), upper, work, slot, attrs, idmap (of each layer); fstype "tmpfs": instead of
                          * upper and
                            * work on disk, changes go to memory (options) */
        OP_TREE_DISK,    /* path, disk, slot, attrs, idmap: a file system in a disk image */
        OP_TREE_DEVICES, /* slot, options, attrs, parts: a tmpfs with nodes of devices of the host, by their names in /dev, which are
                          * the machine's root's */
        OP_CHOWN,        /* path, number: all files below get owners number + the low 16 bits of what they have; no slot */
        /* PHASE_NETWORK */
        OP_NET_ZONE,      /* text: a bridge, made with mac when it is not there, with addresses; gone with its last machine */
        OP_NET_VETH,      /* text: the host's end, also called alias; source: the machine's end; mac, mac2: of them; value: MTU */
        OP_NET_JOIN,      /* text: an interface of the host, which becomes a port of bridge source */
        OP_NET_UP,        /* text: an interface of the host; addresses */
        OP_NET_MACVLAN,   /* source: the machine's end, on interface text of the host; mac2; value: MTU */
        OP_NET_IPVLAN,    /* the same, without an address of its own */
        OP_NET_MOVE,      /* text: an interface of the host, which is called source inside; value: MTU; options: "addresses"
                           * when it goes up there with those that it has */
        OP_NET_CONFIGURE, /* text: an interface inside, which gets addresses and gateways and goes up */
        OP_NET_MASQUERADE, /* path: table of nftables; addresses: networks whose packets get the host's address when they leave them */
        OP_NET_RATE, /* text: an interface of the host, value (and options, to be shown): bits a second that leave by it at most */
        OP_NET_SERVE, /* text: the bridge of a zone, where names and leases are served; addresses: the host's */
        OP_NET_PORT, /* number: IPPROTO_*, value: port of the host, value2: of the machine; text: the interface that leads there */
        /* PHASE_ROOT */
        OP_ATTACH_ROOT, /* slot: the mount that becomes "/"; path: where on the host it shows until then, NULL = nowhere */
        OP_ROOT_TMPFS,  /* options, source: a new tmpfs becomes "/", with this directory of the former root in it at the same
                        * place; without one there is nothing in it, nor was there a root */
        OP_SUB_ROOT,    /* path becomes "/"; source, when given, is where in it the former root is attached */
        OP_ATTACH,      /* slot, path, node: attach a tree; the target is made as `node` says when missing */
        OP_MOUNT,       /* fstype, source, options, path, attrs, node: a new file system of the container's own namespaces */
        OP_MOUNT_PARTS, /* fstype, source, path, attrs, parts: directories of a new file system, each at its name below path;
                         * those that it
                            * lacks are left out, and the rest of it is nowhere in the machine */
        OP_BIND,        /* source (inside the new root), path, recursive, attrs, node */
        OP_OVERLAY,     /* lower (topmost first), upper, work, path, attrs, node: all inside the new root */
        OP_SETATTR,     /* path, attrs, attrs_clear, recursive: mount_setattr on the mount at path, which becomes one by itself
                     * when it is none */
        OP_MKDIR,       /* path, mode */
        OP_SYMLINK,     /* source = link text, path; an existing entry stays */
        OP_FILE,        /* path, text, mode; replaces. value: length of text when it is no string (and then never shown) */
        OP_COPY,        /* slot (a tree that is a file), path, mode: its content; keep_symlink: a symbolic link at path stays */
        OP_MKNOD, /* path, mode (with S_IFREG, S_IFIFO or S_IFSOCK; S_IFCHR and S_IFBLK with device 0:0), for masking nodes */
        OP_MASK,  /* path: cover it with the /run/host/inaccessible node of its type, when it exists */
        OP_NOTIFY_SOCKET, /* path: bind the sd_notify(3) datagram socket there; the descriptor goes to the supervisor */
        OP_CONSOLE,       /* path ("/dev/console"): a pty from the container's own devpts, symlinked there; the master goes to the
                     * supervisor */
        OP_REMOVE,        /* path: a file that only the assembly needs */
        OP_KMSG_FIFO,     /* path ("/proc/kmsg"): covered by a FIFO that the supervisor keeps open */
        OP_DEVICE,        /* path, mode (type and permissions), value and value2 = major and minor, number and number2 = owner */
        OP_COVER,         /* path: hidden below an empty read-only directory or the null device, when it exists */
        OP_PROPAGATION,   /* path, value = MS_SHARED, …, recursive: of the mount there */
        OP_SYSCTL,        /* path: below /proc/sys of the host, whose files show the machine's own namespaces; text */
        OP_HOOK, /* path, argv, env, value = seconds, 0: for ever; text: its kind, source: the state it is given, to be completed
                            * (hook.h). Of every phase but PHASE_TREES */
        OP_RUNTIME_HOOKS, /* the supervisor runs PHASE_RUNTIME meanwhile */
        OP_PIVOT,         /* the root becomes "/"; the host's tree is gone. value: the propagation of all its mounts; 0: shared,
                            * PLAN_PROPAGATION_KEEP: as it is. recursive: of those below, too */
        /* PHASE_INSIDE */
        OP_HOSTNAME,   /* text */
        OP_DOMAINNAME, /* text: of NIS */
        OP_LINK_UP,    /* text: interface */
        OP_WRITE,      /* path, text: into an existing (kernel) file */
        /* PHASE_PROCESS */
        OP_KEYRING,     /* a new session keyring, so that the host's is out of reach */
        OP_SESSION,     /* setsid, and the console as controlling terminal and standard descriptors when the plan
                            * has one; it is given to the user number, number2 */
        OP_RLIMIT,      /* number = RLIMIT_*, value = soft, value2 = hard */
        OP_OOM_SCORE,   /* number */
        OP_AFFINITY,    /* bits: SPEC_CPU_WORDS words */
        OP_PERSONALITY, /* value */
        OP_SECCOMP, /* text: name of the built-in filter, "default" or "default+nosync"; value: the capabilities that are kept,
                     * as some
                            * calls are let through only with theirs; calls (as options says in words): let through or refused
                            * whatever the built-in filter says. Before rights are given up: loading a filter needs CAP_SYS_ADMIN */
        OP_ADDRESS_FAMILIES, /* groups: AF_* that sockets may be of, or with number = 1 not; calls: socket(2); options: in words */
        OP_BOUNDING,         /* value: capability set that is kept, the rest leaves the bounding set */
        OP_USER,             /* number = uid, number2 = gid, groups */
        OP_CAPABILITIES,     /* value: permitted and effective set for root; for others empty */
        OP_AMBIENT,          /* value: capabilities that execve(2) keeps whoever the user is */
        OP_NO_NEW_PRIVS,
        OP_CAPABILITY_SETS, /* value, value2, value3: permitted, effective, inheritable */
        OP_SCHEDULER,       /* scheduler */
        OP_IO_PRIORITY,     /* value: as ioprio_set(2) has it */
        OP_MEMORY_POLICY,   /* value: MPOL_*, bits: nodes */
        OP_UMASK,           /* mode */
        OP_LABEL,           /* path, text: what a security module shall make of the payload, written below /proc/self/attr */
        OP_FILTER, /* filter: instead of the built-in one. Just before execve(2) when number = 1, else at once, while the rights
                            * that it needs are there. path: the socket of who decides calls; it is told alias and source, JSON that lacks
                            * the state and the end */
        OP_CHDIR,  /* path */
        OP_STUB_INIT, /* as PID 1 reap and forward; the rest of the plan runs in PID 2 */
        OP_EXEC, /* argv, env; number: how many descriptors from 3 on stay open; path NULL = search argv[0] in PATH of env. When
                       * path does not exist, the programs in `alternatives` are tried in order. An argv[0] that begins with "-" (a login
                       * shell) becomes "-" and the base name of the one taken */
        _OP_TYPE_MAX,
} PlanOpType;

typedef enum PlanNode { /* what to make at a mount point that is missing */
                        NODE_NONE,
                        NODE_DIRECTORY,
                        NODE_FILE,
                        NODE_SAME, /* a directory or an empty file, as what is mounted there is */
} PlanNode;

typedef struct PlanCall { /* a system call of one architecture */
        uint32_t arch;    /* AUDIT_ARCH_* */
        uint32_t number;
        bool allow;
} PlanCall;

typedef struct PlanDisk { /* a file system in a disk image; path of the operation: the image */
        uint64_t offset, size;
        bool read_only; /* nothing is written to the image, not even a journal is replayed */
        bool grow;      /* the file system to the size of its partition */
        char *check;    /* the program that checks it before: fsck.TYPE; NULL: none */
        char *hashes;   /* dm-verity: the image they are in, */
        uint64_t hashes_offset, hashes_size;
        char *root_hash;  /* the hash, */
        char *signature;  /* and its signature: a path or "base64:…", NULL without */
        char *unlock;     /* LUKS: cryptsetup, */
        char *passphrase; /* never shown; NULL: not known yet */
} PlanDisk;
void plan_disk_free(PlanDisk *d); /* NULL allowed */

typedef struct PlanFilterRule {
        uint32_t arch; /* index into the filter's architectures */
        uint32_t number;
        uint32_t action;          /* SECCOMP_RET_* with its data */
        SpecCallArgument args[6]; /* all of them */
        size_t n_args;
} PlanFilterRule;

typedef struct PlanFilter { /* of all rules for a call that fit, one without arguments counts, else the first */
        uint32_t action;    /* of all other calls */
        uint32_t flags;     /* SECCOMP_FILTER_FLAG_* */
        uint32_t archs[4];  /* AUDIT_ARCH_*; calls of others kill */
        uint32_t first[4];  /* and where their call numbers begin: x32 has those of x86-64 with a bit more */
        size_t n_archs;
        PlanFilterRule *items;
        size_t n;
        char **words; /* the rules as they are shown */
} PlanFilter;

typedef struct PlanOp {
        PlanOpType type;
        PlanPhase phase;
        bool optional; /* a failure is not one: the thing does not exist on this kernel or in this image */
        bool recursive;
        bool keep_symlink;
        bool if_exists; /* OP_SETATTR: nothing to do where there is no such path */
        bool copy_up;   /* OP_MOUNT: begins with what is at path */
        bool no_follow; /* OP_TREE_BIND, OP_ATTACH, OP_MOUNT: path is not followed if it is a symbolic link */
        PlanNode node;
        SpecIdmap idmap;         /* OP_TREE_*: how on-disk IDs are mapped to the container's range */
        int slot;                /* OP_TREE_*, OP_ATTACH*: index of the tree; -1 else */
        int64_t number, number2; /* OP_TREE_*: FULL: ID on disk that is 0 inside; OWNER: user and group inside that the files get */
        uint64_t value, value2, value3;
        uint64_t attrs, attrs_clear;         /* MOUNT_ATTR_* */
        uint64_t all_attrs, all_attrs_clear; /* OP_TREE_BIND, OP_MOUNT: of the mounts below too, whatever `recursive` says */
        bool top_only;                       /* OP_TREE_BIND: attrs are of the topmost mount, not of those below */
        bool idmap_recursive;
        SpecIdRanges uids, gids; /* OP_TREE_BIND: a map of its own */
        mode_t mode;
        char *path, *source, *text, *fstype, *upper, *work;
        char **options; /* "key=value" or "flag" */
        char **parts;   /* names of directories */
        char **lower, **argv, **env, **alternatives;
        uint32_t *groups;                /* count in value */
        uint64_t *bits;                  /* SPEC_CPU_WORDS words */
        PlanDisk *disk;                  /* OP_TREE_DISK; OP_TREE_OVERLAY: the lowest layer, instead of `lower` */
        char *disk_type, **disk_options; /* its file system; NULL: what is found when it was unlocked */
        PlanCall *calls;
        size_t n_calls;
        char *alias;
        uint8_t mac[6], mac2[6]; /* zeros: as the kernel likes */
        SpecAddresses addresses, gateways;
        PlanFilter *filter;
        SpecDeviceRule *devices;
        size_t n_devices;
        SpecScheduler *scheduler;
} PlanOp;

#define PLAN_PROPAGATION_KEEP UINT64_C(1)

typedef struct PlanJoin { /* a namespace that exists */
        uint64_t type;    /* CLONE_NEW* */
        char *path;
} PlanJoin;

typedef struct PlanJournal { /* who takes the machine's journal, from before its start until after its end; argv NULL: nobody */
        char **argv;
        char *socket;      /* where it listens */
        char *output;      /* the directory that it wants to be there */
        char **config;     /* lines of its configuration, where it takes none of this as options */
        uint32_t uid, gid; /* the socket's owner */
} PlanJournal;

typedef struct MachinePlan {
        PlanOp *items;
        size_t n;
        int n_slots;

        uint64_t namespaces; /* CLONE_NEW* */
        struct {
                PlanJoin *items;
                size_t n;
        } joins;
        char **time_offsets; /* lines of /proc/PID/timens_offsets */
        bool user_namespace;
        bool rootless;              /* inside the user namespace of an ordinary user: outside is what that one has */
        bool ids_are_own;           /* nobody else has the range: the user namespace belongs to its root */
        uint32_t id_base, id_count; /* inside 0 → outside id_base, id_count IDs */
        SpecIdRanges uids, gids;    /* the whole of the maps, when they are not this one range */

        char *network_namespace; /* path of one to join instead of a new one */
        char **warnings;         /* what could not be had and does not matter enough to refuse */
        char *name;
        char *cgroup; /* below the host's cgroup2 mount, "/machine.slice/berth-NAME"; payload/ and supervisor/ are made in it;
                       * NULL without */
        PlanJournal journal;
        SpecConsole console;    /* resolved: never AUTOPIPE */
        uint16_t rows, columns; /* of a console that is joined to no terminal; 0: the kernel's default */
        char *background;       /* of the caller's terminal meanwhile; NULL: as it is */
        bool boot, notify_ready, quiet;
        bool restart_outside; /* a reboot is for whoever called: exit status 133 */
        int stop_signal; /* what asks this payload to power off; 0: SIGTERM when its PID 1 listens to that, else SIGKILL at once */
        int reboot_signal; /* what asks it to reboot; 0: none */
        uint64_t stop_timeout_usec;
        InitKind init_kind;
} MachinePlan;

/* Settles defaults, conflicts, paths, order and phases. Refuses, by the names of the options, what cannot be had together
 * or on this host. Pure: no I/O, no globals, no clock. */
int plan_build(const MachineSpec *spec, const HostFacts *facts, MachinePlan *ret, Error *e);

/* One file system of a disk image: what is mounted from the partition, and where. */
typedef struct PlanPart {
        const FactPartition *from;
        const char *target; /* "/" for the root */
        uint64_t attrs;     /* MOUNT_ATTR_* */
        bool writable, verity;
        bool sign; /* verity: the kernel is to check the signature of the hash too */
} PlanPart;
/* Which of them are mounted, by the image policy: at most _SPEC_PARTITION_MAX into ret, the root first. Refuses what the policy forbids and
 * what this host cannot do. */
int plan_disk_select(const MachineSpec *spec, const FactDisk *disk, PlanPart *ret, size_t *ret_n, Error *e);
/* Whether they have /usr and no root, which then is a file system in memory. */
bool plan_disk_is_usr(const PlanPart *parts, size_t n);
/* As an operation has it; the options are the file system's. */
PlanDisk *plan_disk_make(const FactDisk *disk, const PlanPart *part, char ***ret_options);

/* Switches that exclude each other, for who must know before there are facts; plan_build() refuses them too. */
int plan_check_conflicts(const MachineSpec *s, Error *e);

/* The rights a process gets that enters a running machine (berth shell, berth exec): PHASE_PROCESS ops only, to follow setns(2).
 * The spec supplies user, chdir, environment and command, the facts the user's entry in the image and the rights of the
 * machine's PID 1. */
int plan_enter(const MachineSpec *spec, const HostFacts *facts, MachinePlan *ret, Error *e);

void plan_done(MachinePlan *p);

/* The owner of a tree's top directory while its files change hands (--private-users-ownership=chown). */
#define PLAN_OWNER_IS_BUSY(uid) (((uid)&UINT32_C(0xffff0000)) == UINT32_C(0xfffe0000))

/* Where the machine's ID is outside of its user namespace; -ENOENT when nowhere. */
int plan_id_outside(const MachinePlan *p, bool group, uint32_t inside, uint32_t *ret);

/* Whether a control group is one of a user's, as /user.slice/user-1000.slice/session-3.scope. */
bool plan_is_session(const char *cgroup);

const char *plan_op_name(PlanOpType type); /* "attach-root", for messages */
char *plan_to_text(const MachinePlan *p);  /* one operation a line, grouped by phase */
void plan_to_json(const MachinePlan *p, Json *j);

/* The names and addresses of interfaces by systemd-nspawn's algorithms (plan-link.c), so that leases survive a change. */
#define PLAN_LINK_NAME_MAX 16 /* IFNAMSIZ */
/* A name that is too long for the kernel is cut and gets a hash: true then. */
bool plan_link_shorten(const char *name, char ret[static PLAN_LINK_NAME_MAX]);
typedef enum PlanMac {
        PLAN_MAC_HOST,
        PLAN_MAC_MACHINE,
        PLAN_MAC_EXTRA_HOST,
        PLAN_MAC_EXTRA_MACHINE,
        PLAN_MAC_MACVLAN,
        _PLAN_MAC_MAX
} PlanMac;
/* Of the index-th link of its kind. host_id: 32 hex digits; NULL: zeros, which leave it to the kernel. */
void plan_link_mac(PlanMac kind, const char *host_id, const char *machine, uint64_t index, uint8_t ret[static 6]);
/* "00:11:22:33:44:55", of one interface and not all zero. */
bool plan_parse_mac(const char *text, uint8_t ret[static 6]);

/* The signals by which an init is asked to stop and to reboot (plan/init.c lists the sources). */
int plan_init_stop_signal(InitKind kind);
int plan_init_reboot_signal(InitKind kind);
const char *plan_init_name(InitKind kind);

/* systemd-nspawn's kept set (nspawn.c, 257): 26 capabilities, bit per CAP_*. */
uint64_t plan_default_capabilities(void);
