/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path.h"

#include <string.h>

#include "base/alloc.h"

bool path_is_absolute(const char *p)
{
        return p && p[0] == '/';
}

bool path_is_normalized(const char *p)
{
        if (!p || !*p)
                return false;
        if (strcmp(p, "/") == 0)
                return true;
        if (*p == '/')
                p++;

        for (;;) {
                size_t n = strcspn(p, "/");
                if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                if (!p[n])
                        return true;
                p += n + 1;
        }
}

char *path_join(const char *a, const char *b)
{
        size_t n = strlen(a);

        while (*b == '/')
                b++;
        if (!*b)
                return xstrdup(a);
        if (n == 0)
                return xstrdup(b);
        while (n > 0 && a[n - 1] == '/')
                n--;
        return xasprintf("%.*s/%s", (int)n, a, b);
}

char *path_simplify(char *p)
{
        bool absolute = p[0] == '/';
        char *out = p + (absolute ? 1 : 0), *start = out;
        const char *in = p;

        if (!*p)
                return p;
        while (*in) {
                in += strspn(in, "/");
                size_t n = strcspn(in, "/");
                if (n > 0 && !(n == 1 && in[0] == '.')) {
                        if (out != start)
                                *out++ = '/';
                        memmove(out, in, n);
                        out += n;
                }
                in += n;
        }
        if (!absolute && out == start)
                *out++ = '.';
        *out = '\0';
        return p;
}

const char *path_basename(const char *p)
{
        const char *slash = strrchr(p, '/');

        return slash ? slash + 1 : p;
}

char *path_dirname(const char *p)
{
        size_t n = strlen(p);

        while (n > 1 && p[n - 1] == '/')
                n--;
        while (n > 0 && p[n - 1] != '/')
                n--;
        while (n > 1 && p[n - 1] == '/')
                n--;
        return n == 0 ? xstrdup(".") : xstrndup(p, n);
}

bool path_has_prefix(const char *p, const char *prefix)
{
        size_t n = strlen(prefix);

        while (n > 0 && prefix[n - 1] == '/')
                n--;
        if (n == 0)
                return *prefix ? path_is_absolute(p) : true;
        return strncmp(p, prefix, n) == 0 && (p[n] == '/' || p[n] == '\0');
}

static bool is_alnum(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool path_machine_name_is_valid(const char *name)
{
        bool label_start = true, hyphen = false;
        size_t n = 0;

        if (!name || !*name)
                return false;
        for (; name[n]; n++) {
                char c = name[n];
                if (n == 64)
                        return false;
                if (c == '.') {
                        if (label_start || hyphen)
                                return false;
                        label_start = true;
                        hyphen = false;
                } else if (c == '-') {
                        if (label_start)
                                return false;
                        hyphen = true;
                } else {
                        if (!is_alnum(c))
                                return false;
                        label_start = hyphen = false;
                }
        }
        return !label_start && !hyphen;
}

bool path_snapshot_name_is_valid(const char *name)
{
        if (!name || !*name || name[0] == '.')
                return false;

        size_t n = strlen(name);
        if (n > 128)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_alnum(name[i]) && !strchr("._:-", name[i]))
                        return false;
        return true;
}
