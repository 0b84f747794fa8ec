/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb822.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"

bool deb822_next_stanza(Slice *rest, Slice *ret)
{
        Slice line;

        do {
                if (rest->n == 0)
                        return false;
                *ret = *rest;
                slice_line(rest, &line);
        } while (slice_strip(line).n == 0);

        do {
                ret->n = (size_t)(line.s + line.n - ret->s);
        } while (slice_line(rest, &line) && slice_strip(line).n > 0);
        return true;
}

static bool is_continuation(Slice rest)
{
        return rest.n > 0 && (rest.s[0] == ' ' || rest.s[0] == '\t');
}

bool deb822_next_field(Slice *rest, Slice *ret_name, Slice *ret_value)
{
        Slice line;

        while (slice_line(rest, &line)) {
                const char *colon = line.n > 0 && line.s[0] != '#' ? memchr(line.s, ':', line.n) : NULL;
                if (!colon || colon == line.s || is_continuation(line))
                        continue;
                *ret_name = (Slice){line.s, (size_t)(colon - line.s)};
                const char *end = line.s + line.n;
                while (is_continuation(*rest)) {
                        slice_line(rest, &line);
                        end = line.s + line.n;
                }
                *ret_value = slice_strip((Slice){colon + 1, (size_t)(end - colon - 1)});
                return true;
        }
        return false;
}

Slice deb822_get(Slice stanza, const char *name)
{
        Slice n, v, want = {name, strlen(name)};

        while (deb822_next_field(&stanza, &n, &v))
                if (slice_caseeq(n, want))
                        return v;
        return (Slice){NULL, 0};
}

bool deb822_get_bool(Slice stanza, const char *name)
{
        return slice_caseeq(deb822_get(stanza, name), SLICE("yes"));
}
