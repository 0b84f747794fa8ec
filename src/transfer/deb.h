/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The outer frame of a .deb, without I/O: the scanner says which bytes it wants, and is given them.
 *
 *   deb    = "!<arch>\n" member*                       (ar(5), GNU or BSD; deb(5))
 *   member = header[60] data [pad to an even offset]
 *   header = name[16] mtime[12] uid[6] gid[6] mode[8] size[10] "`\n"
 *
 * The members are debian-binary ("2.N\n"), control.tar[.x], data.tar[.x] in this order; names that begin with "_" may
 * stand between them and are skipped, whatever follows data is ignored. */

#include <stdint.h>

#include "base/error.h"

#define DEB_WANT_MAX 60

typedef struct DebMember {
        uint64_t offset, size;
} DebMember;

typedef enum DebState {
        DEB_MAGIC,   /* wants the magic */
        DEB_HEADER,  /* wants a member header */
        DEB_VERSION, /* wants the first bytes of debian-binary */
        DEB_DONE,    /* control and data are known */
        _DEB_STATE_MAX,
} DebState;

typedef struct DebScan {
        DebState state;
        uint64_t pos; /* of what is wanted */
        uint64_t file_size;
        unsigned seen; /* members of the three that were met */
        unsigned skipped;
        DebMember control, data;
} DebScan;

void deb_scan_init(DebScan *s, uint64_t file_size);
/* How many bytes at s->pos are wanted, 0 when done. */
uint32_t deb_scan_want(const DebScan *s);
/* Hands them over; fewer mean that the file ends there. -EBADMSG with the reason. */
int deb_scan_give(DebScan *s, const char *data, uint32_t len, Error *e);
/* The whole loop over a descriptor, by pread(2). */
int deb_scan_fd(int fd, DebScan *ret, Error *e);
