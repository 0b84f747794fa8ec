/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Gentoo's cache holds in vain: packages that no index there names, and stage 3 archives that no pointer file does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/clean.h"
#include "distro/gentoo.h"
#include "transfer/transfer.h"

#define INDEX_LIMIT   (256ull * 1024 * 1024)
#define POINTER_LIMIT (1024 * 1024)

typedef struct Known {
        struct {
                char **items;
                size_t n;
        } packages;       /* names in the pool, sorted */
        char **pointers;  /* texts of latest-stage3-….txt */
        bool has_indexes; /* without one nobody can tell */
} Known;

static void known_done(Known *k)
{
        for (size_t i = 0; i < k->packages.n; i++)
                free(k->packages.items[i]);
        free(k->packages.items);
        strv_free(k->pointers);
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the directory has, without hidden files. */
static char **names_in(const char *dir)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        char **names = NULL;

        for (struct dirent *entry; d && (entry = readdir(d));)
                if (entry->d_name[0] != '.')
                        strv_push(&names, entry->d_name);
        return names;
}

static int add_index(Known *known, const char *path, Error *e)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        _cleanup_free_ char *text = NULL;
        GentooIndex index = {0};
        size_t len;

        if (fd < 0)
                return error_sys(e, -errno, "cannot read '%s'", path);
        int k = decompress_file(fd, INDEX_LIMIT, &text, &len, e);
        if (k >= 0)
                k = gentoo_index_parse((Slice){text, len}, &index, e);
        for (size_t i = 0; i < index.packages.n && k >= 0; i++)
                *vec_push(&known->packages) = gentoo_pool_name(&index.packages.items[i]);
        gentoo_index_done(&index);
        known->has_indexes = true;
        return k < 0 ? error_prefix(e, k, "'%s'", path) : 0;
}

static int read_known(Known *known, const char *index, const char *pool, char *const *files, Error *e)
{
        _cleanup_strv_ char **indexes = names_in(index);
        int k = 0;

        STRV_FOREACH (name, indexes) {
                _cleanup_free_ char *path = path_join(index, *name);
                if (k >= 0 && (str_endswith(*name, "_Packages") || str_endswith(*name, "_Packages.gz")))
                        k = add_index(known, path, e);
        }
        STRV_FOREACH (name, files) {
                _cleanup_free_ char *path = path_join(pool, *name), *text = NULL;
                if (str_startswith(*name, "latest-stage3-") && file_read_at(AT_FDCWD, path, POINTER_LIMIT, &text, NULL) >= 0)
                        strv_push(&known->pointers, text);
        }
        if (known->packages.n > 0)
                qsort(known->packages.items, known->packages.n, sizeof(*known->packages.items), compare);
        return k;
}

/* The archive, and what was fetched beside it. */
static bool is_pointed_to(const Known *known, const char *name)
{
        const char *end = strstr(name, ".tar");
        _cleanup_free_ char *build = end ? xstrndup(name, (size_t)(end - name) + 4) : xstrdup(name);

        STRV_FOREACH (text, known->pointers)
                if (strstr(*text, build))
                        return true;
        return false;
}

static bool is_in_vain(const Known *known, const char *name)
{
        if (str_startswith(name, "latest-stage3-"))
                return false;
        if (str_endswith(name, ".part")) /* whoever fetches it has it locked */
                return true;
        if (str_startswith(name, "stage3-"))
                return !is_pointed_to(known, name);
        return known->has_indexes && !(known->packages.n > 0 && bsearch(&name, known->packages.items, known->packages.n,
                                                                        sizeof(*known->packages.items), compare));
}

int gentoo_clean(const char *dir, DistroCleaned *ret, Error *e)
{
        _cleanup_free_ char *index = path_join(dir, "index"), *pool = path_join(dir, "pool");
        _cleanup_strv_ char **files = names_in(pool);
        __attribute__((cleanup(known_done))) Known known = {0};
        int k = read_known(&known, index, pool, files, e);

        STRV_FOREACH (name, files)
                if (k >= 0 && is_in_vain(&known, *name))
                        clean_file(pool, *name, ret);
        return k;
}
