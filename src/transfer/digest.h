/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Digests of bytes that arrive piece by piece. DIGEST_NONE is a stream that accepts everything and yields DIGEST_NONE. */

#include "transfer/transfer.h"

struct evp_md_ctx_st;

typedef struct DigestStream {
        DigestType type;
        struct evp_md_ctx_st *ctx;
} DigestStream;

int digest_stream_open(DigestStream *s,
                       DigestType type); /* -ENOTSUP: the crypto library has no such algorithm; drops what was there */
int digest_stream_feed(DigestStream *s, const void *data, size_t len);
int digest_stream_feed_fd(DigestStream *s, int fd, uint64_t len); /* the first len bytes of a file; -ENODATA when it is shorter */
int digest_stream_end(DigestStream *s, Digest *ret);
void digest_stream_done(DigestStream *s);

#define DIGEST_HEX_MAX (2 * 64 + 1)
const char *digest_type_name(DigestType type); /* "SHA256" */
char *digest_hex(const Digest *d, char buf[static DIGEST_HEX_MAX]);
