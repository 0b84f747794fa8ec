/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One item on its way: its partial file, the digest of what has arrived, the transfer. The partial file is locked while
 * it is written to, so that two processes that fetch the same thing into the same place do it one after the other. */

#include <curl/curl.h>

#include "transfer/digest.h"

#define FETCH_ETAG_MAX 256 /* what is longer is taken for none */

typedef enum RequestState {
        REQUEST_CACHED,  /* there is a file, its digest is being checked */
        REQUEST_WAITING, /* for its turn, a pause, or another process */
        REQUEST_RUNNING,
        REQUEST_DONE,
        _REQUEST_STATE_MAX,
} RequestState;

typedef struct Request {
        const FetchItem *item;
        RequestState state;
        CURL *easy;
        struct curl_slist *headers; /* of the request */
        char detail[CURL_ERROR_SIZE];
        int part;               /* PATH.part, locked; -1 */
        DigestStream digest;    /* of the `have` bytes in it */
        uint64_t have, resumed; /* resumed: where this transfer began */
        uint64_t not_before;    /* monotonic */
        unsigned tries;
        bool pieced;               /* beginning and rest come from different answers */
        bool answered;             /* the first byte of this transfer has come */
        bool changed;              /* the rest is of another version than the beginning */
        char etag[FETCH_ETAG_MAX]; /* of the answer, "" = none */
        bool contended;            /* another process had the lock: the file may be complete now */
        Error failure;             /* of our own, in the middle of a transfer */
} Request;

/* Opens the partial file and the transfer. -EAGAIN: another process is at it. 1: the file is complete, nothing to be done. */
int request_start(Request *r, const FetchOptions *o, Error *e);

/* After the transfer: what curl says. 0: complete, verified and in place; 1: to be tried again (not_before is set); else
 * the error. */
int request_finish(Request *r, const FetchOptions *o, CURLcode code, bool reached, Error *e);

void request_done(Request *r); /* frees; the partial file stays */
