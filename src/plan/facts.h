/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the plan needs to know of the host and of the image, gathered by src/machine before and handed in as plain data,
 * so that planning itself does no I/O and can be tested without privilege. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "spec/spec.h"

typedef enum InitKind { /* what runs as PID 1 with --boot, found out from /sbin/init of the image */
                        INIT_NONE,
                        INIT_SYSTEMD,
                        INIT_OPENRC,
                        INIT_SYSVINIT,
                        INIT_RUNIT,
                        INIT_S6,
                        INIT_DINIT,
                        INIT_BUSYBOX,
                        INIT_OTHER,
                        _INIT_KIND_MAX,
} InitKind;

typedef enum RootKind { ROOT_DIRECTORY, ROOT_OVERLAY, ROOT_DISK } RootKind;

typedef struct FactPartition {
        SpecPartition which;
        uint64_t offset, size;
        char *fstype;         /* as the kernel knows it, or "crypto_LUKS"; NULL: unknown */
        bool read_only, grow; /* its flags in the partition table */
} FactPartition;

typedef struct FactDisk {
        char *path;     /* of the image */
        bool read_only; /* the file itself */
        bool bare;      /* no partition table */
        FactPartition *partitions;
        size_t n_partitions;
        char *root_hash; /* of dm-verity, from wherever; NULL: none */
        char *signature; /* of that hash: a path, or "base64:" and itself */
        char *hashes;    /* without partitions: where they are; NULL: nowhere */
        char **programs; /* of the host: "fsck.ext4=/sbin/fsck.ext4", "cryptsetup=…" */
        bool has_device_mapper;
        bool esp_on_efi;  /* the root has a directory /efi for the ESP */
        bool esp_on_boot; /* or /boot is there, and empty */
        char *passphrase; /* of encrypted partitions; NULL: not asked for yet */
} FactDisk;

typedef enum FactResolvConf {                     /* where name servers can come from, in the order of SpecResolvConf's modes */
                              FACT_RESOLV_HOST,   /* /etc/resolv.conf */
                              FACT_RESOLV_STATIC, /* /usr/lib/systemd/resolv.conf */
                              FACT_RESOLV_UPLINK, /* /run/systemd/resolve/resolv.conf */
                              FACT_RESOLV_STUB,   /* /run/systemd/resolve/stub-resolv.conf */
                              _FACT_RESOLV_MAX,
} FactResolvConf;

typedef enum FactJournalLimits { /* how systemd-journal-remote takes limits of the journal that it writes */
                                 FACT_JOURNAL_NO_LIMITS, /* before 253 */
                                 FACT_JOURNAL_CONFIG,    /* in journal-remote.conf */
                                 FACT_JOURNAL_OPTIONS,   /* as options */
} FactJournalLimits;

typedef struct FactOwner {
        bool known;
        uint32_t uid, gid;
} FactOwner;

typedef struct FactController { /* of cgroup v1 */
        char *name;             /* "memory" */
        char *mount, *own;      /* where the hierarchy is mounted, and the caller's group in it */
} FactController;

typedef struct FactCredential {
        char *id;
        unsigned char *data;
        size_t len;
} FactCredential;

typedef struct FactLink { /* an interface of the host that the spec names */
        char *wanted;     /* as the spec has it, which may be an alternative name */
        char *name;       /* NULL: there is none */
        bool bridge, loopback, wireless;
        bool unsettled; /* udev has not finished with it, and may rename it yet */
} FactLink;

typedef struct FactRoute { /* what the host reaches other than by default, and over which interface */
        SpecAddress network;
        char interface[16];
} FactRoute;

typedef struct FactTaken {  /* an IPv4 address that berth gave to another machine or network */
        uint32_t address;   /* in host byte order */
        char interface[16]; /* that it is reached over */
} FactTaken;

typedef struct FactNetwork { /* gathered only when a machine gets interfaces */
        bool has_ipv6, has_nftables, has_veth, has_bridge, has_macvlan, has_ipvlan;
        bool has_networkd; /* runs, with its own files for the interfaces of machines: it gives them their addresses */
        bool has_tbf;      /* the kernel's token bucket filter */
        bool has_dnsmasq;  /* names and leases for a zone */
        FactLink *links;
        size_t n_links;
        FactRoute *routes;
        size_t n_routes;
        SpecAddress zone_address; /* IPv4 of the zone's bridge, with family 0 when it has none yet */
        FactTaken *taken;
        size_t n_taken;
} FactNetwork;

typedef struct FactUser {                                 /* a user of the host, for --bind-user= */
        char *name, *real_name, *home, *shell, *password; /* password: its hash, NULL without */
        uint32_t uid, gid;
        bool name_taken, group_taken; /* by a user or group of the image */
} FactUser;

typedef struct HostFacts {
        /* host */
        bool has_selinux; /* active, not only built in */
        bool has_user_namespaces, has_idmapped_mounts, has_seccomp, has_cgroup_namespace;
        bool has_cgroup2;       /* a cgroup2 hierarchy is mounted on the host, with or without controllers */
        char *cgroup_parent;    /* below it machines get their cgroup, "/machine.slice" or own cgroup; NULL without cgroup2 */
        bool has_fuse, has_tun; /* /dev/fuse, /dev/net/tun exist */
        bool can_mknod;         /* the caller may make device nodes that can be opened */
        uint64_t capability_bounding;              /* the caller's own bounding set: nothing outside can be kept */
        uint64_t rlimit_soft[16], rlimit_hard[16]; /* the caller's own: no CAP_SYS_RESOURCE, no more than hard */
        bool has_sys_resource;
        bool rootless;           /* an ordinary user, who is root in the user namespace that all this runs in */
        SpecIdRanges uids, gids; /* rootless: the IDs there, and what they are on the host */
        int oom_score_adj;       /* the caller's own */
        char *host_os_release;   /* path of the host's, NULL if none */
        char **host_os_fields;   /* "ID=debian", "VERSION_ID=12" … for container_host_* */
        char *term;              /* the caller's TERM, NULL if unset */
        bool stdin_is_terminal, stdout_is_terminal;
        bool has_resolv_conf; /* the host's /etc/resolv.conf is readable */

        /* only what the spec asks for */
        bool resolv_conf[_FACT_RESOLV_MAX]; /* the files are there */
        bool resolved_listens;              /* systemd-resolved's stub answers */
        bool has_localtime;                 /* the host's /etc/localtime */
        char *timezone;                     /* what it is a link to, "Europe/Berlin"; NULL: none */
        bool image_has_timezone;
        char *host_machine_id;
        bool has_journal, has_machine_journal; /* /var/log/journal, and the machine's directory in it */
        char *journal_remote;                  /* the program; NULL: there is none */
        FactJournalLimits journal_limits;
        char *journal_socket; /* where it will listen for this machine */
        FactCredential *credentials;
        size_t n_credentials;
        FactUser *bind_users;
        size_t n_bind_users;
        uint32_t *image_uids; /* that the image's passwd and group have, of those that bound users could get */
        size_t n_image_uids;
        FactOwner *mount_owners; /* of the targets of spec.mounts, by index; NULL: not asked for */
        char **usr_links;        /* top-level links of the image, "bin=usr/bin" */
        bool usr_unmerged;       /* /bin or another of them is no link */
        char *scratch;           /* a directory for changes that are thrown away; NULL: memory */
        char *cgroup_own;        /* the caller's */
        unsigned n_listen_fds;   /* descriptors from 3 on that a service manager handed to the caller (sd_listen_fds(3)) */
        bool has_systemd;        /* the host's service manager */
        FactNetwork network;
        FactController *controllers; /* for a bundle with resources */
        size_t n_controllers;
        char **cgroup2_controllers;   /* that the machine's cgroup2 can have */
        bool has_apparmor, has_kcore; /* for a bundle */

        /* the machine */
        char *machine_name;
        uint32_t delegated
                        [SPEC_DELEGATE_MAX]; /* where the ranges begin that it gets for machines of its own: spec.users_delegate */
        uint32_t id_base;                    /* of the range reserved for the machine; the plan uses it for PICK, OWNER */
        char boot_uuid[33];                  /* fresh random 32 hex digits: boot_id of this start */
        char spare_uuid[33];                 /* another: the machine ID of an image that has none, for this start */

        /* the image */
        RootKind root_kind;
        char *root_directory; /* ROOT_DIRECTORY: host path */
        char **layers;        /* ROOT_OVERLAY: host paths, topmost first */
        char *upper, *work;   /* ROOT_OVERLAY: NULL when read-only */
        FactDisk disk;        /* ROOT_DISK */
        bool root_read_only;
        uint32_t root_owner; /* UID that owns the root directory on disk */
        InitKind init_kind;
        char *init_path; /* inside the image, "/usr/lib/systemd/systemd" */
        bool has_usr;
        char **missing_links, **missing_directories; /* at the top of the image: "bin=usr/bin"; "root" */
        char *machine_id;                            /* the image's own /etc/machine-id, NULL when empty or missing */
        char *user_name, *user_home,
                        *user_shell; /* of spec.user (default root), resolved in the image's passwd; NULL if not there */
        uint32_t user_uid, user_gid;
        uint32_t *user_groups; /* supplementary */
        size_t n_user_groups;
        bool user_found;

        /* the running machine, for plan_enter(): the rights its PID 1 has, which whoever enters shall not exceed (/proc/PID/status) */
        bool leader_known;
        uint64_t leader_bounding; /* CapBnd */
        bool leader_no_new_privs; /* NoNewPrivs */
} HostFacts;

void facts_done(HostFacts *f);
void fact_disk_done(FactDisk *d);
