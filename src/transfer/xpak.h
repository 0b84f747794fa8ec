/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The metadata behind a Gentoo binary package of the older kind (xpak(5)), without I/O:
 *
 *   file    = compressed tar archive, segment, u32 L, "STOP"
 *   segment = "XPAKPACK", u32 index length, u32 data length, index, data, "XPAKSTOP"        L bytes
 *   index   = { u32 name length, name, u32 offset in data, u32 length }*                    numbers are big endian */

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define XPAK_TAIL_SIZE   16                  /* of the file's end: "XPAKSTOP", L, "STOP" */
#define XPAK_SEGMENT_MAX (64U * 1024 * 1024) /* real ones have a few hundred KiB */

typedef struct XpakMember {
        const char *name, *data; /* in the segment; not terminated */
        uint32_t name_len, len;
} XpakMember;

/* Where the segment begins, which is where the archive ends. -EBADMSG: it is no such package. */
int xpak_find_segment(const char tail[static XPAK_TAIL_SIZE], uint64_t file_size, uint64_t *ret_offset, size_t *ret_size,
                      Error *e);
/* Takes the next member; *at begins as 0. 1, 0 at the end, or -EBADMSG. */
int xpak_next(const char *segment, size_t size, size_t *at, XpakMember *ret, Error *e);
