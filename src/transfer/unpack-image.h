/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The outside of Gentoo's binary packages, in the unpack worker: their metadata into its report, and where the archive of the image is. */

#include <stdint.h>

#include "transfer/unpack-result.h"

struct archive_entry;

int image_read_xpak(int fd, UnpackReport *report, uint64_t *ret_size, Error *e); /* the image is at the file's beginning */
int image_read_gpkg(int fd, UnpackReport *report, uint64_t *ret_offset, uint64_t *ret_size, Error *e);

/* An entry's name without the directory that all of its archive has to be in; NULL: that directory itself. */
int image_strip(struct archive_entry *entry, const char *directory, const char **ret, Error *e);
