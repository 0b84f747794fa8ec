/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A piece of text that belongs to somebody else. */

#include <stdbool.h>
#include <stddef.h>

typedef struct Slice {
        const char *s;
        size_t n;
} Slice;

#define SLICE(literal) ((Slice){(literal), sizeof(literal) - 1})

bool slice_eq(Slice a, Slice b);
bool slice_eq_str(Slice a, const char *b);
bool slice_caseeq(Slice a, Slice b); /* ASCII */
Slice slice_strip(Slice a);          /* blanks and newlines at both ends */
char *slice_dup(Slice a);
/* Takes the next word (separated by blanks, newlines or, when given, `extra`) off the front; false at the end. */
bool slice_word(Slice *rest, char extra, Slice *ret);
/* Takes what stands before the next `separator` off the front, stripped; false at the end. */
bool slice_until(Slice *rest, char separator, Slice *ret);
bool slice_line(Slice *rest, Slice *ret); /* takes the next line off the front, without its newline; false at the end */
