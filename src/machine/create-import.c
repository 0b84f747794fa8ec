/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/create-transfer.h"
#include "machine/run-registry.h"
#include "machine/run-range.h"
#include "sys/copy.h"

#define POLL_MS 200

/* ---- the place ---- */

/* "x.tar.gz" is x. NULL: nothing is left that could be a name. */
char *import_name_of(const char *source)
{
        static const char *const suffixes[] = {".gz",   ".xz",   ".bz2", ".zst", ".lz4", ".lzma",  ".tgz",   ".txz",
                                               ".tbz2", ".tzst", ".tar", ".raw", ".img", ".qcow2", ".rootfs"};
        size_t whole = strcspn(source, "?#"); /* of a URL */
        _cleanup_free_ char *path = path_simplify(xstrndup(source, whole));
        char *name = xstrdup(path_basename(path));

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                const char *end = str_endswith(name, suffixes[i]);
                if (end && end != name) {
                        name[end - name] = '\0';
                        i = (size_t)-1;
                }
        }
        return name;
}

int import_begin(const MachineHost *h, const ImportRequest *q, const char *name, bool disk, Store *s, StoreBuild *ret, Error *e)
{
        _cleanup_(store_image_done) StoreImage old = {0};
        StoreDriverId driver = disk ? STORE_RAW : q->driver >= 0 ? q->driver : store_default_driver(s);
        int r = machine_check_name(name, e);

        if (r >= 0 && !disk && q->driver >= 0)
                r = store_check_driver(s, q->driver, e);
        if (r < 0)
                return r;
        if (store_find(s, STORE_MACHINE, name, &old, NULL) < 0)
                return store_build_begin(s, STORE_MACHINE, name, driver, ret, e);
        if (!q->force)
                return error_set(e, -EEXIST,
                                 "machine '%s' already exists; choose another name, or replace what is in it with --force", name);
        if (disk ? old.driver != STORE_RAW : q->driver >= 0 && q->driver != old.driver)
                return error_set(e, -EINVAL, "machine '%s' is stored by the %s driver; --force replaces only what is in it", name,
                                 store_driver_name(old.driver));
        return import_check_stopped(h, name, e) < 0 ? -EBUSY : store_build_replace(s, &old, ret, e);
}

int import_check_stopped(const MachineHost *h, const char *name, Error *e)
{
        Machine m = {0};
        bool running = machine_find(h, name, &m, NULL) >= 0;

        machine_done(&m);
        return running ? error_set(e, -EBUSY, "machine '%s' is running; stop it with 'berth poweroff %s'", name, name) : 0;
}

int import_mark(const ImportRequest *q, const char *name, Store *s, Error *e)
{
        _cleanup_(store_image_done) StoreImage made = {0};
        int r = q->read_only ? store_find(s, STORE_MACHINE, name, &made, e) : 0;

        return r < 0 || !q->read_only ? r : store_read_only(s, &made, true, e);
}

uint64_t import_default_limit(int dirfd)
{
        struct statvfs fs;

        return fstatvfs(dirfd, &fs) < 0 ? 0 : (uint64_t)fs.f_bavail * fs.f_frsize / 100 * 95;
}

/* ---- unpacking ---- */

typedef struct Unpacking {
        bool done;
        UnpackJob job;
        Unpack *pool;
        Decode *decode;
        int fd; /* the archive */
        uint64_t size, limit;
        const Events *events;
} Unpacking;

static int note_done(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e)
{
        Unpacking *u = ctx;

        u->done = true;
        return 0;
}

/* The decompressor reads with the descriptor that is ours, too: its position is how far it is. */
static void show_progress(const Unpacking *u)
{
        off_t at = u->decode ? lseek(u->fd, 0, SEEK_CUR) : -1;

        if (at >= 0)
                events_progress(u->events, MIN((uint64_t)at, u->size), u->size);
        else
                events_progress(u->events, u->size ? MIN(unpack_bytes(u->pool), u->size) : unpack_bytes(u->pool), u->size);
}

static int run_workers(Unpacking *u, Error *e)
{
        int r = unpack_submit(u->pool, &u->job, e);

        while (r >= 0 && !u->done) {
                struct pollfd ready = {.fd = unpack_fd(u->pool), .events = POLLIN};
                if (poll(&ready, 1, POLL_MS) < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot wait for the unpack worker");
                r = unpack_dispatch(u->pool, e);
                show_progress(u);
        }
        if (!u->decode)
                return r;
        return r < 0 ? decode_failure(u->decode, r, e) : decode_finish(u->decode, u->limit, e);
}

/* What is not compressed is read by the worker itself, from where it lies. */
static bool is_plain_tar(int fd)
{
        char magic[5];

        return lseek(fd, 0, SEEK_CUR) >= 0 && pread(fd, magic, sizeof(magic), 257) == sizeof(magic) &&
               memcmp(magic, "ustar", 5) == 0;
}

int import_unpack(const MachineHost *h, int fd, const char *label, uint64_t limit, const StoreBuild *b, Error *e)
{
        __attribute__((cleanup(decode_closep))) Decode *decode = NULL;
        __attribute__((cleanup(unpack_closep))) Unpack *pool = NULL;
        struct stat st;
        IdRange range;
        int r = machine_range_take(h, b->name, false, &range, e);

        if (r < 0)
                return r;
        Unpacking u = {.fd = fd,
                       .events = &h->events,
                       .size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0};
        u.limit = limit > 0 ? limit : import_default_limit(b->dirfd);
        const UnpackOptions options = {.root_dirfd = b->dirfd,
                                       .id_base = range.base,
                                       .workers = 1,
                                       .limit_bytes = u.limit,
                                       .done = note_done,
                                       .ctx = &u};
        events_step(&h->events, "Unpacking %s", label);
        r = unpack_open(&options, &pool, e);
        if (r >= 0 && !is_plain_tar(fd))
                r = decode_open(fd, &decode, e);
        if (r >= 0) {
                u.pool = pool;
                u.decode = decode;
                u.job = (UnpackJob){.format = UNPACK_TAR, .fd = decode ? decode_output(decode) : fd, .label = label};
                r = run_workers(&u, e);
        }
        machine_range_release(&range);
        return r;
}

/* ---- the verbs ---- */

typedef int (*Fill)(const MachineHost *h, const ImportRequest *q, const StoreBuild *b, Error *e);

int import_open(const char *source, Error *e)
{
        bool standard_input = str_eq(source, "-");
        _cleanup_close_ int fd = standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                                                : open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return error_sys(e, -errno, "cannot open '%s'", source);
        if (S_ISDIR(st.st_mode))
                return error_set(e, -EISDIR, "'%s' is a directory; 'berth import-fs' takes those", source);
        if (standard_input && isatty(fd))
                return error_set(e, -EINVAL, "the archive is expected on standard input, which is a terminal; name a file");
        return TAKE_FD(fd);
}

static const char *label_of(const ImportRequest *q)
{
        return str_eq(q->source, "-") ? "standard input" : path_basename(q->source);
}

static int fill_tar(const MachineHost *h, const ImportRequest *q, const StoreBuild *b, Error *e)
{
        _cleanup_close_ int fd = import_open(q->source, e);

        return fd < 0 ? fd : import_unpack(h, fd, label_of(q), q->limit, b, e);
}

static int fill_raw(const MachineHost *h, const ImportRequest *q, const StoreBuild *b, Error *e)
{
        _cleanup_close_ int fd = import_open(q->source, e);

        return fd < 0 ? fd : import_disk(h, fd, label_of(q), q->limit, b, e);
}

static int fill_tree(const MachineHost *h, const ImportRequest *q, const StoreBuild *b, Error *e)
{
        events_step(&h->events, "Copying %s", q->source);
        return sys_copy_tree_into(AT_FDCWD, q->source, b->dirfd, &h->events, e);
}

static int import(const MachineHost *h, const ImportRequest *q, const char *name, Fill fill, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        StoreBuild b;
        int r = store_open(h->machines_dir, &s, e);

        if (r >= 0)
                r = import_begin(h, q, name, fill == fill_raw, s, &b, e);
        if (r < 0)
                return r;
        r = fill(h, q, &b, e);
        if (r >= 0)
                events_step(&h->events, "Writing to disk");
        if (r >= 0)
                r = store_build_commit(&b, false, e);
        store_build_abort(&b);
        return r < 0 ? r : import_mark(q, name, s, e);
}

static int named_import(const MachineHost *h, const ImportRequest *q, const char *kind, Fill fill, Error *e)
{
        _cleanup_free_ char *derived = q->name ? NULL : import_name_of(q->source);
        const char *name = q->name ?: derived;
        TransferRecord t;

        if (!q->name && str_eq(q->source, "-"))
                return error_set(e, -EINVAL, "what comes from standard input needs a name: berth %s - NAME", kind);
        transfer_begin(&t, h, kind, name, str_eq(q->source, "-") ? NULL : q->source);
        int r = import(&t.host, q, name, fill, e);
        transfer_end(&t);
        if (r >= 0)
                events_note(&h->events, "Imported as machine '%s'", name);
        return r;
}

int machine_import_tar(const MachineHost *h, const ImportRequest *q, Error *e)
{
        return named_import(h, q, "import-tar", fill_tar, e);
}

int machine_import_raw(const MachineHost *h, const ImportRequest *q, Error *e)
{
        return named_import(h, q, "import-raw", fill_raw, e);
}

/* Opened as it is, links and all; what is mounted below stays empty. */
int machine_import_fs(const MachineHost *h, const ImportRequest *q, Error *e)
{
        struct stat st;

        if (stat(q->source, &st) < 0)
                return error_sys(e, -errno, "cannot read '%s'", q->source);
        if (!S_ISDIR(st.st_mode))
                return error_set(e, -ENOTDIR, "'%s' is no directory; 'berth import-tar' takes archives", q->source);
        _cleanup_free_ char *real = realpath(q->source, NULL);
        if (!real)
                return error_sys(e, -errno, "cannot read '%s'", q->source);
        ImportRequest own = *q;
        own.source = real;
        return named_import(h, &own, "import-fs", fill_tree, e);
}
