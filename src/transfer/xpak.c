/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transfer/xpak.h"

#include <errno.h>
#include <string.h>

#define HEADER_SIZE 16U /* "XPAKPACK" and two lengths */
#define END_SIZE    8U  /* "XPAKSTOP" */

static uint32_t get_u32(const char *p)
{
        const unsigned char *u = (const unsigned char *)p;
        return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static int broken(const char *what, Error *e)
{
        return error_set(e, -EBADMSG, "it is truncated or damaged: %s", what);
}

int xpak_find_segment(const char tail[static XPAK_TAIL_SIZE], uint64_t file_size, uint64_t *ret_offset, size_t *ret_size,
                      Error *e)
{
        if (file_size < XPAK_TAIL_SIZE || memcmp(tail, "XPAKSTOP", END_SIZE) != 0 || memcmp(tail + 12, "STOP", 4) != 0)
                return error_set(e, -EBADMSG, "it does not end as a Gentoo binary package in XPAK format does");
        uint64_t size = get_u32(tail + END_SIZE);
        if (size < HEADER_SIZE + END_SIZE || size + 8 > file_size)
                return broken("its metadata are said to be longer than the file", e);
        if (size > XPAK_SEGMENT_MAX)
                return error_set(e, -E2BIG, "its metadata are larger than %u MiB", XPAK_SEGMENT_MAX >> 20);
        *ret_offset = file_size - 8 - size;
        *ret_size = (size_t)size;
        return 0;
}

int xpak_next(const char *segment, size_t size, size_t *at, XpakMember *ret, Error *e)
{
        if (size < HEADER_SIZE + END_SIZE || memcmp(segment, "XPAKPACK", 8) != 0)
                return broken("its metadata do not begin with XPAKPACK", e);
        uint64_t index = get_u32(segment + 8), data = get_u32(segment + 12);
        if (HEADER_SIZE + index + data + END_SIZE != size)
                return broken("the lengths of its metadata do not add up", e);
        if (*at == index)
                return 0;
        const char *p = segment + HEADER_SIZE + *at;
        uint64_t left = index - *at;
        if (left < 4 || left - 4 < (uint64_t)get_u32(p) + 8)
                return broken("the index of its metadata ends in the middle of an entry", e);
        XpakMember m = {.name = p + 4, .name_len = get_u32(p)};
        uint32_t offset = get_u32(p + 4 + m.name_len);
        m.len = get_u32(p + 8 + m.name_len);
        if (m.len > data || offset > data - m.len)
                return broken("one of its metadata lies outside of them", e);
        m.data = segment + HEADER_SIZE + index + offset;
        *at += 12 + (size_t)m.name_len;
        *ret = m;
        return 1;
}
