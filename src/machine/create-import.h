/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What imports and pulls have in common. */

#include "machine/create.h"
#include "transfer/transfer.h"

char *import_name_of(const char *source); /* a file, directory or URL: its last component without what says how it is packed */
int import_check_stopped(const MachineHost *h, const char *name, Error *e);
/* The place of the new machine; with --force that of the old one. disk: for a disk image, whatever driver the request has. */
int import_begin(const MachineHost *h, const ImportRequest *q, const char *name, bool disk, Store *s, StoreBuild *ret, Error *e);
/* An archive in any compression, hostile until proven otherwise, into the place. limit 0: most of what is free there. */
int import_unpack(const MachineHost *h, int fd, const char *label, uint64_t limit, const StoreBuild *b, Error *e);
/* A disk image, raw or qcow2, likewise. */
int import_disk(const MachineHost *h, int fd, const char *label, uint64_t limit, const StoreBuild *b, Error *e);
uint64_t import_default_limit(int dirfd);      /* most of what is free: an archive made to fill the disk shall not */
int import_open(const char *source, Error *e); /* a file, "-" is standard input */
int import_mark(const ImportRequest *q, const char *name, Store *s, Error *e); /* read-only, if asked */
