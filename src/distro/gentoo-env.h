/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What env-update makes of /etc/env.d: profile.env, csh.env, environment.d/10-gentoo-env.conf and ld.so.conf, byte for byte as Portage
 * (lib/portage/util/env_update.py) writes them. No I/O. */

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

typedef struct GentooEnvFile {
        const char *name, *text; /* of a file of /etc/env.d */
} GentooEnvFile;

typedef struct GentooEnv {
        Buf profile, csh, systemd;
        Buf linker;                   /* empty: there is nothing for it */
        char *protect, *protect_mask; /* CONFIG_PROTECT, CONFIG_PROTECT_MASK; NULL: not set */
} GentooEnv;

bool gentoo_env_is_file(const char *name); /* one that counts: "50baselayout" */
/* files in the order of their names. A file that cannot be read as assignments is left out, as by Portage; *ret_bad names the first. */
void gentoo_env_update(const GentooEnvFile *files, size_t n, GentooEnv *ret, const char **ret_bad);
void gentoo_env_done(GentooEnv *e);
