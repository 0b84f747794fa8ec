/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/decode-worker.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fd.h"
#include "transfer/decode-zstd.h"
#include "transfer/unpack-seccomp.h"
#include "transfer/worker-confine.h"

#define BUFFER_SIZE (256 * 1024)
#define MEMORY_MAX  (2ULL * 1024 * 1024 * 1024)
#define XZ_MAGIC \
        "\xfd"   \
        "7zXZ"
#define XZ_MAGIC_LEN 6

typedef struct Decoder {
        int in, out;
        uint8_t *buf; /* BUFFER_SIZE; at first the `len` first bytes of the stream */
        size_t len;
        bool first; /* these were not yet used */
        unsigned threads;
} Decoder;

static int write_out(const Decoder *d, const void *data, size_t len, Error *e)
{
        int r = fd_write_all(d->out, data, len);

        return r < 0 ? error_sys(e, r, "cannot hand on what was decompressed") : 0;
}

static int read_in(Decoder *d, Error *e)
{
        if (d->first) {
                d->first = false;
                return 0;
        }
        for (;;) {
                ssize_t n = read(d->in, d->buf, BUFFER_SIZE);
                if (n >= 0) {
                        d->len = (size_t)n;
                        return 0;
                }
                if (errno != EINTR)
                        return error_sys(e, -errno, "cannot read it");
        }
}

/* ---- xz, on all CPUs when it has blocks ---- */

static int explain(lzma_ret code, Error *e)
{
        if (code == LZMA_MEM_ERROR || code == LZMA_MEMLIMIT_ERROR)
                return error_set(e, -ENOMEM, "decompressing it takes more than the %llu bytes of memory allowed", MEMORY_MAX);
        return error_set(e, -EBADMSG, "it is truncated or damaged: %s",
                         code == LZMA_BUF_ERROR ? "the xz stream ends too early" : "the xz stream is corrupt");
}

static lzma_ret open_xz(lzma_stream *xz, unsigned threads)
{
#if LZMA_VERSION >= UINT32_C(50040002)
        lzma_mt options = {.flags = LZMA_CONCATENATED,
                           .threads = threads,
                           .timeout = 0,
                           .memlimit_threading = MEMORY_MAX / 4,
                           .memlimit_stop = MEMORY_MAX / 2};
        return lzma_stream_decoder_mt(xz, &options);
#else
        return lzma_stream_decoder(xz, MEMORY_MAX / 2, LZMA_CONCATENATED);
#endif
}

static int decode_xz(Decoder *d, Error *e)
{
        lzma_stream xz = LZMA_STREAM_INIT;
        lzma_ret code = open_xz(&xz, d->threads);
        uint8_t *out = malloc(BUFFER_SIZE);
        lzma_action action = LZMA_RUN;
        int r = 0;

        if (code != LZMA_OK || !out)
                r = error_set(e, -ENOMEM, "out of memory");
        while (r == 0 && code == LZMA_OK) {
                if (xz.avail_in == 0 && action == LZMA_RUN) {
                        r = read_in(d, e);
                        xz.next_in = d->buf;
                        xz.avail_in = d->len;
                        action = d->len > 0 ? LZMA_RUN : LZMA_FINISH;
                }
                xz.next_out = out;
                xz.avail_out = BUFFER_SIZE;
                if (r == 0)
                        code = lzma_code(&xz, action);
                if (r == 0 && xz.avail_out < BUFFER_SIZE)
                        r = write_out(d, out, BUFFER_SIZE - xz.avail_out, e);
        }
        lzma_end(&xz);
        free(out);
        return r < 0 || code == LZMA_STREAM_END ? r : explain(code, e);
}

/* ---- what libarchive decodes itself, or nothing ---- */

static la_ssize_t on_read(struct archive *a, void *ctx, const void **ret)
{
        Decoder *d = ctx;

        if (read_in(d, NULL) < 0) {
                archive_set_error(a, EIO, "cannot read it");
                return -1;
        }
        *ret = d->buf;
        return (la_ssize_t)d->len;
}

static int copy_raw(Decoder *d, struct archive *a, Error *e)
{
        struct archive_entry *entry;
        int code = archive_read_next_header(a, &entry), r = 0;
        const void *block;
        la_int64_t offset;
        size_t len;

        while (r == 0 && (code == ARCHIVE_OK || code == ARCHIVE_WARN)) {
                code = archive_read_data_block(a, &block, &len, &offset);
                if (code == ARCHIVE_OK || code == ARCHIVE_WARN)
                        r = write_out(d, block, len, e);
        }
        if (r < 0 || code == ARCHIVE_EOF)
                return r;
        return error_set(e, -EBADMSG, "it is truncated or damaged: %s", archive_error_string(a));
}

static int decode_other(Decoder *d, Error *e)
{
        struct archive *a = archive_read_new();

        if (!a || archive_read_support_filter_gzip(a) == ARCHIVE_FATAL || archive_read_support_filter_zstd(a) == ARCHIVE_FATAL ||
            archive_read_support_filter_bzip2(a) == ARCHIVE_FATAL || archive_read_support_filter_lzma(a) == ARCHIVE_FATAL ||
            archive_read_support_filter_lz4(a) == ARCHIVE_FATAL || archive_read_support_format_raw(a) != ARCHIVE_OK ||
            archive_read_support_format_empty(a) != ARCHIVE_OK)
                return error_set(e, -ENOMEM, "out of memory");
        int r = archive_read_open(a, d, NULL, on_read, NULL) == ARCHIVE_OK
                                ? copy_raw(d, a, e)
                                : error_set(e, -EBADMSG, "it cannot be decompressed: %s", archive_error_string(a));
        archive_read_free(a);
        return r;
}

/* ---- zstd ---- */

#if HAVE_ZSTD
static int zstd_read(void *ctx, const uint8_t **ret, size_t *ret_len, Error *e)
{
        Decoder *d = ctx;
        int r = read_in(d, e);

        *ret = d->buf;
        *ret_len = d->len;
        return r;
}

static int zstd_write(void *ctx, const uint8_t *data, size_t len, Error *e)
{
        return write_out(ctx, data, len, e);
}

static bool is_zstd(const Decoder *d)
{
        return d->len >= 4 && memcmp(d->buf, "\x28\xb5\x2f\xfd", 4) == 0;
}
#endif

static int decode(Decoder *d, Error *e)
{
        size_t have = 0;

        while (have < XZ_MAGIC_LEN) { /* a pipe may give it in pieces */
                ssize_t n = read(d->in, d->buf + have, BUFFER_SIZE - have);
                if (n < 0 && errno != EINTR)
                        return error_sys(e, -errno, "cannot read it");
                if (n == 0)
                        break;
                have += n > 0 ? (size_t)n : 0;
        }
        d->len = have;
        d->first = true;
#if HAVE_ZSTD
        const ZstdSource zstd = {.ctx = d, .read = zstd_read, .write = zstd_write, .threads = d->threads};
        if (is_zstd(d))
                return decode_zstd(&zstd, e);
#endif
        return have >= XZ_MAGIC_LEN && memcmp(d->buf, XZ_MAGIC, XZ_MAGIC_LEN) == 0 ? decode_xz(d, e) : decode_other(d, e);
}

void decode_worker_main(int in, int out, int report)
{
        Decoder d = {.buf = malloc(BUFFER_SIZE), .threads = worker_cpus()};
        int *const fds[] = {&in, &out, &report};
        Error e = {};
        int r = d.buf ? worker_confine(fds, ELEMENTSOF(fds), decode_seccomp_apply) : -ENOMEM;

        if (r < 0)
                (void)error_sys(&e, r, "decompressor: cannot give up its rights");
        d.in = in;
        d.out = out;
        if (r == 0)
                r = decode(&d, &e);
        if (r < 0)
                (void)fd_write_all(report, &e, sizeof(e));
        _exit(r < 0 ? 1 : 0);
}
