/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A pull on its way: create-pull.c is the whole, create-pull-verify.c what vouches for the file, create-pull-side.c what comes with it. */

#include "machine/create-import.h"

typedef struct PullKind {
        const char *verb, *prefix; /* "pull-tar"; of the image's name */
        bool disk;
        const char *const *side_suffixes; /* NULL-terminated: what may lie beside it */
} PullKind;

typedef struct Pull {
        const MachineHost *host;
        const PullRequest *request;
        const PullKind *kind;
        const char *name; /* of the machine; NULL: only the image */
        char *base;       /* of the address, with the slash */
        char *file;       /* its last component */
        char *dir;        /* CACHE/pull/HASH-OF-THE-ADDRESS, absolute: where all of it comes to lie */
        int dirfd;
        Store *store;
        Digest digest; /* what the file must have; DIGEST_NONE: nobody says */
        char *sums;    /* SHA256SUMS, vouched for as the request wants it; NULL: there is none */
} Pull;

/* What lies beside the file on the server, into p->dirfd. Never from the cache without a digest: what was true a second ago vouches for
 * nothing now. -ENOENT: it is not there. */
int pull_fetch_beside(const Pull *p, const char *name, uint64_t limit, const Digest *digest, Error *e);

/* Fills in p->digest and p->sums, as p->request->verify has it. */
int pull_find_digest(Pull *p, Error *e);
/* The SHA-256 checksum of `file` in the text of sha256sum(1); alone: a line that names no file counts, too. -ENOENT. */
int pull_find_sum(const char *text, const char *file, bool alone, Digest *ret);

/* The files that come with the image: those that SHA256SUMS names, or, with --verify=no, those that are there. Fetched before the machine
 * is made, placed beside it (NAME.nspawn …) afterwards. */
typedef struct PullSide {
        char **suffixes; /* of those that were fetched */
} PullSide;
int pull_side_fetch(const Pull *p, PullSide *ret, Error *e);
int pull_side_place(const Pull *p, const PullSide *side, Error *e);
void pull_side_done(PullSide *side);

void machine_pull_clean_cache(const MachineHost *h); /* what pulls have fetched, whole or in part */
