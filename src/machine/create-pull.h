/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/create.h"
#include "transfer/transfer.h"

/* The SHA-256 checksum of `file` in the text of sha256sum(1); alone: a line that names no file counts, too. -ENOENT. */
int pull_find_sum(const char *text, const char *file, bool alone, Digest *ret);
void machine_pull_clean_cache(const MachineHost *h); /* what pulls have fetched, whole or in part */
