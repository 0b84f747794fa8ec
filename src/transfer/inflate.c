/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/inflate.h"

#include <errno.h>
#if HAVE_ZLIB
#include <zlib.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif

#include "base/macro.h"

_unused_ static int broken(Error *e)
{
        return error_set(e, -EBADMSG, "it is truncated or damaged: a compressed piece of it is corrupt");
}

_unused_ static int missing(const char *library, Error *e)
{
        return error_set(e, -EOPNOTSUPP,
                         "berth was built without %s, with which pieces of it are compressed: make it a raw image with "
                         "'qemu-img convert -O raw'",
                         library);
}

int inflate_deflate(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, Error *e)
{
#if HAVE_ZLIB
        z_stream z = {.next_in = (uint8_t *)in, .avail_in = (uInt)in_len, .next_out = out, .avail_out = (uInt)out_len};

        if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
                return error_set(e, -ENOMEM, "out of memory");
        int code = inflate(&z, Z_FINISH);
        inflateEnd(&z);
        /* Z_BUF_ERROR: the bytes behind the end, or an end that was not reached because the piece is full. */
        return z.avail_out == 0 && (code == Z_STREAM_END || code == Z_BUF_ERROR || code == Z_OK) ? 0 : broken(e);
#else
        return missing("zlib", e);
#endif
}

int inflate_zstd(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, Error *e)
{
#if HAVE_ZSTD
        ZSTD_DStream *d = ZSTD_createDStream();
        ZSTD_inBuffer from = {in, in_len, 0};
        ZSTD_outBuffer to = {out, out_len, 0};
        size_t code = 1, before;

        if (!d)
                return error_set(e, -ENOMEM, "out of memory");
        do {
                before = from.pos + to.pos;
                code = ZSTD_decompressStream(d, &to, &from);
        } while (!ZSTD_isError(code) && code != 0 && to.pos < to.size && from.pos + to.pos > before);
        ZSTD_freeDStream(d);
        return !ZSTD_isError(code) && to.pos == to.size ? 0 : broken(e);
#else
        return missing("zstd", e);
#endif
}
