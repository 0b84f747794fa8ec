/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-mask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "distro/gentoo-config.h"
#include "distro/gentoo-vars.h"
#include "sys/open.h"

char **gentoo_mask_patterns(const GentooPlan *p)
{
        static const char *const features[][2] = {
                        {"nodoc", "/usr/share/doc"}, {"noinfo", "/usr/share/info"}, {"noman", "/usr/share/man"}};
        _cleanup_strv_ char **set = gentoo_config_words(p, "FEATURES");
        const char *profile = p->has_profile ? gentoo_profile_get(&p->profile, "INSTALL_MASK") : "";
        _cleanup_free_ char *all = xasprintf("%s %s", profile, strv_env_get(p->make_conf, "INSTALL_MASK") ?: "");
        char **patterns = strv_split(all, " \t\n"); /* a "-" in front is a pattern of its own here */

        for (size_t i = 0; i < ELEMENTSOF(features); i++)
                if (strv_contains(set, features[i][0]))
                        strv_push(&patterns, features[i][1]);
        return patterns;
}

static int take_away(int root, const char *path, int flags, Error *e)
{
        const char *name;
        _cleanup_close_ int dir = sys_open_parent_in_root(root, path, &name);
        int k = dir < 0 ? dir : unlinkat(dir, name, flags) < 0 ? -errno : 0;

        if (k < 0 && k != -ENOENT && !(flags == AT_REMOVEDIR && (k == -ENOTEMPTY || k == -EEXIST || k == -ENOTDIR)))
                return error_sys(e, k, "cannot remove '%s' from the new root, which INSTALL_MASK wants", path);
        return 0;
}

/* Whether a directory of the image has nothing below it any more. */
static bool is_empty(char *const *contents, const char *path)
{
        size_t n = strlen(path);

        STRV_FOREACH (line, contents) {
                const char *other = *line + strlen("dir "); /* all kinds have three letters */
                if (strncmp(other, path, n) == 0 && other[n] == '/')
                        return false;
        }
        return true;
}

static void drop(char **contents, size_t i)
{
        free(contents[i]);
        for (; contents[i]; i++)
                contents[i] = contents[i + 1];
}

/* Directories that the mask has emptied go, too, the deepest first. */
static int drop_directories(GentooMerged *m, char *const *emptied, int root, Error *e)
{
        int k = 0;

        for (size_t i = strv_len(m->contents); i-- > 0 && k >= 0;) {
                const char *path = m->contents[i] + strlen("dir ");
                bool below = false;
                if (m->contents[i][0] != 'd')
                        continue;
                STRV_FOREACH (gone, emptied)
                        below = below || (strncmp(*gone, path, strlen(path)) == 0 && (*gone)[strlen(path)] == '/');
                if (!below || !is_empty(m->contents, path))
                        continue;
                k = take_away(root, path, AT_REMOVEDIR, e);
                drop(m->contents, i);
        }
        return k;
}

int gentoo_mask_apply(GentooMerged *m, size_t n, char *const *patterns, const char *text, int root, Error *e)
{
        int k = 0;

        for (size_t p = 0; p < n && k >= 0; p++) {
                _cleanup_strv_ char **gone = NULL;
                m[p].install_mask = text;
                for (size_t i = 0; m[p].contents && m[p].contents[i] && k >= 0;) {
                        Slice path;
                        if (m[p].contents[i][0] == 'd' || !gentoo_contents_path(m[p].contents[i], &path)) {
                                i++;
                                continue;
                        }
                        _cleanup_free_ char *file = slice_dup(path);
                        if (!gentoo_is_masked(patterns, file, false)) {
                                i++;
                                continue;
                        }
                        k = take_away(root, file, 0, e);
                        strv_push(&gone, file);
                        drop(m[p].contents, i);
                }
                if (k >= 0 && gone)
                        k = drop_directories(&m[p], gone, root, e);
        }
        return k;
}
