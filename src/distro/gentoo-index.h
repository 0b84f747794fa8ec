/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The Packages index of a Gentoo binary package host. Format: what Portage's getbinpkg.py and bintree.py read and write; see
 * docs/design/distro.md. No I/O: everything points into the text that was handed in. */

#include "base/error.h"
#include "distro/gentoo-package.h"

typedef struct GentooIndex {
        Slice header; /* the first paragraph, see gentoo_index_header() */
        struct {
                GentooPackage *items;
                size_t n;
        } packages; /* in the order of the file; each instance (CPV, build ID, size, build time, mtime) once, the last one counts */
} GentooIndex;

/* Entries without a CPV, or with one that is none, are passed over. -EBADMSG: the file is no index, or of a version that is not known. */
int gentoo_index_parse(Slice text, GentooIndex *ret, Error *e);
Slice gentoo_index_header(const GentooIndex *i, const char *key); /* empty when it is not there */
void gentoo_index_done(GentooIndex *i);
#define _cleanup_gentoo_index_ _cleanup_(gentoo_index_done)

/* Splits "category/name-version". */
bool gentoo_package_set_cpv(GentooPackage *p, Slice cpv);
/* By version, then by build time, then by place in the index: what is higher is taken. Of the same category and name. */
int gentoo_package_compare(const GentooPackage *a, const GentooPackage *b);
