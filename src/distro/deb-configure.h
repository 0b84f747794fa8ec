/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The maintainer scripts of an unpacked root: one program run inside the sandbox, so that its start is paid for once. */

#include "base/buf.h"
#include "distro/deb-database.h"
#include "distro/distro.h"

typedef struct DebScript {
        const DebUnpacked *package;
        bool late; /* its preinst may call what it pre-depends on, which must be configured by then */
} DebScript;

typedef struct DebConfigure {
        const DebScript *preinsts; /* in dependency order */
        size_t n;
        char *const *settle; /* what to configure before the late ones */
        const char *dpkg_version;
} DebConfigure;

/* The shell program; no I/O. */
void deb_configure_script(const DebConfigure *c, Buf *ret);
int deb_configure(const DebConfigure *c, const DistroRunner *runner, Error *e);
/* The sentence of a log that says what went wrong; allocated. */
char *deb_configure_reason(const char *output);
