/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Manifest of a GPKG:  DATA NAME SIZE BLAKE2B HEX SHA512 HEX  a line for each member but itself, the digests in any order. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "transfer/gpkg.h"

static int bad(const char *line, Error *e)
{
        return error_set(e, -EBADMSG, "its Manifest has a line that says nothing: '%.100s'", line);
}

static int parse_entry(char *const *words, const char *line, GpkgEntry *ret, Error *e)
{
        size_t n = strv_len(words);

        if (n < 3 || strlen(words[1]) >= sizeof(ret->name) || str_parse_u64(words[2], &ret->size) < 0 || n % 2 == 0)
                return bad(line, e);
        strcpy(ret->name, words[1]);
        for (size_t i = 3; i + 1 < n; i += 2) {
                int k = 0;
                if (str_eq(words[i], "BLAKE2B"))
                        k = digest_parse(DIGEST_BLAKE2B, words[i + 1], &ret->blake2b);
                else if (str_eq(words[i], "SHA512"))
                        k = digest_parse(DIGEST_SHA512, words[i + 1], &ret->sha512);
                if (k < 0)
                        return bad(line, e);
        }
        if (ret->blake2b.type == DIGEST_NONE || ret->sha512.type == DIGEST_NONE)
                return error_set(e, -EBADMSG, "its Manifest has not both BLAKE2B and SHA512 of '%s'", ret->name);
        return 0;
}

int gpkg_manifest_parse(const char *text, size_t len, GpkgEntry ret[static GPKG_MEMBERS_MAX], unsigned *ret_n, Error *e)
{
        _cleanup_free_ char *copy = xstrndup(text, len);
        _cleanup_strv_ char **lines = strv_split(copy, "\n");
        unsigned n = 0;

        STRV_FOREACH (line, lines) {
                _cleanup_strv_ char **words = strv_split(*line, " \t\r");
                GpkgEntry entry = {0};
                if (!words || !str_eq(words[0], "DATA")) /* other kinds of lines say nothing of members */
                        continue;
                int k = parse_entry(words, *line, &entry, e);
                if (k < 0)
                        return k;
                for (unsigned i = 0; i < n; i++)
                        if (str_eq(ret[i].name, entry.name))
                                return error_set(e, -EBADMSG, "its Manifest lists '%s' twice", entry.name);
                if (n == GPKG_MEMBERS_MAX)
                        return error_set(e, -EBADMSG, "its Manifest lists more than %u members", GPKG_MEMBERS_MAX);
                ret[n++] = entry;
        }
        *ret_n = n;
        return 0;
}
