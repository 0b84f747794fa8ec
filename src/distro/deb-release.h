/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The Release file of a suite, already freed of its signature. No I/O. */

#include <stdint.h>

#include "base/error.h"
#include "distro/deb822.h"
#include "transfer/transfer.h"

typedef struct DebReleaseFile {
        Slice path; /* below dists/SUITE/ */
        uint64_t size;
        Digest digest;
} DebReleaseFile;

typedef struct DebRelease {
        char *text; /* what the slices point into */
        char *suite, *codename, *version, *label;
        char **architectures, **components;
        int64_t date, valid_until; /* seconds since the epoch, 0 = not given */
        bool by_hash;              /* Acquire-By-Hash */
        bool all_apart;            /* packages for all architectures are listed in an index of their own only */
        DebReleaseFile *files;
        size_t n_files;
} DebRelease;

/* Takes `text` (also when it fails). */
int deb_release_parse(char *text, size_t len, DebRelease *ret, Error *e);
void deb_release_done(DebRelease *r);

const DebReleaseFile *deb_release_find(const DebRelease *r, const char *path);
/* Refuses an index past its Valid-Until or dated in the future; `what` names it in the message. */
int deb_release_check_time(const DebRelease *r, int64_t now, bool allow_expired, const char *what, Error *e);
int deb_release_check_arch(const DebRelease *r, const char *arch, const char *what, Error *e);

/* "Sat, 11 Jul 2026 10:16:37 UTC" (RFC 1123, also with a numeric zone of zero); -EINVAL. */
int deb_date_parse(Slice s, int64_t *ret);
