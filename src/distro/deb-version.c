/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-version.h"

#include <ctype.h>
#include <string.h>

static bool digit(Slice s, size_t i)
{
        return i < s.n && isdigit((unsigned char)s.s[i]);
}

/* '~' sorts before the end, the end and digits before letters, letters before all else. */
static int weight(Slice s, size_t i)
{
        if (i >= s.n || digit(s, i))
                return 0;
        unsigned char c = (unsigned char)s.s[i];
        if (c == '~')
                return -1;
        return isalpha(c) ? c : c + 256;
}

static int compare_part(Slice a, Slice b)
{
        size_t i = 0, j = 0;

        while (i < a.n || j < b.n) {
                while ((i < a.n && !digit(a, i)) || (j < b.n && !digit(b, j))) {
                        int d = weight(a, i) - weight(b, j);
                        if (d != 0)
                                return d;
                        i++;
                        j++;
                }
                while (i < a.n && a.s[i] == '0')
                        i++;
                while (j < b.n && b.s[j] == '0')
                        j++;
                int first = 0;
                for (; digit(a, i) && digit(b, j); i++, j++)
                        if (first == 0)
                                first = a.s[i] - b.s[j];
                if (digit(a, i))
                        return 1;
                if (digit(b, j))
                        return -1;
                if (first != 0)
                        return first;
        }
        return 0;
}

typedef struct Version {
        Slice epoch, upstream, revision;
} Version;

static Version split(Slice v)
{
        Version r = {{"", 0}, v, {"", 0}};
        const char *colon = memchr(v.s, ':', v.n);

        if (colon) {
                r.epoch = (Slice){v.s, (size_t)(colon - v.s)};
                r.upstream = (Slice){colon + 1, v.n - r.epoch.n - 1};
        }
        const char *dash = memrchr(r.upstream.s, '-', r.upstream.n);
        if (dash) {
                r.revision = (Slice){dash + 1, (size_t)(r.upstream.s + r.upstream.n - dash - 1)};
                r.upstream.n = (size_t)(dash - r.upstream.s);
        }
        return r;
}

int deb_version_compare(Slice a, Slice b)
{
        Version x = split(a), y = split(b);
        int d = compare_part(x.epoch, y.epoch);

        if (d == 0)
                d = compare_part(x.upstream, y.upstream);
        if (d == 0)
                d = compare_part(x.revision, y.revision);
        return d;
}
