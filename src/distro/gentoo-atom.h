/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a dependency names: [!|!!][op]category/name[-version][:slot][::repository][[use]]. Source: Package Manager Specification, 8.3, and
 * what Portage adds: "::repository", a build ID ("=cat/pkg-1.0-2"), and slots with sub-slots in binary packages. Nothing is copied: an
 * atom points into the text it was read from. */

#include "base/buf.h"
#include "base/error.h"
#include "distro/gentoo-package.h"

typedef enum GentooBlock { GENTOO_BLOCK_NONE, GENTOO_BLOCK_WEAK, GENTOO_BLOCK_STRONG } GentooBlock;

typedef enum GentooOperator {
        GENTOO_OP_NONE, /* any version */
        GENTOO_OP_LESS,
        GENTOO_OP_LESS_EQUAL,
        GENTOO_OP_EQUAL,
        GENTOO_OP_GREATER_EQUAL,
        GENTOO_OP_GREATER,
        GENTOO_OP_ANY_REVISION, /* "~" */
        GENTOO_OP_PREFIX,       /* "=…*" */
} GentooOperator;

typedef struct GentooAtom {
        Slice text; /* all of it */
        GentooBlock block;
        GentooOperator op;
        Slice category, name, version, build_id;
        Slice slot, subslot; /* empty: any */
        char slot_operator;  /* '=', '*' or 0: of no matter once a package is built */
        Slice repository;
        Slice use; /* between the brackets */
} GentooAtom;

/* eapi: what may be in it; NULL: everything, as on a command line. */
int gentoo_atom_parse(Slice text, const GentooEapi *eapi, GentooAtom *ret, Error *e);

/* One flag of [use]. */
typedef struct GentooUse {
        Slice flag;
        char prefix;   /* '-' off, '!' with a suffix, 0 */
        char suffix;   /* '?' or '=': as the package has it that depends; 0 */
        char fallback; /* '+' or '-': what a package counts as that does not know the flag; 0: it does not match */
} GentooUse;
bool gentoo_use_next(Slice *rest, GentooUse *ret); /* false at the end, or where it is not well-formed (rest is not empty then) */

bool gentoo_flag_is_on(Slice use, Slice flag); /* in a list of words */

/* Appends the atom as it is for a package with these flags on: "[x?]" becomes "[x]" or nothing. */
void gentoo_atom_evaluate(const GentooAtom *a, Slice use, Buf *ret);

/* Whether the package is one that the atom (or what the blocker blocks) names. implicit: flags that every package knows
 * (IUSE_IMPLICIT, USE_EXPAND_IMPLICIT), sorted. */
bool gentoo_atom_matches(const GentooAtom *a, const GentooPackage *p, char *const *implicit);
/* The same without [use], for messages and to tell a package that is not there from one that was built otherwise. */
bool gentoo_atom_matches_version(const GentooAtom *a, const GentooPackage *p);
