/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Versions of Gentoo packages. Source: Package Manager Specification, 3.2 (form) and 3.3 (order). Numbers have any number of digits. */

#include "distro/slice.h"

bool gentoo_version_is_valid(Slice v);
/* <0, 0 or >0; both have to be valid. Versions can be equal that are written otherwise: 1.0 and 1.00, 01 and 1, 1 and 1-r0. */
int gentoo_version_compare(Slice a, Slice b);
Slice gentoo_version_revision(Slice v);         /* "3" of "1.2-r3", empty when there is none */
Slice gentoo_version_without_revision(Slice v); /* "1.2" */

/* "name-1.2-r3" -> "name" and "1.2-r3". false: there is no version in it, or no name. */
bool gentoo_split_pf(Slice pf, Slice *ret_name, Slice *ret_version);
bool gentoo_is_category(Slice s);
bool gentoo_is_name(Slice s);
bool gentoo_is_slot(Slice s); /* of sub-slots, too */
bool gentoo_is_repository(Slice s);
bool gentoo_is_flag(Slice s);
