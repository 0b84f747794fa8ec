/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* dpkg's database (/var/lib/dpkg) of a root whose packages are unpacked and not configured, as `dpkg --unpack` leaves it. */

#include "base/error.h"
#include "distro/tar.h"
#include "transfer/transfer.h"

typedef struct DebDatabase {
        Tar *tar;   /* where the files go */
        Buf status; /* the file of that name */
        Buf file_triggers;
        struct {
                struct DebTrigger {
                        char *name;
                        Buf lines;
                } * items;
                size_t n;
        } triggers; /* those that are no paths */
} DebDatabase;

typedef struct DebUnpacked {
        char *name, *arch; /* arch: of the package, may be "all" */
        char *info;        /* what its files in info/ are called before the dot: "libc6:amd64" */
        char **paths;      /* what it has put into the tree, as dpkg lists it */
        UnpackResult rest; /* the control files and digests */
        bool preinst, postinst;
        bool diverts;  /* its preinst moves files of others out of the way */
        bool deferred; /* left to dpkg itself: not in the tree, nor in the database */
} DebUnpacked;
void deb_unpacked_done(DebUnpacked *u);

/* Takes everything out of `r`. */
int deb_unpacked_take(DebUnpacked *ret, UnpackResult *r, Error *e);
void deb_database_add(DebDatabase *db, const DebUnpacked *u);
/* Writes what is about all packages. */
void deb_database_finish(DebDatabase *db, const char *arch);
void deb_database_done(DebDatabase *db);
