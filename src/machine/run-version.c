/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-version.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "store/partition-type.h"

#define PLACE "___"

typedef struct Pattern {
        char *dir, *prefix, *suffix;
} Pattern;

static void pattern_done(Pattern *p)
{
        free(p->dir);
        free(p->prefix);
        free(p->suffix);
}

static bool pattern_read(const char *path, Pattern *ret)
{
        static const char *const suffixes[] = {".raw", ".mstack"};
        _cleanup_free_ char *whole = path_simplify(xstrdup(path)), *parent = path_dirname(whole);
        const char *base = path_basename(whole), *place = strstr(base, PLACE), *v = str_endswith(base, ".v");

        if (place && str_endswith(parent, ".v")) {
                *ret = (Pattern){xstrdup(parent), xasprintf("%.*s_", (int)(place - base), base), xstrdup(place + strlen(PLACE))};
                return true;
        }
        if (!v || v == base)
                return false;
        _cleanup_free_ char *name = xstrndup(base, (size_t)(v - base));
        const char *end = name + strlen(name);
        for (size_t i = 0; i < ELEMENTSOF(suffixes) && !*end; i++)
                end = str_endswith(name, suffixes[i]) ?: end;
        *ret = (Pattern){xstrdup(whole), xasprintf("%.*s_", (int)(end - name), name), xstrdup(end)};
        return true;
}

typedef struct Candidate {
        char *entry, *version;
        int architecture; /* 2 this host's, 1 one that it runs too or none is named, 0 another */
        bool exhausted;   /* no tries are left */
} Candidate;

static void candidate_done(Candidate *c)
{
        free(c->entry);
        free(c->version);
        *c = (Candidate){0};
}

/* "1.2_x86-64+3-0" into its parts. */
static bool candidate_read(const Pattern *p, const char *entry, Candidate *ret)
{
        const char *begin = str_startswith(entry, p->prefix), *end = str_endswith(entry, p->suffix);
        if (!begin || !end || end <= begin)
                return false;

        char *version = xstrndup(begin, (size_t)(end - begin)), *tries = strrchr(version, '+'), *architecture;
        *ret = (Candidate){.entry = xstrdup(entry), .version = version, .architecture = 1};
        if (tries && tries[1] && strspn(tries + 1, "0123456789-") == strlen(tries + 1)) {
                ret->exhausted = strtoul(tries + 1, NULL, 10) == 0;
                *tries = '\0';
        }
        architecture = strrchr(version, '_');
        if (architecture) {
                ret->architecture = str_eq(architecture + 1, partition_architecture())             ? 2
                                    : str_eq(architecture + 1, partition_secondary_architecture()) ? 1
                                                                                                   : 0;
                *architecture = '\0';
        }
        if (*version && ret->architecture > 0)
                return true;
        candidate_done(ret);
        return false;
}

static int compare(const Candidate *a, const Candidate *b)
{
        if (a->exhausted != b->exhausted)
                return b->exhausted - a->exhausted;
        int r = str_compare_versions(a->version, b->version);
        return r != 0 ? r : a->architecture - b->architecture;
}

static int find_newest(const Pattern *p, Candidate *ret, Error *e)
{
        _cleanup_closedir_ DIR *dir = opendir(p->dir);
        if (!dir)
                return error_sys(e, -errno, "cannot read the versions in '%s'", p->dir);
        for (struct dirent *d; (d = readdir(dir));) {
                Candidate c;
                if (*d->d_name == '.' || !candidate_read(p, d->d_name, &c))
                        continue;
                if (!ret->entry || compare(&c, ret) > 0) {
                        Candidate old = *ret;
                        *ret = c;
                        c = old;
                }
                candidate_done(&c);
        }
        if (!ret->entry)
                return error_set(e, -ENOENT, "there is no version %s…%s for this architecture in '%s'", p->prefix, p->suffix,
                                 p->dir);
        return 0;
}

int version_pick(const char *path, char **ret_path, char **ret_name, Error *e)
{
        _cleanup_(pattern_done) Pattern p = {0};
        _cleanup_(candidate_done) Candidate newest = {0};

        if (!pattern_read(path, &p))
                return 0;
        int r = find_newest(&p, &newest, e);
        if (r < 0)
                return r;
        *ret_path = path_join(p.dir, newest.entry);
        *ret_name = xstrndup(p.prefix, strlen(p.prefix) - 1);
        return 1;
}
