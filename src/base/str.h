/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

static inline bool str_eq(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

const char *str_startswith(const char *s, const char *prefix); /* the rest after prefix, or NULL */
const char *str_endswith(const char *s, const char *suffix);   /* where suffix begins, or NULL */
char *str_strip(char *s);                                      /* in place; returns the first non-blank */

/* Parsers: 0 and *ret on success, -EINVAL or -ERANGE else; nothing may follow the value. */
int str_parse_u64(const char *s, uint64_t *ret); /* decimal */
int str_parse_u32(const char *s, uint32_t *ret);
int str_parse_i32(const char *s, int32_t *ret);
int str_parse_size(const char *s, uint64_t *ret); /* bytes; suffixes K M G T P, powers of 1024, as systemd's parse_size() */
int str_parse_bool(const char *s);                /* 1/yes/y/true/t/on, 0/no/n/false/f/off as systemd; else -EINVAL */
int str_parse_seconds(const char *s, uint64_t *ret_usec); /* "90", "1min 30s", "500ms", "infinity" as systemd.time(7) spans */

/* Levenshtein's distance in bytes; SIZE_MAX when one of them is longer than 255, which is no slip of the finger. */
size_t str_edit_distance(const char *a, const char *b);

/* By the rules of UAPI.10 (Version Format): "1.2~rc1" < "1.2" < "1.2.1" < "1.10"; < 0, 0 or > 0. */
int str_compare_versions(const char *a, const char *b);

bool str_is_hex(const char *s, size_t digits);        /* exactly that many lower or upper case digits */
size_t str_utf8_decode(const char *s, uint32_t *ret); /* bytes of the code point at s, 0 where s is not valid UTF-8 or ends */
size_t str_utf8_columns(const char *s);               /* display columns, one for each code point that is not combining */

/* Text for humans, into a caller's buffer, returned. Bytes as "1.2G"; durations as "3min 2s"; times as
 * local "2026-11-22 08:00:00", "-" for USEC_INFINITY. */
char *str_format_bytes(char *buf, size_t size, uint64_t bytes);
char *str_format_duration(char *buf, size_t size, uint64_t usec);
char *str_format_time(char *buf, size_t size, uint64_t realtime_usec);
