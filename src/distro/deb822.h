/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The paragraph format of Debian's control data (deb822(5)): Release, Packages, control, status, *.sources. No I/O, no copies:
 * everything that comes out points into the text that was handed in. */

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

/* Takes the next paragraph off the front of `rest`; false when nothing but blank lines is left. */
bool deb822_next_stanza(Slice *rest, Slice *ret);
/* Takes the next field off the front of a paragraph. The value is stripped; continuation lines stay in it as they are. Lines
 * that are neither a field nor a continuation, and comments, are passed by. */
bool deb822_next_field(Slice *rest, Slice *ret_name, Slice *ret_value);
/* The value of a field, .s NULL when it is not there; names are compared without case. */
Slice deb822_get(Slice stanza, const char *name);
bool deb822_get_bool(Slice stanza, const char *name); /* "yes" */
