/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "machine/create-import.h"
#include "machine/create-send.h"
#include "machine/create-transfer.h"
#include "machine/run-registry.h"
#include "sys/open.h"
#include "transfer/stream.h"

/* A whole state becomes a new machine, and then its snapshot is taken. A change is made to a machine whose present state is that of the
 * snapshot it goes on from, in its place; what is noted before says how to get back, whoever is killed when. */

typedef struct Receive {
        const MachineHost *host;
        const ReceiveRequest *q;
        Store *store;
        SendHeader header;
        Stream stream;
} Receive;

/* ---- whole states ---- */

static int fill(Receive *r, const StoreBuild *b, Error *e)
{
        int k = import_unpack(r->host, r->stream.fd, "the stream", r->q->limit, b, e);

        return k < 0 ? stream_failure(&r->stream, k, e) : stream_finish(&r->stream, e);
}

static int take_snapshot(Receive *r, bool first, Error *e)
{
        _cleanup_(store_image_done) StoreImage made = {0};
        const SendHeader *h = &r->header;
        int k = store_find(r->store, STORE_MACHINE, r->q->name, &made, e);

        if (k == 0)
                k = store_snapshot(r->store, &made, h->snapshot, NULL, &r->host->events, e);
        return k < 0 ? k : send_id_note(r->host, r->store, r->q->name, h->snapshot, h->id, first, e);
}

static int commit_with_snapshot(Receive *r, StoreBuild *b, Error *e)
{
        StoreJournal j = STORE_JOURNAL_NONE;
        int k = store_journal_begin(r->store, r->q->name, &j, e);

        if (k < 0)
                return k;
        store_journal_add(&j, "remove", r->q->name, NULL);
        k = store_journal_write(&j, e);
        if (k == 0)
                k = store_build_commit(b, false, e);
        if (k == 0)
                k = take_snapshot(r, true, e);
        if (k == 0)
                k = store_journal_write(&j, e);
        int n = store_journal_end(&j, k < 0 ? NULL : e);
        return k < 0 ? k : n;
}

static int receive_whole(Receive *r, Error *e)
{
        const ImportRequest place = {.driver = r->q->driver};
        StoreBuild b;
        int k = import_begin(r->host, &place, r->q->name, false, r->store, &b, e);

        if (k < 0)
                return k;
        k = fill(r, &b, e);
        if (k >= 0)
                events_step(&r->host->events, "Writing to disk");
        if (k >= 0)
                k = *r->header.snapshot ? commit_with_snapshot(r, &b, e) : store_build_commit(&b, false, e);
        store_build_abort(&b);
        return k;
}

/* ---- changes ---- */

static int remove_path(int tree, const char *path)
{
        _cleanup_free_ char *dir = path_dirname(path);
        const char *name = path_basename(path);
        _cleanup_close_ int fd = sys_open_in_root(tree, dir, O_RDONLY | O_DIRECTORY, 0);

        if (!*name || str_eq(name, ".") || str_eq(name, ".."))
                return -EBADMSG;
        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd; /* gone with a directory above */
        return file_remove_tree_at(fd, name);
}

static int clear_attributes(int tree, const char *path)
{
        _cleanup_close_ int fd = sys_open_in_root(tree, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        char names[65536];
        ssize_t n = fd < 0 ? fd : flistxattr(fd, names, sizeof(names));

        if (n < 0)
                return fd < 0 ? fd : -errno;
        for (const char *name = names; name < names + n; name += strlen(name) + 1)
                if ((str_startswith(name, "user.") && !str_startswith(name, "user.overlay.")) ||
                    str_startswith(name, "system.posix_acl_"))
                        (void)fremovexattr(fd, name); /* what the entry of the archive sets comes after */
        return 0;
}

static int apply_list(int tree, const char *list, size_t len, Error *e)
{
        for (const char *p = list; p < list + len; p += strlen(p) + 1) {
                int k = *p == '-' ? remove_path(tree, p + 1) : *p == '/' ? clear_attributes(tree, p + 1) : -EBADMSG;
                if (k < 0)
                        return error_sys(e, k, "cannot change '/%s' as the stream says", *p ? p + 1 : "");
        }
        return 0;
}

static int read_list(int fd, char **ret, size_t *ret_len, Error *e)
{
        uint8_t head[4];

        if (fd_read_full(fd, head, sizeof(head)) != sizeof(head))
                return error_set(e, -EBADMSG, "the stream ends too early: was the sender stopped?");
        size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (len > SEND_LIST_MAX)
                return error_set(e, -EBADMSG, "the stream is damaged: its list of changes has %zu bytes", len);
        _cleanup_free_ char *list = malloc(len + 1);
        if (!list)
                return error_set(e, -ENOMEM, "out of memory");
        if (fd_read_full(fd, list, len) != (ssize_t)len || (len > 0 && list[len - 1] != '\0'))
                return error_set(e, -EBADMSG, "the stream ends too early: was the sender stopped?");
        *ret = TAKE_PTR(list);
        *ret_len = len;
        return 0;
}

static int apply(Receive *r, const StoreImage *i, Error *e)
{
        _cleanup_free_ char *list = NULL;
        size_t len = 0;
        int k = read_list(r->stream.fd, &list, &len, e);

        if (k < 0)
                return stream_failure(&r->stream, k, e);
        _cleanup_close_ int tree = store_tree_open_writable(i, e);
        if (tree < 0)
                return tree;
        k = apply_list(tree, list, len, e);
        const StoreBuild place = {.store = r->store, .name = (char *)r->q->name, .dirfd = tree, .lock_fd = -1, .work_fd = -1};
        if (k == 0)
                k = fill(r, &place, e);
        if (k < 0)
                return k;
        _cleanup_close_ int top = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return top < 0 || syncfs(top) < 0 ? error_sys(e, -errno, "cannot write to disk") : 0;
}

/* Locked meanwhile; not when the way back is gone, or the snapshot taken. */
static int apply_locked(Receive *r, const StoreImage *i, Error *e)
{
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        int k = store_lock(r->store, i, true, &lock, e);

        return k < 0 ? k : apply(r, i, e);
}

/* The snapshot must be the one that the sender means, and the machine as it was then. */
static int check_base(Receive *r, Error *e)
{
        const SendHeader *h = &r->header;
        const char *name = r->q->name;
        _cleanup_(store_image_done) StoreImage there = {0};
        _cleanup_free_ char *id = NULL;
        MachineDiff diff;
        int k = send_id_of(r->host, r->store, name, h->from, &id, e);

        if (k == 0 && !str_eq(id, h->from_id))
                return error_set(e, -ESTALE,
                                 "the snapshot '%s' of machine '%s' is not the one that the stream goes on from; send the whole "
                                 "state, without --from",
                                 h->from, name);
        if (k == 0 && store_find_snapshot(r->store, name, h->snapshot, &there, NULL) == 0)
                return error_set(e, -EEXIST, "machine '%s' already has a snapshot '%s'", name, h->snapshot);
        if (k == 0 && !r->q->force)
                k = machine_diff(r->host, name, h->from, NULL, &diff, e);
        if (k < 0 || r->q->force)
                return k;
        bool changed = diff.files.n > 0;
        machine_diff_done(&diff);
        return changed ? error_set(e, -EEXIST,
                                   "machine '%s' was changed since '%s'; 'berth rollback %s %s', or --force, gives that up", name,
                                   h->from, name, h->from)
                       : 0;
}

static int change(Receive *r, StoreJournal *j, Error *e)
{
        _cleanup_(store_image_done) StoreImage old = {0}, i = {0};
        const char *name = r->q->name;
        int k = store_find(r->store, STORE_MACHINE, name, &old, e);

        if (k == 0 && r->q->force)
                k = store_rollback(r->store, &old, r->header.from, e);
        if (k == 0)
                k = store_find(r->store, STORE_MACHINE, name, &i, e);
        if (k == 0)
                k = apply_locked(r, &i, e);
        if (k == 0)
                k = take_snapshot(r, false, e);
        return k < 0 ? k : store_journal_write(j, e);
}

static int receive_change(Receive *r, Error *e)
{
        const char *name = r->q->name;
        StoreJournal j = STORE_JOURNAL_NONE;
        int k = import_check_stopped(r->host, name, e);

        if (k >= 0)
                k = check_base(r, e);
        if (k >= 0)
                k = store_journal_begin(r->store, name, &j, e);
        if (k < 0)
                return k;
        store_journal_add(&j, "rollback", name, r->header.from);
        store_journal_add(&j, "forget", name, r->header.snapshot);
        k = store_journal_write(&j, e);
        if (k == 0)
                k = change(r, &j, e);
        int n = store_journal_end(&j, k < 0 ? NULL : e);
        return k < 0 ? k : n;
}

/* ---- the verb ---- */

static int open_source(const ReceiveRequest *q, Error *e)
{
        int fd = q->file ? open(q->file, O_RDONLY | O_CLOEXEC | O_NOCTTY)
                         : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

        if (fd < 0)
                return error_sys(e, -errno, "cannot open %s", q->file ?: "standard input");
        if (!isatty(fd))
                return fd;
        fd_close(fd);
        return error_set(
                        e, -EINVAL,
                        "a stream is expected on standard input, which is a terminal; name a file, or pipe 'berth send' into it");
}

static int check_format(const Receive *r, Error *e)
{
        if (str_eq(r->header.format, "tar"))
                return 0;
        return error_set(e, -EOPNOTSUPP,
                         "the stream is of format '%.32s', which this berth does not know; send it with a berth as new as this",
                         r->header.format);
}

static int receive(const MachineHost *h, const ReceiveRequest *q, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_free_ char *header = NULL;
        _cleanup_close_ int in = -1;
        Receive r = {.host = h, .q = q, .stream = STREAM_NONE};
        int k = machine_check_name(q->name, e);

        if (k >= 0)
                k = in = open_source(q, e);
        if (k >= 0)
                k = store_open(h->machines_dir, &s, e);
        if (k >= 0)
                k = stream_receive(in, &header, &r.stream, e);
        if (k >= 0)
                k = send_header_parse(header, &r.header, e);
        r.store = s;
        if (k >= 0)
                k = check_format(&r, e);
        if (k >= 0)
                k = *r.header.from ? receive_change(&r, e) : receive_whole(&r, e);
        stream_done(&r.stream);
        send_header_done(&r.header);
        return k;
}

int machine_receive(const MachineHost *h, const ReceiveRequest *q, Error *e)
{
        TransferRecord t;

        transfer_begin(&t, h, "receive", q->name, q->file);
        int r = receive(&t.host, q, e);
        transfer_end(&t);
        return r;
}
