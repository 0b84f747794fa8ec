/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libarchive(3) over a range of a descriptor. Only compressions that libarchive decodes itself are enabled: it would run
 * programs for the others. */

#include <archive.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum ReaderFormat {
        READER_RAW, /* one entry: the decompressed bytes */
        READER_TAR,
        _READER_FORMAT_MAX,
} ReaderFormat;

typedef struct Reader {
        struct archive *archive;
        int fd;            /* borrowed */
        uint64_t pos, end; /* end UINT64_MAX: until the end of the file */
        bool seekable;     /* pread, the shared offset stays alone; else read */
        uint8_t *buf;
} Reader;

/* Begins at `offset` (0 for what cannot seek). On failure nothing is left to be freed. */
int reader_open(Reader *r, ReaderFormat format, int fd, uint64_t offset, uint64_t size, Error *e);
int reader_fail(const Reader *r, Error *e); /* -EBADMSG with libarchive's own words, or -EIO, -ENOMEM */
struct archive_entry;
int reader_next(const Reader *r, struct archive_entry **ret, Error *e); /* 1: an entry with a name, 0: the end */
const char *reader_entry_name(struct archive_entry *entry);
void reader_done(Reader *r);
#define _cleanup_reader_ __attribute__((cleanup(reader_done)))
