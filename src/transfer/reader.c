/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/reader.h"

#include <archive_entry.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macro.h"

#define BLOCK_SIZE (256 * 1024)

static ssize_t read_block(const Reader *r, size_t want)
{
        for (;;) {
                ssize_t n = r->seekable ? pread(r->fd, r->buf, want, (off_t)r->pos) : read(r->fd, r->buf, want);
                if (n >= 0 || errno != EINTR)
                        return n;
        }
}

static la_ssize_t on_read(struct archive *a, void *ctx, const void **ret)
{
        Reader *r = ctx;
        uint64_t left = r->end - r->pos;
        size_t want = left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE;
        ssize_t n = want > 0 ? read_block(r, want) : 0;

        if (n < 0) {
                archive_set_error(a, errno, "cannot read it");
                return -1;
        }
        if (n == 0 && want > 0 && r->end != UINT64_MAX) {
                archive_set_error(a, EBADMSG, "it ends too early");
                return -1;
        }
        r->pos += (uint64_t)n;
        *ret = r->buf;
        return n;
}

static int enable(struct archive *a, ReaderFormat format)
{
        static int (*const filters[])(struct archive *) = {
                        archive_read_support_filter_none, archive_read_support_filter_gzip, archive_read_support_filter_xz,
                        archive_read_support_filter_zstd, archive_read_support_filter_lzma, archive_read_support_filter_bzip2,
                        archive_read_support_filter_lz4,
        };

        /* ARCHIVE_WARN says that libarchive was built without that library: such a file then fails with its own message. */
        for (size_t i = 0; i < ELEMENTSOF(filters); i++)
                if (filters[i](a) == ARCHIVE_FATAL)
                        return -ENOMEM;

        int r = format == READER_TAR ? archive_read_support_format_tar(a) : archive_read_support_format_raw(a);
        if (r == ARCHIVE_OK && format == READER_RAW)
                r = archive_read_support_format_empty(a);
        return r == ARCHIVE_OK ? 0 : -ENOMEM;
}

int reader_open(Reader *r, ReaderFormat format, int fd, uint64_t offset, uint64_t size, Error *e)
{
        _cleanup_reader_ Reader n = {.fd = fd, .pos = offset, .end = size == UINT64_MAX ? UINT64_MAX : offset + size};

        n.seekable = lseek(fd, 0, SEEK_CUR) >= 0;
        n.archive = archive_read_new();
        n.buf = malloc(BLOCK_SIZE);
        if (!n.archive || !n.buf || enable(n.archive, format) < 0)
                return error_set(e, -ENOMEM, "out of memory");

        *r = n;
        n = (Reader){0};
        if (archive_read_open(r->archive, r, NULL, on_read, NULL) == ARCHIVE_OK)
                return 0;

        int code = reader_fail(r, e);
        reader_done(r);
        return code;
}

int reader_fail(const Reader *r, Error *e)
{
        const char *why = archive_error_string(r->archive);
        int code = archive_errno(r->archive);

        if (code == ENOMEM)
                return error_set(e, -ENOMEM, "out of memory");
        if (code == EIO)
                return error_set(e, -EIO, "cannot read it: input/output error");
        return error_set(e, -EBADMSG, "it is truncated or damaged: %s", why ? why : "unknown format");
}

void reader_done(Reader *r)
{
        if (r->archive)
                archive_read_free(r->archive);
        free(r->buf);
        *r = (Reader){0};
}

const char *reader_entry_name(struct archive_entry *entry)
{
        const char *name = archive_entry_pathname(entry);

        return name ? name : archive_entry_pathname_utf8(entry);
}

int reader_next(const Reader *in, struct archive_entry **ret, Error *e)
{
        int r;

        do
                r = archive_read_next_header(in->archive, ret);
        while (r == ARCHIVE_RETRY);
        if (r == ARCHIVE_EOF)
                return 0;
        if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
                return reader_fail(in, e);
        return reader_entry_name(*ret) ? 1 : error_set(e, -EBADMSG, "it has an entry whose name cannot be read");
}
