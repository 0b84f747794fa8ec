/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a cache of packages holds in vain: packages that no package list there names any more, and what was fetched by halves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/clean.h"
#include "distro/deb.h"

#define LIST_LIMIT (1024ull * 1024 * 1024)
#define INDEX_END  "_InRelease"

typedef struct Names {
        char **items;
        size_t n;
} Names;

static void names_done(Names *v)
{
        for (size_t i = 0; i < v->n; i++)
                free(v->items[i]);
        free(v->items);
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(const Names *v, const char *name)
{
        return v->n > 0 && bsearch(&name, v->items, v->n, sizeof(*v->items), compare);
}

static int list_directory(const char *path, Names *ret, Error *e)
{
        _cleanup_closedir_ DIR *d = opendir(path);

        if (!d && errno != ENOENT)
                return error_sys(e, -errno, "cannot read '%s'", path);
        for (struct dirent *de = d ? readdir(d) : NULL; de; de = readdir(d))
                if (de->d_name[0] != '.')
                        *vec_push(ret) = xstrdup(de->d_name);
        if (ret->n > 0)
                qsort(ret->items, ret->n, sizeof(*ret->items), compare);
        return 0;
}

/* A package list of a suite whose index is here. */
static bool is_list(const Names *files, const char *name)
{
        for (size_t i = 0; i < files->n; i++) {
                const char *end = str_endswith(files->items[i], INDEX_END);
                size_t n = end ? (size_t)(end - files->items[i]) : 0;
                if (end && strncmp(name, files->items[i], n) == 0 && name[n] == '_' && str_endswith(name, "_Packages"))
                        return true;
        }
        return false;
}

static int add_packages(const char *path, Names *ret, Error *e)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        int k = file_read_at(AT_FDCWD, path, LIST_LIMIT, &text, &len);
        Slice all = {text, len}, stanza;

        if (k < 0)
                return error_sys(e, k, "cannot read '%s'", path);
        while (deb822_next_stanza(&all, &stanza)) {
                DebRecord r = {.name = deb822_get(stanza, "Package"),
                               .version = deb822_get(stanza, "Version"),
                               .architecture = deb822_get(stanza, "Architecture")};
                *vec_push(ret) = deb_pool_name(&r);
        }
        return 0;
}

/* Compressed lists are there for the moment only in which they are read; a name with a digest may be another command's now. */
static bool is_stale_part(const char *dir, const char *name)
{
        _cleanup_free_ char *path = path_join(dir, name);
        struct stat st;

        return stat(path, &st) == 0 && st.st_mtime < time(NULL) - 60 * 60;
}

int deb_clean(const char *dir, DistroCleaned *ret, Error *e)
{
        _cleanup_free_ char *index = path_join(dir, "index"), *pool = path_join(dir, "pool");
        __attribute__((cleanup(names_done))) Names lists = {0}, packages = {0}, files = {0};
        int k = list_directory(index, &lists, e);

        if (k >= 0)
                k = list_directory(pool, &files, e);
        for (size_t i = 0; i < lists.n && k >= 0; i++) {
                _cleanup_free_ char *path = path_join(index, lists.items[i]);
                if (is_list(&lists, lists.items[i]))
                        k = add_packages(path, &packages, e);
                else if (!str_endswith(lists.items[i], INDEX_END) && is_stale_part(index, lists.items[i]))
                        clean_file(index, lists.items[i], ret);
        }
        if (k < 0)
                return k;
        if (packages.n == 0) /* without a list nobody can tell */
                return 0;
        qsort(packages.items, packages.n, sizeof(*packages.items), compare);
        for (size_t i = 0; i < files.n; i++)
                if (!has_name(&packages, files.items[i]))
                        clean_file(pool, files.items[i], ret);
        return 0;
}
