/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-subid.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"

#define FILE_MAX (4 * 1024 * 1024)

/* Of each line of at least `n` fields between colons these. */
static bool next_line(char **rest, char **fields, size_t n)
{
        for (char *line; (line = strsep(rest, "\n"));) {
                size_t found = 0;
                for (char *word; found < n && (word = strsep(&line, ":")); found++)
                        fields[found] = word;
                if (found == n)
                        return true;
        }
        return false;
}

static bool is_owner(const char *owner, const char *name, uid_t uid)
{
        uint32_t number;

        return !name || str_eq(owner, name) || (str_parse_u32(owner, &number) >= 0 && number == uid);
}

void machine_subids(const char *path, const char *name, uid_t uid, SpecIdRanges *ret)
{
        _cleanup_free_ char *text = NULL;
        char *f[3];

        if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
                return;
        for (char *rest = text; next_line(&rest, f, ELEMENTSOF(f));) {
                uint32_t first, count;
                if (!is_owner(f[0], name, uid) || str_parse_u32(f[1], &first) < 0 || str_parse_u32(str_strip(f[2]), &count) < 0 ||
                    count == 0 || first + count < first)
                        continue;
                *vec_push(ret) = (SpecIdRange){.outside = first, .count = count};
        }
}

void machine_account_ids(const char *path, SpecIdRanges *ret)
{
        _cleanup_free_ char *text = NULL;
        char *f[3];

        if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0)
                return;
        for (char *rest = text; next_line(&rest, f, ELEMENTSOF(f));) {
                uint32_t id;
                if (str_parse_u32(f[2], &id) >= 0)
                        *vec_push(ret) = (SpecIdRange){.outside = id, .count = 1};
        }
}

char *machine_user_name(uid_t uid)
{
        _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
        const struct passwd *p = NULL;

        while (f && (p = fgetpwent(f)) && p->pw_uid != uid)
                ;
        return xstrdup(p ? p->pw_name : getenv("USER")); /* newuidmap(1) does not take anybody's word for it */
}
