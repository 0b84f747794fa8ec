/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The outer frame of a Gentoo binary package in GPKG format (GLEP 78), without I/O: a plain tar archive of few members, all in one
 * directory: gpkg-1, metadata.tar[.x], image.tar[.x], Manifest, and signatures NAME.sig. The scanner says where it wants to read. */

#include <stdbool.h>
#include <stdint.h>

#include "transfer/transfer.h"

#define GPKG_BLOCK        512U
#define GPKG_MEMBERS_MAX  16U
#define GPKG_MANIFEST_MAX (1U << 20)

typedef struct GpkgMember {
        char name[128]; /* without the directory */
        uint64_t offset, size;
} GpkgMember;

typedef struct GpkgScan {
        uint64_t pos, file_size; /* pos: of the next header */
        bool done;
        char directory[160];
        GpkgMember members[GPKG_MEMBERS_MAX];
        unsigned n;
} GpkgScan;

void gpkg_scan_init(GpkgScan *s, uint64_t file_size);
/* The header block at s->pos; len < GPKG_BLOCK: the file ends there. Until s->done. */
int gpkg_scan_give(GpkgScan *s, const char *block, size_t len, Error *e);
int gpkg_scan_fd(int fd, GpkgScan *ret, Error *e); /* the whole loop, by pread(2); checks that what there must be is there */
/* The member of that name, or, with a prefix that ends in a dot or is whole ("image.tar"), the one that has a compression behind it. */
const GpkgMember *gpkg_find(const GpkgScan *s, const char *name);
const GpkgMember *gpkg_find_archive(const GpkgScan *s, const char *stem);

/* ---- the Manifest ---- */
typedef struct GpkgEntry {
        char name[128];
        uint64_t size;
        Digest blake2b, sha512;
} GpkgEntry;
/* Its DATA lines; each has both digests. -EBADMSG. */
int gpkg_manifest_parse(const char *text, size_t len, GpkgEntry ret[static GPKG_MEMBERS_MAX], unsigned *ret_n, Error *e);

/* The whole package: every member is listed and every listed one is there with its size and both digests. A package that carries any
 * signature is verified with the keyrings, whether that was asked for or not; require_signature: one without is refused.
 * *ret_signed says which it was. */
int gpkg_verify(int fd, char *const *keyrings, bool require_signature, bool *ret_signed, Error *e);
