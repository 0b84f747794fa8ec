/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-send.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/create-transfer.h"
#include "machine/run-registry.h"
#include "transfer/stream.h"
#include "transfer/transfer.h"

#define RECORD_MAX (1024 * 1024)

/* ---- the header ---- */

static const struct {
        const char *key;
        size_t offset;
} header_fields[] = {
                {"format", offsetof(SendHeader, format)},     {"name", offsetof(SendHeader, name)},
                {"snapshot", offsetof(SendHeader, snapshot)}, {"id", offsetof(SendHeader, id)},
                {"from", offsetof(SendHeader, from)},         {"from-id", offsetof(SendHeader, from_id)},
                {"driver", offsetof(SendHeader, driver)},
};

static char **field(const SendHeader *h, size_t i)
{
        return (char **)((char *)h + header_fields[i].offset);
}

void send_header_done(SendHeader *h)
{
        for (size_t i = 0; i < ELEMENTSOF(header_fields); i++)
                free(*field(h, i));
        *h = (SendHeader){0};
}

char *send_header_format(const SendHeader *h)
{
        Buf b = {0};

        for (size_t i = 0; i < ELEMENTSOF(header_fields); i++)
                buf_addf(&b, "%s=%s\n", header_fields[i].key, *field(h, i) ?: "");
        return b.data;
}

static int take_line(SendHeader *h, const char *line, Error *e)
{
        const char *value = strchr(line, '=');

        for (size_t i = 0; value && i < ELEMENTSOF(header_fields); i++)
                if (strncmp(line, header_fields[i].key, (size_t)(value - line)) == 0 &&
                    header_fields[i].key[value - line] == '\0' && !*field(h, i)) {
                        *field(h, i) = xstrdup(value + 1);
                        return 0;
                }
        return error_set(e, -EBADMSG, "the stream has '%.64s' in its header, which this berth does not know", line);
}

int send_header_parse(const char *text, SendHeader *ret, Error *e)
{
        _cleanup_(send_header_done) SendHeader h = {0};
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines) {
                int r = **line ? take_line(&h, *line, e) : 0;
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < ELEMENTSOF(header_fields); i++)
                if (!*field(&h, i))
                        return error_set(e, -EBADMSG, "the stream's header lacks '%s'", header_fields[i].key);
        if ((*h.snapshot && !path_snapshot_name_is_valid(h.snapshot)) || (*h.from && !path_snapshot_name_is_valid(h.from)) ||
            (*h.from && !*h.snapshot) || strchr(h.id, ' '))
                return error_set(e, -EBADMSG, "the stream's header names no snapshot");
        *ret = h;
        h = (SendHeader){0};
        return 0;
}

/* ---- which snapshot is which ---- */

static char *record_path(const MachineHost *h, const char *name)
{
        return xasprintf("%s/received/%s", h->state_dir, name);
}

static int created_of(Store *s, const char *name, const char *snapshot, uint64_t *ret, Error *e)
{
        StoreSnapshot *v = NULL;
        size_t n = 0;
        int r = store_snapshots(s, name, &v, &n, e);
        bool found = false;

        for (size_t i = 0; i < n && r == 0; i++)
                if (str_eq(v[i].name, snapshot)) {
                        *ret = v[i].created_usec;
                        found = true;
                }
        store_snapshots_free(v, n);
        return r < 0 || found ? r : error_set(e, -ENOENT, "machine '%s' has no snapshot '%s'", name, snapshot);
}

static char **read_record(const MachineHost *h, const char *name)
{
        _cleanup_free_ char *path = record_path(h, name), *text = NULL;

        return file_read_at(AT_FDCWD, path, RECORD_MAX, &text, NULL) < 0 ? NULL : strv_split(text, "\n");
}

int send_id_of(const MachineHost *h, Store *s, const char *name, const char *snapshot, char **ret, Error *e)
{
        _cleanup_strv_ char **lines = read_record(h, name);
        uint64_t created;
        int r = created_of(s, name, snapshot, &created, e);

        if (r < 0)
                return r;
        _cleanup_free_ char *date = xasprintf("%" PRIu64, created);
        STRV_FOREACH (line, lines) {
                _cleanup_strv_ char **words = strv_split(*line, " ");
                if (strv_len(words) == 3 && str_eq(words[0], snapshot) && str_eq(words[2], date)) {
                        *ret = xstrdup(words[1]);
                        return 0;
                }
        }
        *ret = TAKE_PTR(date);
        return 0;
}

int send_id_note(const MachineHost *h, Store *s, const char *name, const char *snapshot, const char *id, bool first, Error *e)
{
        _cleanup_strv_ char **lines = first ? NULL : read_record(h, name);
        _cleanup_free_ char *path = record_path(h, name), *dir = path_dirname(path), *begin = xasprintf("%s ", snapshot);
        _cleanup_buf_ Buf b = {0};
        uint64_t created;
        int r = created_of(s, name, snapshot, &created, e);

        if (r < 0)
                return r;
        STRV_FOREACH (line, lines)
                if (**line && !str_startswith(*line, begin))
                        buf_addf(&b, "%s\n", *line);
        buf_addf(&b, "%s %s %" PRIu64 "\n", snapshot, id, created);
        r = file_mkdir_p(dir, 0700);
        if (r >= 0)
                r = file_write_atomic_at(AT_FDCWD, path, b.data, b.len, 0600, true);
        return r < 0 ? error_sys(e, r, "cannot note the snapshot '%s' in '%s'", snapshot, path) : 0;
}

/* ---- the payload ---- */

typedef struct Changes {
        MachineDiff diff;
        char **wanted; /* sorted */
        size_t n;
} Changes;

static void changes_done(Changes *c)
{
        machine_diff_done(&c->diff);
        strv_free(c->wanted);
}

static int by_name(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_wanted(void *ctx, const char *path, const struct stat *st)
{
        const Changes *c = ctx;

        if (S_ISREG(st->st_mode) && st->st_nlink > 1)
                return true;
        return c->n > 0 && bsearch(&path, c->wanted, c->n, sizeof(*c->wanted), by_name);
}

/* Directories have the time of their last change, so those with one go along. */
static void collect_wanted(Changes *c)
{
        for (size_t i = 0; i < c->diff.files.n; i++) {
                const DiffFile *f = &c->diff.files.items[i];
                _cleanup_free_ char *dir = path_dirname(f->path);
                strv_push(&c->wanted, dir + 1);
                if (f->change != CHANGE_REMOVED)
                        strv_push(&c->wanted, f->path + 1);
        }
        strv_sort(c->wanted);
        c->n = strv_len(c->wanted);
}

static void add_record(Buf *b, const char *kind, const char *path)
{
        buf_adds(b, kind);
        buf_append(b, path, strlen(path) + 1);
}

static int write_list(const Changes *c, int fd, Error *e)
{
        _cleanup_buf_ Buf b = {0};

        for (size_t i = 0; i < c->diff.files.n; i++) {
                const DiffFile *f = &c->diff.files.items[i];
                if (f->change == CHANGE_REMOVED)
                        add_record(&b, "-", f->path + 1);
                else if (f->change == CHANGE_CHANGED && (f->what & DIFF_ATTRIBUTES))
                        add_record(&b, "/", f->path + 1);
        }
        if (b.len > SEND_LIST_MAX)
                return error_set(e, -E2BIG, "too much has changed to be told; send the whole state without --from");
        const uint8_t head[] = {(uint8_t)(b.len >> 24), (uint8_t)(b.len >> 16), (uint8_t)(b.len >> 8), (uint8_t)b.len};
        int r = fd_write_all(fd, head, sizeof(head));
        if (r == 0 && b.len > 0)
                r = fd_write_all(fd, b.data, b.len);
        return r < 0 ? error_sys(e, r, "cannot write the stream") : 0;
}

static int send_tar(const MachineHost *h, const SendRequest *q, Store *s, const StoreImage *image, int fd, Error *e)
{
        _cleanup_(changes_done) Changes c = {0};
        StoreTree tree = STORE_TREE_NONE;
        StoreUsage usage;
        int r = q->from ? machine_diff(h, q->name, q->from, q->snapshot, &c.diff, e) : 0;

        if (r >= 0)
                r = store_tree_begin(s, image, &tree, e);
        if (r < 0)
                return r;
        collect_wanted(&c);
        store_usage(s, image, &usage);
        const PackOptions options = {.root_dirfd = tree.fd,
                                     .out_fd = fd,
                                     .total = usage.used == STORE_UNKNOWN || q->from ? 0 : usage.used,
                                     .events = &h->events,
                                     .wants = q->from ? is_wanted : NULL,
                                     .ctx = &c};
        r = q->from ? write_list(&c, fd, e) : 0;
        if (r >= 0)
                r = pack_tar(&options, e);
        store_tree_end(&tree);
        return r;
}

/* ---- the verb ---- */

static int find(Store *s, const SendRequest *q, StoreImage *ret, Error *e)
{
        int r = q->snapshot ? store_find_snapshot(s, q->name, q->snapshot, ret, e)
                            : store_find(s, STORE_MACHINE, q->name, ret, e);

        if (r == 0 && ret->disk)
                return error_set(e, -EOPNOTSUPP, "machine '%s' is a disk image, of which no streams are made; its file is '%s'",
                                 q->name, ret->path);
        return r;
}

static int make_header(const MachineHost *h, const SendRequest *q, Store *s, const StoreImage *image, char **ret, Error *e)
{
        _cleanup_(send_header_done) SendHeader header = {
                        .format = xstrdup("tar"),
                        .name = xstrdup(q->name),
                        .snapshot = xstrdup(q->keep_snapshot ? q->snapshot : ""),
                        .from = xstrdup(q->from),
                        .driver = xstrdup(store_driver_name(image->driver)),
        };
        int r = q->keep_snapshot ? send_id_of(h, s, q->name, q->snapshot, &header.id, e) : 0;

        if (r == 0 && q->from)
                r = send_id_of(h, s, q->name, q->from, &header.from_id, e);
        if (r == 0)
                *ret = send_header_format(&header);
        return r;
}

static int send_found(const MachineHost *h, const SendRequest *q, Store *s, int out, Error *e)
{
        __attribute__((cleanup(stream_done))) Stream stream = STREAM_NONE;
        _cleanup_(store_image_done) StoreImage image = {0};
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        _cleanup_free_ char *header = NULL;
        int r = find(s, q, &image, e);

        if (r == 0)
                r = store_lock(s, &image, false, &lock, e);
        if (r == 0)
                r = make_header(h, q, s, &image, &header, e);
        if (r == 0)
                r = stream_send(out, header, &stream, e);
        if (r < 0)
                return r;
        events_step(&h->events, q->keep_snapshot ? "Sending %s@%s" : "Sending %s", q->name, q->snapshot);
        r = send_tar(h, q, s, &image, stream.fd, e);
        return r < 0 ? stream_failure(&stream, r, e) : stream_finish(&stream, e);
}

/* Of a machine that runs, a snapshot that nobody else sees for long. */
static int send_running(const MachineHost *h, const SendRequest *q, Store *s, int out, Error *e)
{
        _cleanup_free_ char *snapshot = store_new_name(s);
        SendRequest one = *q;
        StoreJournal j = STORE_JOURNAL_NONE;
        int r = store_journal_begin(s, q->name, &j, e);

        if (r < 0)
                return r;
        store_journal_add(&j, "forget", q->name, snapshot);
        r = store_journal_write(&j, e);
        if (r >= 0)
                r = machine_snapshot(h, q->name, snapshot, e);
        one.snapshot = snapshot;
        if (r >= 0)
                r = send_found(h, &one, s, out, e);
        int k = store_journal_end(&j, r < 0 ? NULL : e);
        return r < 0 ? r : k;
}

static bool is_running(const MachineHost *h, const char *name)
{
        Machine m = {0};
        bool running = machine_find(h, name, &m, NULL) >= 0;

        machine_done(&m);
        return running;
}

static int send(const MachineHost *h, const SendRequest *q, Error *e)
{
        _cleanup_(store_closep) Store *s = NULL;
        _cleanup_close_ int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        SendRequest whole = *q;
        int r = machine_check_name(q->name, e);

        if (r < 0)
                return r;
        if (out < 0)
                return error_sys(e, -errno, "cannot write to standard output");
        if (isatty(out))
                return error_set(e, -EINVAL,
                                 "a stream does not go to a terminal; '| ssh HOST berth receive %s' or '>FILE' takes it",
                                 q->name);
        if (q->from && !q->snapshot)
                return error_set(e, -EINVAL,
                                 "what changed since '%s' is sent of another snapshot: berth send %s@SNAPSHOT --from=%s", q->from,
                                 q->name, q->from);
        r = store_open(h->machines_dir, &s, e);
        if (r < 0)
                return r;
        whole.keep_snapshot = q->snapshot != NULL;
        return !q->snapshot && is_running(h, q->name) ? send_running(h, &whole, s, out, e) : send_found(h, &whole, s, out, e);
}

int machine_send(const MachineHost *h, const SendRequest *q, Error *e)
{
        TransferRecord t;

        transfer_begin(&t, h, "send", q->name, NULL);
        int r = send(&t.host, q, e);
        transfer_end(&t);
        return r;
}
