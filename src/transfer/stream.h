/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `send` writes and `receive` reads: a frame around whatever makes up a state of a machine.
 *
 *   "berth-stream-1\n"      then chunks: their length, 32 bits, the highest byte first, and as many bytes
 *   the first chunk         the header, lines KEY=VALUE
 *   more chunks             the payload, as its format has it
 *   a chunk of length 0     the end; behind it the SHA-256 of everything before
 *
 * A process of its own stands between the frame and who makes or takes the payload, so that both sides are plain pipes. The receiving one
 * holds the last chunk back until the digest was right: nobody ever sees a whole payload of a stream that is not. */

#include <sys/types.h>

#include "base/error.h"

typedef struct Stream {
        int fd; /* of the payload: written by the sender, read by the receiver */
        int report, pidfd;
} Stream;
#define STREAM_NONE ((Stream){.fd = -1, .report = -1, .pidfd = -1})

/* Both while the process has one thread. */
int stream_send(int out_fd, const char *header, Stream *ret, Error *e);
int stream_receive(int in_fd, char **ret_header, Stream *ret, Error *e);
/* The sender has written all, or the receiver has read all; what was wrong with the stream. */
int stream_finish(Stream *s, Error *e);
/* After who reads or writes the payload failed with `code`, and said so in e: why, if it was the stream's fault. */
int stream_failure(Stream *s, int code, Error *e);
void stream_done(Stream *s); /* kills it: the sender's stream then has no end */
