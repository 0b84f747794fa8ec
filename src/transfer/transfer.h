/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Fetch, verify, unpack. Knows nothing of distributions or of the store: it writes to files and directories it is handed. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/events.h"

/* ---- digests ---- */
/* MD5 and SHA1 are what indexes of Gentoo have, beside each other; they find accidents, not attacks. */
typedef enum DigestType {
        DIGEST_NONE,
        DIGEST_SHA256,
        DIGEST_SHA512,
        DIGEST_BLAKE2B,
        DIGEST_SHA1,
        DIGEST_MD5,
        _DIGEST_MAX
} DigestType;
typedef struct Digest {
        DigestType type;
        uint8_t bytes[64];
} Digest;
int digest_parse(DigestType type, const char *hex, Digest *ret); /* -EINVAL */
int digest_of_fd(int fd, DigestType type, Digest *ret);          /* from the start, by pread */
bool digest_eq(const Digest *a, const Digest *b);

/* ---- fetch ---- */
typedef struct FetchItem {
        const char *url;   /* http, https or file */
        const char *path;  /* the finished file, below FetchOptions.dirfd; a partial one is PATH.part and is resumed */
        uint64_t size;     /* expected, 0 = unknown; also the limit of what is taken */
        uint64_t limit;    /* when size is unknown: -E2BIG beyond, 0 = 64 MiB */
        Digest digest;     /* of the file; DIGEST_NONE: not checked here */
        const char *label; /* for messages: "libc6 2.36-9" */
        void *user;
} FetchItem;

typedef struct FetchOptions {
        int dirfd;                /* where paths are */
        unsigned parallel;        /* connections, 0 = 8 */
        unsigned retries;         /* per item for what may pass (time-outs, 5xx, broken connections), with growing pauses */
        unsigned stall_timeout_s; /* 0 = 30 */
        bool no_cache;            /* fetch also what is there with the right size and digest */
        const Events *events;
        /* Called in completion order for each item whose file is complete and verified (also when it was in the cache);
         * negative ends the fetch. */
        int (*done)(void *ctx, const FetchItem *item, Error *e);
        /* When not NULL: an fd to watch besides the sockets (a worker's reports) and what to do when it is readable. */
        int watch_fd; /* -1 = none */
        int (*watch)(void *ctx, Error *e);
        void *ctx;
} FetchOptions;

/* All or an error that names the item's label and URL and says what to try: a host that cannot be reached, 404, a digest
 * that differs (the bad file is deleted). */
int fetch_all(const FetchItem *items, size_t n, const FetchOptions *o, Error *e);

/* ---- signatures ---- */
/* Runs gpgv(1) with the keyrings (files; .gpg or .asc) on a clear-signed file, or on a file with a detached signature.
 * On success *ret_text holds exactly the bytes that were signed (clear-signed: gpgv --output). The message says which
 * key is missing, expired or wrong. */
int verify_clearsigned(const char *path, char *const *keyrings, char **ret_text, size_t *ret_len, Error *e);
int verify_detached(const char *path, const char *signature, char *const *keyrings, Error *e);

/* ---- decompression of a whole file ---- */
/* Any of gzip, xz, zstd, bzip2, lz4 or none, by content, into memory with a limit. */
int decompress_file(int fd, uint64_t limit, char **ret, size_t *ret_len, Error *e);

/* ---- a decompressor of its own ---- */
/* A confined process, without rights or files, that decompresses an archive into a pipe: it works while others write, and on all
 * CPUs where the stream has blocks (xz -T). By content; what is not compressed passes through. */
typedef struct Decode Decode;
int decode_open(int fd, Decode **ret, Error *e); /* from the descriptor's position; while the process has one thread */
int decode_output(const Decode *d);              /* the pipe */
/* Once the reader has what it wants: reads the rest (at most `limit` bytes, 0 = any number), so that every checksum of the stream was
 * seen, and says what the decompressor found wrong. */
int decode_finish(Decode *d, uint64_t limit, Error *e);
int decode_failure(const Decode *d, int code,
                   Error *e);    /* after the reader failed with `code`: why, if it was the decompressor's fault */
Decode *decode_close(Decode *d); /* kills it; NULL allowed, returns NULL */
static inline void decode_closep(Decode **d)
{
        decode_close(*d);
}

/* ---- disk images ---- */
typedef struct DiskImport {
        int fd;               /* raw or qcow2, in any compression, from the descriptor's position */
        int out_fd;           /* a new file: becomes the raw image, with holes where there would be zeros */
        int spool_fd;         /* an empty file without a name: compressed qcow2 images lie there meanwhile */
        uint64_t limit_bytes; /* of what is written, 0 = none */
        uint64_t limit_size;  /* of the disk, 0 = 64 TiB */
        const Events *events;
} DiskImport;
/* Decompressed and converted by confined processes. Whether it is a disk is for others to say. While the process has one thread. */
int disk_import(const DiskImport *o, Error *e);

/* ---- packing ---- */
typedef enum PackCompression {
        PACK_UNCOMPRESSED,
        PACK_XZ,
        PACK_GZIP,
        PACK_BZIP2,
        PACK_ZSTD,
        _PACK_COMPRESSION_MAX,
} PackCompression;
int pack_compression_from_name(const char *name, PackCompression *ret, Error *e); /* with a message that lists what there is */
PackCompression pack_compression_of(const char *file);                            /* by the end of its name */

typedef struct PackOptions {
        int root_dirfd; /* a mount or directory; nobody changes it meanwhile */
        int out_fd;
        PackCompression compression;
        uint64_t total; /* bytes, for the progress; 0 = unknown */
        const Events *events;
        bool (*wants)(void *ctx, const char *path, const struct stat *st); /* "" for the top; NULL: everything goes in */
        void *ctx;
} PackOptions;
/* All of the tree in a fixed order: numeric owners, times, attributes, ACLs, hard links, holes, device nodes. Sockets are left out. */
int pack_tar(const PackOptions *o, Error *e);
/* A file, a disk image, as it is: root_dirfd is that file. With holes where out_fd can have them. */
int pack_raw(const PackOptions *o, Error *e);

/* ---- the unpack worker ---- */
/* A pool of confined processes that unpack archives into one tree: each has namespaces of its own (user: the tree's IDs
 * are mapped, 65536 from id_base; mount: its "/" is the tree; net: none; pid), no capabilities outside them and a
 * seccomp filter, so that an archive can do nothing but fill the tree. */
typedef struct Unpack Unpack;

typedef enum UnpackFormat {
        UNPACK_TAR, /* any libarchive tar, any compression */
        UNPACK_DEB, /* ar: the data member goes to the tree, the control member's files are handed back */
        /* Gentoo's two: the image goes to the tree as Portage merges it, the metadata are handed back as control files */
        UNPACK_XPAK,
        UNPACK_GPKG, /* verified before, by gpkg_verify() */
        _UNPACK_FORMAT_MAX,
} UnpackFormat;

typedef struct UnpackFile {
        char *name;
        char *data;
        size_t len;
        mode_t mode;
} UnpackFile; /* of a control archive */
typedef struct UnpackResult {
        UnpackFile *control;
        size_t n_control;
        char **paths; /* entries in archive order as dpkg lists them: "/.", "/usr", "/usr/bin/x"; no trailing slashes */
        char **conffile_digests; /* UNPACK_DEB: "PATH MD5" for each path in the control member conffiles */
        /* XPAK, GPKG: lines of /var/db/pkg/…/CONTENTS: "dir /usr", "obj PATH MD5 MTIME", "sym PATH -> TARGET MTIME", "fif PATH" */
        char **contents;
        uint64_t bytes; /* of regular files */
} UnpackResult;
void unpack_result_done(UnpackResult *r);

typedef struct UnpackJob {
        UnpackFormat format;
        int fd;            /* the archive, opened by the caller, read from the start; borrowed until done() */
        int dirfd;         /* with path: where it is; borrowed */
        const char *path;  /* instead of fd (path NULL): opened when its turn comes, so that a long queue holds no descriptors */
        const char *label; /* for messages */
        uint64_t limit;    /* of what this archive unpacks to, 0 = none: it is the one that is named, whoever works beside it */
        void *user;
} UnpackJob;

typedef struct UnpackOptions {
        int root_dirfd;
        uint32_t id_base;     /* host-side start of the worker's ID range */
        unsigned workers;     /* 0 = number of CPUs */
        uint64_t limit_bytes; /* of everything unpacked, 0 = none: a bomb ends with a message */
        /* In completion order. */
        int (*done)(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e);
        void *ctx;
} UnpackOptions;

/* Forks the workers: to be called while the process has one thread (so not from within fetch_all()), and by a thread that outlives the
 * pool: its end kills them. */
int unpack_open(const UnpackOptions *o, Unpack **ret, Error *e);
int unpack_fd(const Unpack *u);                               /* readable when results wait: for FetchOptions.watch_fd */
int unpack_submit(Unpack *u, const UnpackJob *job, Error *e); /* queues; never blocks on the work */
int unpack_dispatch(Unpack *u, Error *e);                     /* takes the waiting results, calls done() */
int unpack_finish(Unpack *u, Error *e);                       /* until the queue is empty */
uint64_t unpack_bytes(const Unpack *u);                       /* of regular files written so far, when there is a limit */
Unpack *unpack_close(Unpack *u);                              /* kills what still works; returns NULL */
static inline void unpack_closep(Unpack **u)
{
        unpack_close(*u);
}
