/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/sparse.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

#define BLOCK 4096U /* what file systems have holes in multiples of */

static int fail(int code, Error *e)
{
        if (code == -ENOSPC || code == -EDQUOT)
                return error_set(e, code, "no space left on the file system of the image: free some or use another file system");
        if (code == -EFBIG)
                return error_set(e, code, "the image is larger than the file system takes files");
        return error_sys(e, code, "cannot write the image");
}

static int beyond(uint64_t limit, Error *e)
{
        return error_set(e, -E2BIG, "it unpacks to more than the limit of %llu bytes", (unsigned long long)limit);
}

/* Whether a block is all zeros: its first bytes are, and each byte is the one so far before it. */
static bool is_zero(const uint8_t *p, size_t n)
{
        static const uint8_t zeros[16];

        return n <= sizeof(zeros) ? memcmp(p, zeros, n) == 0
                                  : memcmp(p, zeros, sizeof(zeros)) == 0 && memcmp(p, p + sizeof(zeros), n - sizeof(zeros)) == 0;
}

static int write_at(const Sparse *s, const uint8_t *data, size_t len, uint64_t pos, Error *e)
{
        while (len > 0) {
                ssize_t n = pwrite(s->fd, data, len, (off_t)pos);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return fail(n < 0 ? -errno : -EIO, e);
                data += n;
                len -= (size_t)n;
                pos += (uint64_t)n;
        }
        return 0;
}

/* Blocks by their place in the file, so that it does not matter in which pieces the bytes come. */
int sparse_write(Sparse *s, const uint8_t *data, size_t len, Error *e)
{
        size_t from = 0, at = 0; /* data[from…at) is to be written */
        int r = 0;

        if (s->size_limit > 0 && (len > s->size_limit || s->pos > s->size_limit - len))
                return beyond(s->size_limit, e);
        while (at < len && r == 0) {
                size_t n = MIN(len - at, BLOCK - (size_t)((s->pos + at) % BLOCK));
                if (is_zero(data + at, n)) {
                        r = write_at(s, data + from, at - from, s->pos + from, e);
                        from = at + n;
                } else
                        s->data += n;
                at += n;
                if (s->data_limit > 0 && s->data > s->data_limit)
                        return beyond(s->data_limit, e);
        }
        if (r == 0)
                r = write_at(s, data + from, at - from, s->pos + from, e);
        s->pos += len;
        return r;
}

int sparse_skip(Sparse *s, uint64_t len, Error *e)
{
        if (s->size_limit > 0 && (len > s->size_limit || s->pos > s->size_limit - len))
                return beyond(s->size_limit, e);
        s->pos += len;
        return 0;
}

int sparse_finish(Sparse *s, Error *e)
{
        return ftruncate(s->fd, (off_t)s->pos) < 0 ? fail(-errno, e) : 0;
}
