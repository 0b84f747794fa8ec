/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One build of one version of a package: an entry of a Packages index, or of /var/db/pkg. The text belongs to whoever read it. */

#include <stdint.h>

#include "distro/gentoo-eapi.h"
#include "distro/slice.h"

typedef struct GentooPackage {
        Slice cpv;                     /* "sys-libs/zlib-1.2.13-r1" */
        Slice category, name, version; /* its parts */
        const GentooEapi *eapi;        /* NULL: none that is known, nothing can be done with it */
        Slice slot, subslot;           /* sub-slot: the slot where there is none */
        Slice repository;
        Slice use;  /* flags that were on when it was built */
        Slice iuse; /* flags that it knows, with their + and - */
        Slice keywords, license, properties, restricts, chost, phases;
        Slice rdepend, pdepend, idepend;
        Slice path, md5, sha1;            /* path: below the index; empty digests: there are none */
        uint64_t size, build_time, mtime; /* bytes, seconds since 1970; 0: unknown */
        Slice build_id;
        size_t place; /* in its index, from 0 */
} GentooPackage;
