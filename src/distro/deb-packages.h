/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The package lists of all archives of one root, looked up by name and by what is provided. Records point into the texts,
 * which stay with the caller. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "distro/deb822.h"

typedef enum DebPriority {
        DEB_REQUIRED,
        DEB_IMPORTANT,
        DEB_STANDARD,
        DEB_OPTIONAL,
        DEB_EXTRA,
        _DEB_PRIORITY_MAX,
} DebPriority;

typedef struct DebRecord {
        Slice stanza, name, version, architecture;
        uint32_t next;    /* the next record of that name, +1; 0 = none */
        uint16_t archive; /* which list it stands in: 0 is the suite itself */
        uint8_t priority;
        bool essential;
} DebRecord;

typedef struct DebProvide {
        Slice name;
        uint32_t record, next;
} DebProvide;

typedef struct DebPackages {
        struct {
                DebRecord *items;
                size_t n;
        } records;
        struct {
                DebProvide *items;
                size_t n;
        } provides;
        uint32_t *by_name, *by_provide;
        size_t n_buckets;
        struct {
                struct DebPin {
                        char *name, *version;
                } * items;
                size_t n;
        } pins;
} DebPackages;

/* What the package's file is called in the cache: dpkg's name. */
char *deb_pool_name(const DebRecord *r);

/* Adds a package list; `arch` and "all" are taken, other architectures are passed by. Call deb_packages_seal() after the last. */
int deb_packages_add(DebPackages *p, Slice text, unsigned archive, const char *arch, Error *e);
void deb_packages_seal(DebPackages *p);
void deb_packages_done(DebPackages *p);

/* From now on the candidate of `name` is that version. -ENOENT with the versions that exist. */
int deb_packages_pin(DebPackages *p, const char *name, const char *version, Error *e);
/* What would be installed for that name: the pinned version, else the highest, of equal ones that of the first archive. NULL:
 * no such package. */
const DebRecord *deb_packages_candidate(const DebPackages *p, Slice name);
/* The names of the candidates that provide `name`. */
char **deb_packages_providers(const DebPackages *p, Slice name);
/* -ENOENT naming what comes nearest in spelling. */
int deb_packages_unknown(const DebPackages *p, const char *name, Error *e);

/* The name at the front of "name:any (>= 1) [arch]". */
Slice deb_dependency_name(Slice s);

/* Everything that could be needed, however alternatives are chosen, to install `roots` without `excluded`: one paragraph per
 * name. */
void deb_packages_closure(const DebPackages *p, char *const *roots, char *const *excluded, Buf *ret);
