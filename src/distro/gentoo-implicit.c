/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "distro/gentoo-profile.h"
#include "distro/gentoo-vars.h"

static void add(char ***flags, const char *flag)
{
        if (!strv_contains(*flags, flag))
                strv_push(flags, flag);
}

/* USE_EXPAND_VALUES_ELIBC="glibc musl" gives "elibc_glibc" and "elibc_musl"; of a variable in USE_EXPAND_UNPREFIXED, as ARCH is, the
 * values themselves. */
static void add_values(const char *(*get)(const void *, const char *), const void *from, const char *variable, bool prefixed,
                       char ***flags)
{
        _cleanup_free_ char *name = xasprintf("USE_EXPAND_VALUES_%s", variable), *prefix = xstrdup(variable);
        _cleanup_strv_ char **values = gentoo_incremental(get(from, name));

        for (char *c = prefix; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        STRV_FOREACH (value, values) {
                _cleanup_free_ char *flag = prefixed ? xasprintf("%s_%s", prefix, *value) : xstrdup(*value);
                add(flags, flag);
        }
}

void gentoo_implicit_flags(const char *(*get)(const void *from, const char *variable), const void *from, char ***flags)
{
        _cleanup_strv_ char **iuse = gentoo_incremental(get(from, "IUSE_IMPLICIT")),
                            **expand = gentoo_incremental(get(from, "USE_EXPAND_IMPLICIT")),
                            **bare = gentoo_incremental(get(from, "USE_EXPAND_UNPREFIXED"));

        STRV_FOREACH (flag, iuse)
                add(flags, *flag);
        STRV_FOREACH (variable, expand)
                add_values(get, from, *variable, !strv_contains(bare, *variable), flags);
}
