/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ASCII armor (RFC 4880, 6.2) to bytes: gpgv(1) reads only binary keyrings.
 *
 *   armor = block+
 *   block = "-----BEGIN PGP PUBLIC KEY BLOCK-----" header* blank base64* ["=" checksum] "-----END PGP PUBLIC KEY BLOCK-----" */

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

bool armor_is(const char *text);
/* Appends the bytes of all blocks; -EBADMSG. The checksum is not looked at: it guards against accidents of mail, and
 * gpgv parses what comes out. */
int armor_decode(const char *text, Buf *ret);
