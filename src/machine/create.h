/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The half of src/machine that makes machines (create-*.c): store, transfer and distro meet here. It lives in a program of its own
 * (berth-create, started by `berth create`), so that starting a machine never loads the solver, the archive or the HTTP libraries. */

#include "distro/distro.h"
#include "machine/machine.h"
#include "transfer/transfer.h"

typedef struct CreateShares { /* of Gentoo machines: create-shares.h */
        bool off, asked;      /* --no-share; --share */
        char *const *names;   /* "repos", "distfiles", "binpkgs"; NULL: all */
        const char *from;     /* NULL: the host's own, or those that berth keeps */
} CreateShares;

typedef struct CreateFixups {           /* create-fixups.h */
        char *const *names;             /* only these, or "none"; NULL: all that the root needs */
        const char *root_password_file; /* these are done where they are given */
        const char *locale, *timezone;
} CreateFixups;

typedef struct CreateRequest {
        const char *name;
        const char *source;
        DistroRequest distro;        /* the parts that options set; distribution and suite come from source */
        StoreDriverId driver;        /* _STORE_DRIVER_INVALID = the store's default */
        char *const *zfs_properties; /* PROPERTY=VALUE */
        bool rebuild;                /* do not use a finished image */
        bool keep;                   /* what a failed build leaves becomes the machine NAME-failed */
        CreateShares shares;
        CreateFixups fixups;
} CreateRequest;

/* Of the cache what the newest indexes do not name, and images that no request leads to any more. */
int machine_clean_cache(const MachineHost *h, Error *e);

int machine_create(const MachineHost *h, const CreateRequest *r, Error *e);

/* ---- import and export (create-import.c, create-export.c) ---- */
typedef struct ImportRequest {
        const char *source;   /* file, "-" for standard input, directory or URL */
        const char *name;     /* NULL: from the source */
        StoreDriverId driver; /* _STORE_DRIVER_INVALID = the store's default */
        uint64_t limit;       /* of what is unpacked, in bytes; 0 = most of what is free */
        bool force, read_only;
} ImportRequest;
int machine_import_tar(const MachineHost *h, const ImportRequest *q, Error *e);
int machine_import_raw(const MachineHost *h, const ImportRequest *q, Error *e); /* raw or qcow2; always of the raw driver */
int machine_import_fs(const MachineHost *h, const ImportRequest *q, Error *e);

/* ---- pull (create-pull.c) ---- */
typedef enum PullVerify {
        PULL_VERIFY_SIGNATURE, /* SHA256SUMS beside it, signed in SHA256SUMS.gpg */
        PULL_VERIFY_CHECKSUM,  /* SHA256SUMS or NAME.sha256 beside it */
        PULL_VERIFY_NO,
} PullVerify;
typedef struct PullRequest {
        const char *source; /* http, https or file */
        const char *name;   /* NULL: from the source; "-": only the image */
        PullVerify verify;
        char *const *keyrings; /* NULL: those of systemd's import */
        StoreDriverId driver;  /* _STORE_DRIVER_INVALID = the store's default */
        uint64_t limit;
        bool read_only;
        bool force;            /* replace what is in a machine of that name */
        bool no_keep_download; /* no image: the machine alone */
} PullRequest;
/* The image is kept, by its digest: the machine is a clone of it, with an identity of its own, and so is that of the next pull. */
int machine_pull_tar(const MachineHost *h, const PullRequest *q, Error *e);
/* A disk image, which is not looked into: its machine has the identity that the image has. */
int machine_pull_raw(const MachineHost *h, const PullRequest *q, Error *e);

typedef struct ExportRequest {
        const char *name, *snapshot; /* snapshot NULL: the present state, of a machine that does not run */
        const char *file;            /* NULL: standard output */
        PackCompression compression;
        bool force; /* replace the file */
} ExportRequest;
int machine_export_tar(const MachineHost *h, const ExportRequest *q, Error *e);
int machine_export_raw(const MachineHost *h, const ExportRequest *q, Error *e);

/* ---- streams (create-send.c, create-receive.c) ---- */
typedef struct SendRequest {
        const char *name, *snapshot; /* snapshot NULL: the present state, which then has none where it is received */
        const char *from;            /* only what changed since this snapshot; NULL: all */
        bool keep_snapshot;          /* set by machine_send() */
} SendRequest;
int machine_send(const MachineHost *h, const SendRequest *q, Error *e); /* to standard output */

typedef struct ReceiveRequest {
        const char *name;
        const char *file;     /* NULL: standard input */
        StoreDriverId driver; /* _STORE_DRIVER_INVALID = the store's default */
        uint64_t limit;       /* of what is unpacked; 0 = most of what is free */
        bool force;           /* give up what was changed since the snapshot that a stream goes on from */
} ReceiveRequest;
int machine_receive(const MachineHost *h, const ReceiveRequest *q, Error *e);

/* ---- transfers that run (create-transfer.c) ---- */
typedef struct Transfer {
        uint32_t id;
        char *type, *local, *remote; /* "import-tar"; a machine; a file or URL, or "" */
        uint64_t done, total;        /* total 0: unknown */
        pid_t pid;
        uint64_t starttime;
} Transfer;
void transfer_done(Transfer *t);
void machine_transfers(const MachineHost *h, Transfer **ret, size_t *ret_n);
int machine_transfer_cancel(const MachineHost *h, const char *id, Error *e); /* what it had begun is gone, too */

/* Images that machines are cloned from (machinectl's hidden ones); all: machines, too, that do not run. Each is noted. */
int machine_clean(const MachineHost *h, bool all, Error *e);
