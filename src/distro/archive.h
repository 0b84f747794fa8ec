/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Roots that come ready-made in one tar archive, in any compression: a file here, a URL, or Gentoo's stage 3. */

#include "distro/distro-private.h"
#include "transfer/transfer.h"

typedef struct ArchivePlan {
        char *cache; /* CACHE_DIR/archive or CACHE_DIR/gentoo */
        char *path;  /* of the archive on this host */
        char *label; /* for messages */
} ArchivePlan;

/* "./stage3-….tar.xz", "https://…/x.tar.zst": what has a slash before a colon, or "://". */
bool archive_is_source(const char *source);

int archive_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
int archive_install(DistroPlan *p, const DistroInstall *i, Error *e);
void archive_plan_done(DistroPlan *p);
char *archive_mirrors(const Distro *d, const DistroRequest *r);

/* The plan of an archive that is here and verified: its key is its digest. */
int archive_plan_file(DistroPlan *plan, char *cache, char *path, const Digest *digest, const char *title, Error *e);
/* Fetches into CACHE/pool what the item's url names; *ret_path is the file. */
int archive_fetch(const char *cache, FetchItem *item, const Events *ev, char **ret_path, Error *e);

/* gentoo-stage3.c: the parsers of the pointer file and of DIGESTS, without I/O; -EBADMSG, -ENODATA. */
int stage3_parse_pointer(const char *text, char **ret_path, uint64_t *ret_size);
int stage3_parse_digests(const char *text, const char *name, Digest *ret);
/* The newest stage 3 that the pointer file of an architecture's builds names. */
int stage3_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *ret, Error *e);
