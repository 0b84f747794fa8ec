/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dependency strings: "a/b || ( c/d e/f ) flag? ( g/h )". Source: Package Manager Specification, 8.2; tokens are separated by white space,
 * parentheses are tokens of their own. A tree points into the text it was read from. */

#include "distro/gentoo-atom.h"

typedef enum GentooDepKind {
        GENTOO_DEP_ATOM,
        GENTOO_DEP_ALL,   /* ( … ), and the string as a whole */
        GENTOO_DEP_ANY,   /* || ( … ) */
        GENTOO_DEP_USE,   /* flag? ( … ), !flag? ( … ) */
        GENTOO_DEP_NEVER, /* an any-of group that lost all its alternatives; EAPI 7 and later */
} GentooDepKind;

typedef struct GentooDep GentooDep;
struct GentooDep {
        GentooDepKind kind;
        GentooAtom atom;
        Slice flag;
        bool negated;
        char *text; /* of an atom that evaluation wrote anew; NULL: it is the string's own */
        GentooDep *items;
        size_t n;
};

int gentoo_dep_parse(Slice text, const GentooEapi *eapi, GentooDep *ret, Error *e);
/* What is left for a package with these flags on: no USE group, no condition in an atom's [use], and groups that say nothing of their own
 * are dissolved: ( a ( b ) ) is ( a b ), || ( a ) is a, || ( a || ( b c ) ) is || ( a b c ), but || ( ( a b ) c ) stays. */
void gentoo_dep_evaluate(const GentooDep *d, Slice use, const GentooEapi *eapi, GentooDep *ret);
void gentoo_dep_format(const GentooDep *d, Buf *ret); /* as text again, one blank between tokens */
void gentoo_dep_done(GentooDep *d);
#define _cleanup_gentoo_dep_ _cleanup_(gentoo_dep_done)
