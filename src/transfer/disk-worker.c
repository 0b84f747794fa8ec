/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/disk-worker.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/fd.h"
#include "transfer/inflate.h"
#include "transfer/qcow2.h"
#include "transfer/sparse.h"
#include "transfer/unpack-seccomp.h"
#include "transfer/worker-confine.h"

#define BUFFER_SIZE (1U << QCOW2_CLUSTER_BITS)

typedef struct Disk {
        const DiskWork *w;
        Sparse out;
        uint8_t *buf; /* BUFFER_SIZE */
        size_t have;  /* of its beginning, at first */
        off_t begin;  /* where the image begins in the file; -1: it is a pipe */

        /* of qcow2 */
        int fd; /* where it lies */
        Qcow2 q;
        uint8_t *l1, *l2, *packed;
} Disk;

static int truncated(Error *e)
{
        return error_set(e, -EBADMSG, "it is truncated: it ends before its disk does");
}

static int read_some(int fd, uint8_t *buf, size_t len, size_t *ret, Error *e)
{
        ssize_t n;

        do
                n = read(fd, buf, len);
        while (n < 0 && errno == EINTR);
        *ret = n > 0 ? (size_t)n : 0;
        return n < 0 ? error_sys(e, -errno, "cannot read it") : 0;
}

/* ---- raw ---- */

/* Over a hole of the file, to where there is something again. */
static int jump(Disk *d, Error *e)
{
        off_t here = lseek(d->w->in, 0, SEEK_CUR), data = here < 0 ? -1 : lseek(d->w->in, here, SEEK_DATA);

        if (here < 0 || (data < 0 && errno != ENXIO)) /* who knows no holes has none */
                return here < 0 || lseek(d->w->in, here, SEEK_SET) < 0 ? error_sys(e, -errno, "cannot read it") : 0;
        if (data < 0)
                data = lseek(d->w->in, 0, SEEK_END);
        return data > here ? sparse_skip(&d->out, (uint64_t)(data - here), e) : 0;
}

static int copy_raw(Disk *d, Error *e)
{
        size_t n = d->have;
        int r = 0;

        while (r == 0 && n > 0) {
                r = sparse_write(&d->out, d->buf, n, e);
                if (r == 0 && d->begin >= 0)
                        r = jump(d, e);
                if (r == 0)
                        r = read_some(d->w->in, d->buf, BUFFER_SIZE, &n, e);
        }
        return r;
}

/* ---- qcow2 ---- */

/* Through a pipe it comes in one order, and is read in another. */
static int spool(Disk *d, Error *e)
{
        uint64_t limit = d->out.data_limit, sum = 0;
        size_t n = d->have;
        int r = 0;

        while (r == 0 && n > 0) {
                sum += n;
                if (limit > 0 && sum > limit)
                        return error_set(e, -E2BIG, "it unpacks to more than the limit of %llu bytes", (unsigned long long)limit);
                r = fd_write_all(d->w->spool, d->buf, n);
                if (r == -ENOSPC || r == -EDQUOT)
                        return error_set(e, r,
                                         "no space left on the file system of the image: free some or use another file system");
                if (r < 0)
                        return error_sys(e, r, "cannot write the image");
                r = read_some(d->w->in, d->buf, BUFFER_SIZE, &n, e);
        }
        return r;
}

/* Fewer bytes only at the end of the file. */
static int read_at(const Disk *d, uint64_t offset, uint8_t *buf, size_t len, size_t *ret, Error *e)
{
        size_t done = 0;

        *ret = 0;
        if (offset > INT64_MAX / 2)
                return truncated(e);
        while (done < len) {
                ssize_t n = pread(d->fd, buf + done, len - done, (off_t)(offset + done) + MAX(d->begin, (off_t)0));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_sys(e, -errno, "cannot read it");
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        *ret = done;
        return 0;
}

static int read_all_at(const Disk *d, uint64_t offset, uint8_t *buf, size_t len, Error *e)
{
        size_t n;
        int r = read_at(d, offset, buf, len, &n, e);

        return r < 0 ? r : n < len ? truncated(e) : 0;
}

static int copy_cluster(Disk *d, const uint8_t *entry, size_t want, Error *e)
{
        size_t cluster = (size_t)1 << d->q.cluster_bits, n;
        Qcow2Cluster c;
        int r = qcow2_cluster(&d->q, entry, &c, e);

        if (r < 0 || c.kind == QCOW2_HOLE)
                return r < 0 ? r : sparse_skip(&d->out, want, e);
        if (c.kind == QCOW2_PLAIN)
                r = read_all_at(d, c.offset, d->buf, want, e);
        else {
                r = read_at(d, c.offset, d->packed, c.length, &n, e);
                if (r == 0)
                        r = (d->q.zstd ? inflate_zstd : inflate_deflate)(d->packed, n, d->buf, cluster, e);
        }
        return r < 0 ? r : sparse_write(&d->out, d->buf, want, e);
}

/* What one L2 table says. The file's position is only for who watches. */
static int copy_table(Disk *d, const uint8_t *l1_entry, Error *e)
{
        size_t cluster = (size_t)1 << d->q.cluster_bits;
        uint64_t offset, left = d->q.size - d->out.pos, span = (uint64_t)cluster * (cluster / 8);
        int r = qcow2_l2_offset(&d->q, l1_entry, &offset, e);

        if (r < 0 || offset == 0)
                return r < 0 ? r : sparse_skip(&d->out, MIN(left, span), e);
        r = read_all_at(d, offset, d->l2, cluster, e);
        for (size_t i = 0; i < cluster / 8 && left > 0 && r == 0; i++) {
                size_t want = (size_t)MIN(left, (uint64_t)cluster);
                r = copy_cluster(d, d->l2 + 8 * i, want, e);
                left -= want;
        }
        return r;
}

static int copy_qcow2(Disk *d, Error *e)
{
        uint8_t head[QCOW2_HEADER_MAX];
        size_t n;
        int r = d->begin < 0 ? spool(d, e) : 0;
        off_t end = -1;

        d->fd = d->begin < 0 ? d->w->spool : d->w->in;
        if (r == 0)
                r = read_at(d, 0, head, sizeof(head), &n, e);
        if (r == 0)
                r = qcow2_parse_header(head, n, &d->q, e);
        if (r < 0)
                return r;
        size_t cluster = (size_t)1 << d->q.cluster_bits;
        d->l1 = malloc((size_t)d->q.l1_entries * 8);
        d->l2 = malloc(cluster);
        d->packed = malloc(2 * cluster);
        if (!d->l1 || !d->l2 || !d->packed)
                return error_set(e, -ENOMEM, "out of memory");
        r = read_all_at(d, d->q.l1_offset, d->l1, (size_t)d->q.l1_entries * 8, e);
        if (d->begin >= 0)
                end = lseek(d->w->in, 0, SEEK_END);
        for (uint32_t i = 0; i < d->q.l1_entries && r == 0; i++) {
                if (end > 0)
                        (void)lseek(d->w->in, (off_t)((double)end * i / d->q.l1_entries), SEEK_SET);
                r = copy_table(d, d->l1 + 8 * (size_t)i, e);
        }
        return r;
}

/* ---- both ---- */

static int work(Disk *d, Error *e)
{
        size_t n = 1;
        int r = 0;

        d->buf = malloc(BUFFER_SIZE);
        if (!d->buf)
                return error_set(e, -ENOMEM, "out of memory");
        d->begin = lseek(d->w->in, 0, SEEK_CUR);
        for (; r == 0 && n > 0 && d->have < QCOW2_HEADER_MAX; d->have += n) /* a pipe may give it in pieces */
                r = read_some(d->w->in, d->buf + d->have, BUFFER_SIZE - d->have, &n, e);
        if (r == 0)
                r = qcow2_has_magic(d->buf, d->have) ? copy_qcow2(d, e) : copy_raw(d, e);
        return r < 0 ? r : sparse_finish(&d->out, e);
}

void disk_worker_main(DiskWork w)
{
        int *const fds[] = {&w.in, &w.out, &w.spool, &w.report};
        Disk d = {.w = &w};
        Error e = {};
        int r = worker_confine(fds, ELEMENTSOF(fds), disk_seccomp_apply);

        if (r < 0)
                (void)error_sys(&e, r, "disk worker: cannot give up its rights");
        d.out = (Sparse){.fd = w.out, .data_limit = w.data_limit, .size_limit = w.size_limit};
        if (r == 0)
                r = work(&d, &e);
        if (r < 0)
                (void)fd_write_all(w.report, &e, sizeof(e));
        _exit(r < 0 ? 1 : 0);
}
