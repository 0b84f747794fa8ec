/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "transfer/reader.h"
#include "transfer/transfer.h"

#define FIRST_SIZE (1024 * 1024)

typedef struct Sink {
        char *data;
        size_t len, cap;
        uint64_t limit;
} Sink;

/* Sized by outside data: malloc that may fail, and a limit. One byte is kept free for the terminator. */
static int sink_reserve(Sink *s, size_t more, Error *e)
{
        if (more > s->limit - s->len)
                return error_set(e, -E2BIG, "it decompresses to more than %llu bytes", (unsigned long long)s->limit);
        if (s->cap - s->len > more)
                return 0;

        size_t cap = s->cap ? s->cap : FIRST_SIZE;
        while (cap - s->len <= more)
                cap *= 2;
        char *p = realloc(s->data, cap);
        if (!p)
                return error_set(e, -ENOMEM, "out of memory while decompressing it");
        s->data = p;
        s->cap = cap;
        return 0;
}

static int fill(Reader *in, Sink *s, Error *e)
{
        struct archive_entry *entry;
        int r = archive_read_next_header(in->archive, &entry);

        if (r == ARCHIVE_EOF)
                return 0;
        if (r < ARCHIVE_WARN)
                return reader_fail(in, e);
        for (;;) {
                const void *block;
                size_t len;
                la_int64_t offset;

                r = archive_read_data_block(in->archive, &block, &len, &offset);
                if (r == ARCHIVE_EOF)
                        return 0;
                if (r < ARCHIVE_WARN)
                        return reader_fail(in, e);
                r = sink_reserve(s, len, e);
                if (r < 0)
                        return r;
                memcpy(s->data + s->len, block, len);
                s->len += len;
        }
}

int decompress_file(int fd, uint64_t limit, char **ret, size_t *ret_len, Error *e)
{
        _cleanup_reader_ Reader in = {0};
        Sink s = {.limit = limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4};
        int r = reader_open(&in, READER_RAW, fd, 0, UINT64_MAX, e);

        if (r >= 0)
                r = sink_reserve(&s, 0, e);
        if (r >= 0)
                r = fill(&in, &s, e);
        if (r < 0) {
                free(s.data);
                return r;
        }
        s.data[s.len] = '\0';
        *ret = s.data;
        *ret_len = s.len;
        return 0;
}
