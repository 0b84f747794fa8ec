/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the archives and the keys of a distribution are: what the user says, what the environment says, what this host's apt
 * says. */

#include "base/error.h"
#include "distro/deb822.h"

typedef struct DebDistro {
        const char *const *keyrings; /* file names below /usr/share/keyrings, the first that exists is taken */
        const char *keyring_prefix;  /* by which a Signed-By shows that an entry is this distribution's */
        const char *keyring_package; /* for the message when there is none */
        const char *const *suites;   /* by which an entry without Signed-By shows it */
        const char *default_components;
} DebDistro;

typedef struct DebSource {
        char *url, *suite, *signed_by, *architectures; /* the last two: NULL or what the entry says */
} DebSource;

typedef struct DebSources {
        DebSource *items;
        size_t n;
} DebSources;

void deb_sources_done(DebSources *s);

/* sources.list(5): the entries for binary packages, one for each URL and suite. Disabled and malformed ones are passed by, as
 * they are no concern of ours. */
void deb_sources_parse_list(Slice text, DebSources *ret);
void deb_sources_parse_deb822(Slice text, DebSources *ret);
/* /etc/apt/sources.list and sources.list.d below `etc` ("/etc/apt"). */
void deb_sources_read(const char *etc, DebSources *ret);

/* The URL for a suite that the entries give: of one for the same kind of suite (security or not) of that distribution, which is not for
 * other architectures only (Ubuntu has most of them on mirrors of their own). NULL: none. */
const char *deb_sources_find(const DebSources *s, const DebDistro *d, const char *arch, bool security);

/* The keyring files: `given`, or the host's. -ENOENT with the package that has it. */
int deb_keyrings(const DebDistro *d, char *const *given, char ***ret, Error *e);
