/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-protect.h"

#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-merge.h"

#define MD5_OF_NOTHING "d41d8cd98f00b204e9800998ecf8427e"

/* The length of the longest path of the list that the path is, or is below; 0: none. */
static size_t longest(char *const *list, const char *path)
{
        size_t best = 0;

        STRV_FOREACH (entry, list) {
                size_t n = strlen(*entry);
                while (n > 1 && (*entry)[n - 1] == '/')
                        n--;
                if (n > best && strncmp(*entry, path, n) == 0 && (path[n] == '/' || path[n] == '\0'))
                        best = n;
        }
        return best;
}

bool gentoo_is_protected(const GentooProtect *p, const char *line)
{
        Slice path;

        if ((line[0] != 'o' && line[0] != 's') || !gentoo_contents_path(line, &path))
                return false;
        _cleanup_free_ char *text = slice_dup(path);
        const char *name = strrchr(text, '/');
        if (line[0] == 'o' && name && str_startswith(name, "/.keep") && str_startswith(path.s + path.n, " " MD5_OF_NOTHING " "))
                return false;
        return longest(p->paths, text) > longest(p->mask, text);
}

/* "*" crosses slashes, as in Python's fnmatch. */
static bool matches(const char *pattern, const char *path, bool directory)
{
        size_t n = strlen(pattern);

        if (pattern[0] != '/')
                return fnmatch(pattern, strrchr(path, '/') ? strrchr(path, '/') + 1 : path, 0) == 0;
        while (n > 1 && pattern[n - 1] == '/')
                n--;
        if (pattern[n] == '\0' || directory) {
                _cleanup_free_ char *exact = xstrndup(pattern, n);
                if (fnmatch(exact, path, 0) == 0)
                        return true;
        }
        _cleanup_free_ char *below = xasprintf("%.*s/*", (int)n, pattern);
        return fnmatch(below, path, 0) == 0;
}

bool gentoo_is_masked(char *const *patterns, const char *path, bool directory)
{
        bool masked = false;

        STRV_FOREACH (p, patterns) {
                bool stays = (*p)[0] == '-';
                if (matches(*p + stays, path, directory))
                        masked = !stays;
        }
        return masked;
}
