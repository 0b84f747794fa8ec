/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/decode-zstd.h"

#if HAVE_ZSTD

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* for ZSTD_decompressBound() */
#include <zstd.h>

#include "base/macro.h"

#define PACKED_MAX   (16U * 1024 * 1024) /* of a frame: what is longer, packed or not, is decompressed as it comes */
#define UNPACKED_MAX (64U * 1024 * 1024)
#define WINDOW_LOG   31 /* what zstd --long=31 wants */
#define JOBS_MAX     16U
#define OUT_SIZE     (256U * 1024)

/* ---- small frames, several at once ---- */

typedef struct Job {
        pthread_t thread;
        uint8_t *in, *out;
        size_t in_len, out_len; /* out_len: at first how much there may be */
        bool good;
} Job;

typedef struct Stream {
        const ZstdSource *s;
        uint8_t *buf; /* bytes that were read and not used yet */
        size_t at, len, cap;
        bool end;
        Job jobs[JOBS_MAX]; /* a ring: the oldest at `first` */
        unsigned first, n;
} Stream;

static void *run_job(void *arg)
{
        Job *j = arg;

        size_t n = ZSTD_decompress(j->out, j->out_len, j->in, j->in_len);

        j->good = !ZSTD_isError(n);
        j->out_len = j->good ? n : 0;
        return NULL;
}

static int broken(Error *e)
{
        return error_set(e, -EBADMSG, "it is truncated or damaged: the zstd stream is corrupt");
}

static void job_free(Job *j)
{
        free(j->in);
        free(j->out);
        *j = (Job){};
}

static int finish_oldest(Stream *t, Error *e)
{
        Job *j = &t->jobs[t->first];
        int r;

        pthread_join(j->thread, NULL);
        r = j->good ? t->s->write(t->s->ctx, j->out, j->out_len, e) : broken(e);
        job_free(j);
        t->first = (t->first + 1) % JOBS_MAX;
        t->n--;
        return r;
}

static int finish_all(Stream *t, Error *e)
{
        int r = 0;

        while (t->n > 0) {
                int k = finish_oldest(t, r < 0 ? NULL : e);
                r = r < 0 ? r : k;
        }
        return r;
}

/* More bytes behind those in buf; what was used goes. */
static int fill(Stream *t, Error *e)
{
        const uint8_t *more;
        size_t n;
        int r = t->end ? 0 : t->s->read(t->s->ctx, &more, &n, e);

        if (r < 0 || t->end)
                return r;
        t->end = n == 0;
        if (t->at > 0)
                memmove(t->buf, t->buf + t->at, t->len - t->at);
        t->len -= t->at;
        t->at = 0;
        if (t->len + n > t->cap) {
                size_t cap = MAX(2 * t->cap, t->len + n);
                uint8_t *larger = realloc(t->buf, cap);
                if (!larger)
                        return error_set(e, -ENOMEM, "out of memory");
                t->buf = larger;
                t->cap = cap;
        }
        if (n > 0)
                memcpy(t->buf + t->len, more, n);
        t->len += n;
        return 0;
}

/* The length of the frame at hand, packed and at most unpacked, when it is all there and small; 0: it is none of those. */
static int whole_frame(Stream *t, size_t *ret, uint64_t *ret_size, Error *e)
{
        for (*ret = 0;;) {
                const uint8_t *frame = t->buf + t->at;
                size_t have = t->len - t->at, n = ZSTD_findFrameCompressedSize(frame, have);
                uint64_t size = ZSTD_getFrameContentSize(frame, have);

                if (!ZSTD_isError(n)) {
                        *ret_size = size == ZSTD_CONTENTSIZE_UNKNOWN ? ZSTD_decompressBound(frame, n) : size;
                        *ret = *ret_size <= UNPACKED_MAX ? n : 0;
                        return 0;
                }
                if (t->end || have > PACKED_MAX || (size < ZSTD_CONTENTSIZE_ERROR && size > UNPACKED_MAX))
                        return 0;
                int r = fill(t, e);
                if (r < 0)
                        return r;
        }
}

static int start_job(Stream *t, size_t len, uint64_t size, Error *e)
{
        Job *j = &t->jobs[(t->first + t->n) % JOBS_MAX];

        *j = (Job){.in = malloc(len), .out = malloc(size > 0 ? (size_t)size : 1), .in_len = len, .out_len = (size_t)size};
        if (!j->in || !j->out) {
                job_free(j);
                return error_set(e, -ENOMEM, "out of memory");
        }
        memcpy(j->in, t->buf + t->at, len);
        t->at += len;
        if (pthread_create(&j->thread, NULL, run_job, j) != 0) {
                job_free(j);
                return error_set(e, -EAGAIN, "cannot start a thread");
        }
        t->n++;
        return 0;
}

/* ---- a frame of any size, as it comes ---- */

static int decode_long(Stream *t, ZSTD_DCtx *d, uint8_t *out, Error *e)
{
        size_t code = 1;
        int r = finish_all(t, e); /* what was before it */

        (void)ZSTD_DCtx_reset(d, ZSTD_reset_session_only);
        while (r == 0 && code != 0) {
                if (t->at == t->len) {
                        r = fill(t, e);
                        if (r == 0 && t->at == t->len)
                                return error_set(e, -EBADMSG, "it is truncated or damaged: the zstd stream ends too early");
                }
                ZSTD_inBuffer from = {t->buf + t->at, t->len - t->at, 0};
                while (r == 0 && code != 0) {
                        ZSTD_outBuffer to = {out, OUT_SIZE, 0};
                        code = ZSTD_decompressStream(d, &to, &from);
                        if (ZSTD_isError(code))
                                return broken(e);
                        if (to.pos > 0)
                                r = t->s->write(t->s->ctx, out, to.pos, e);
                        if (from.pos == from.size && to.pos < to.size)
                                break;
                }
                t->at += from.pos;
        }
        return r;
}

static int decode_frames(Stream *t, ZSTD_DCtx *d, uint8_t *out, Error *e)
{
        uint64_t size;
        size_t len;
        int r = 0;

        for (;;) {
                if (t->at == t->len)
                        r = fill(t, e);
                if (r < 0 || t->at == t->len)
                        return r;
                r = whole_frame(t, &len, &size, e);
                if (r < 0)
                        return r;
                if (len == 0)
                        r = decode_long(t, d, out, e);
                else if (t->n == MIN(t->s->threads, JOBS_MAX))
                        r = finish_oldest(t, e);
                if (r == 0 && len > 0)
                        r = start_job(t, len, size, e);
                if (r < 0)
                        return r;
        }
}

int decode_zstd(const ZstdSource *s, Error *e)
{
        Stream *t = calloc(1, sizeof(*t));
        ZSTD_DCtx *d = ZSTD_createDCtx();
        uint8_t *out = malloc(OUT_SIZE);
        int r = t && d && out ? 0 : error_set(e, -ENOMEM, "out of memory"), k = 0;

        if (r == 0) {
                t->s = s;
                (void)ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, sizeof(size_t) == 4 ? 30 : WINDOW_LOG);
                r = decode_frames(t, d, out, e);
                k = finish_all(t, r < 0 ? NULL : e);
        }
        if (t)
                free(t->buf);
        free(t);
        free(out);
        ZSTD_freeDCtx(d);
        return r < 0 ? r : k;
}

#endif
