/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The paragraph format of Debian's control data (deb822(5)): Release, Packages, control, status, *.sources. No I/O, no copies:
 * everything that comes out points into the text that was handed in. */

#include "distro/slice.h"

/* Takes the next paragraph off the front of `rest`; false when nothing but blank lines is left. */
bool deb822_next_stanza(Slice *rest, Slice *ret);
/* Takes the next field off the front of a paragraph. The value is stripped; continuation lines stay in it as they are. Lines
 * that are neither a field nor a continuation, and comments, are passed by. */
bool deb822_next_field(Slice *rest, Slice *ret_name, Slice *ret_value);
/* The value of a field, .s NULL when it is not there; names are compared without case. */
Slice deb822_get(Slice stanza, const char *name);
bool deb822_get_bool(Slice stanza, const char *name); /* "yes" */
