/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/create-transfer.h"
#include "machine/run-registry.h"
#include "machine/run-tree.h"
#include "transfer/transfer.h"

/* ---- the file: it is there when it is whole, and nothing is left of one that is not ---- */

typedef struct Output {
        const char *path; /* NULL: standard output */
        int dirfd, fd;
        char *temporary; /* where there are no files without names */
} Output;

static void output_done(Output *o)
{
        if (o->temporary)
                (void)unlinkat(o->dirfd, o->temporary, 0);
        free(o->temporary);
        fd_close(o->fd);
        fd_close(o->dirfd);
}

static char *temporary_name(const char *path)
{
        uint32_t random;

        hash_random(&random, sizeof(random));
        return xasprintf(".#%s.%08x", path_basename(path), random);
}

static int output_open(Output *o, bool force, Error *e)
{
        _cleanup_free_ char *dir = o->path ? path_dirname(o->path) : NULL;
        struct stat st;

        if (!o->path) {
                o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
                if (o->fd >= 0 && isatty(o->fd))
                        return error_set(e, -EINVAL, "an archive does not go to a terminal; name a file");
                return o->fd < 0 ? error_sys(e, -errno, "cannot write to standard output") : 0;
        }
        if (!force && lstat(o->path, &st) == 0)
                return error_set(e, -EEXIST, "'%s' exists; --force replaces it", o->path);
        o->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (o->dirfd < 0)
                return error_sys(e, -errno, "cannot open '%s'", dir);
        o->fd = openat(o->dirfd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
        if (o->fd < 0) {
                o->temporary = temporary_name(o->path);
                o->fd = openat(o->dirfd, o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        }
        return o->fd < 0 ? error_sys(e, -errno, "cannot make '%s'", o->path) : 0;
}

static int output_commit(Output *o, bool force, Error *e)
{
        int r = 0;

        if (!o->path)
                return 0;
        if (fsync(o->fd) < 0)
                return error_sys(e, -errno, "cannot write '%s'", o->path);
        if (!o->temporary) {
                o->temporary = temporary_name(o->path);
                if (linkat(AT_FDCWD, fd_path(o->fd).s, o->dirfd, o->temporary, AT_SYMLINK_FOLLOW) < 0)
                        r = -errno;
        }
        if (r == 0 && renameat2(o->dirfd, o->temporary, o->dirfd, path_basename(o->path), force ? 0 : RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0)
                return error_sys(e, r, "cannot put '%s' in place", o->path);
        free(o->temporary);
        o->temporary = NULL;
        return 0;
}

/* ---- the verb ---- */

static int find(Store *s, const ExportRequest *q, StoreImage *ret, Error *e)
{
        return q->snapshot ? store_find_snapshot(s, q->name, q->snapshot, ret, e) : store_find(s, STORE_MACHINE, q->name, ret, e);
}

static int check_still(const MachineHost *h, const ExportRequest *q, const char *verb, Error *e)
{
        Machine m = {0};
        bool running = !q->snapshot && machine_find(h, q->name, &m, NULL) >= 0;

        machine_done(&m);
        if (!running)
                return 0;
        return error_set(e, -EBUSY,
                         "machine '%s' is running; export a snapshot of it: 'berth snapshot %s now', then 'berth %s %s@now'",
                         q->name, q->name, verb, q->name);
}

/* What is packed: the files of a tree, or a disk image as it is. */
typedef struct Kind {
        const char *verb;
        bool disk;
        int (*pack)(const PackOptions *o, Error *e);
} Kind;

static const Kind kind_tar = {"export-tar", false, pack_tar}, kind_raw = {"export-raw", true, pack_raw};

static int open_disk(const StoreImage *image, Error *e)
{
        if (!image->disk)
                return error_set(e, -EMEDIUMTYPE, "'%s' is a tree; 'berth export-tar' packs it", image->name);
        int fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? error_sys(e, -errno, "cannot open '%s'", image->path) : fd;
}

static int pack(const MachineHost *h, const ExportRequest *q, const Kind *k, Store *s, const StoreImage *image, Error *e)
{
        _cleanup_(output_done) Output out = {.path = q->file, .dirfd = -1, .fd = -1};
        _cleanup_(machine_tree_close) MachineTree tree = MACHINE_TREE_NONE;
        _cleanup_close_ int disk = -1;
        StoreUsage usage;
        int r = k->disk ? (disk = open_disk(image, e)) : machine_tree_open(h, s, image, &tree, e);

        if (r >= 0)
                r = output_open(&out, q->force, e);
        if (r < 0)
                return r;
        store_usage(s, image, &usage);
        const PackOptions options = {.root_dirfd = k->disk ? disk : tree.fd,
                                     .out_fd = out.fd,
                                     .compression = q->compression,
                                     .total = usage.used == STORE_UNKNOWN ? 0 : usage.used,
                                     .events = &h->events};
        events_step(&h->events, "Packing %s", q->name);
        r = k->pack(&options, e);
        return r < 0 ? r : output_commit(&out, q->force, e);
}

static int export(const MachineHost *h, const ExportRequest *q, const Kind *k, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_(store_image_done) StoreImage image = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        int r = machine_check_name(q->name, e);

        if (r >= 0)
                r = check_still(h, q, k->verb, e);
        if (r >= 0)
                r = store_open(h->machines_dir, &s, e);
        if (r >= 0)
                r = find(s, q, &image, e);
        if (r >= 0)
                r = store_lock(s, &image, false, &lock, e);
        return r < 0 ? r : pack(h, q, k, s, &image, e);
}

static int record(const MachineHost *h, const ExportRequest *q, const Kind *k, Error *e)
{
        TransferRecord t;

        transfer_begin(&t, h, k->verb, q->name, q->file);
        int r = export(&t.host, q, k, e);
        transfer_end(&t);
        return r;
}

int machine_export_tar(const MachineHost *h, const ExportRequest *q, Error *e)
{
        return record(h, q, &kind_tar, e);
}

int machine_export_raw(const MachineHost *h, const ExportRequest *q, Error *e)
{
        return record(h, q, &kind_raw, e);
}
