/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The maintainer scripts of an unpacked root: one program run inside the sandbox, so that its start is paid for once. */

#include "base/buf.h"
#include "distro/deb-database.h"
#include "distro/distro.h"

/* When a preinst script runs: each stage ends with the configuration of what the next may call. */
typedef enum DebStage {
        DEB_STAGE_BASE, /* first of all */
        DEB_STAGE_REST, /* when the base is configured, on which every script may rely without saying so */
        DEB_STAGE_LATE, /* when that is configured, too, which its package pre-depends on */
        _DEB_STAGE_MAX,
} DebStage;

#define DEB_DEFERRED_DIR "/var/lib/dpkg/deferred"

typedef struct DebScript {
        const DebUnpacked *package;
        DebStage stage;
} DebScript;

typedef struct DebConfigure {
        const DebScript *preinsts; /* in dependency order */
        size_t n;
        char *const *base;     /* names of the essential packages and what they need */
        char *const *settle;   /* what the late ones pre-depend on, with what that needs */
        char *const *deferred; /* names of packages that lie in DEB_DEFERRED_DIR, for dpkg itself to unpack */
        const char *dpkg_version;
} DebConfigure;

/* The shell program; no I/O. */
void deb_configure_script(const DebConfigure *c, Buf *ret);
int deb_configure(const DebConfigure *c, const DistroRunner *runner, Error *e);
/* The sentence of a log that says what went wrong; allocated. */
char *deb_configure_reason(const char *output);
