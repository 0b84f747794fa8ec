/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index of a binary package host: Packages.gz, else Packages, and its detached signature Packages.asc beside it, if there is one. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "distro/gentoo.h"
#include "transfer/transfer.h"

#define INDEX_LIMIT     (256ull * 1024 * 1024)
#define SIGNATURE_LIMIT (64ull * 1024)

void gentoo_host_done(GentooHost *h)
{
        gentoo_index_done(&h->index);
        free(h->url);
        free(h->base);
        free(h->text);
        *h = (GentooHost){0};
}

static int open_cache(const GentooHostOptions *o, Error *e)
{
        _cleanup_free_ char *dir = xasprintf("%s/index", o->cache);
        int k = file_mkdir_p(dir, 0755);

        if (k < 0)
                return error_sys(e, k, "cannot create '%s'", dir);
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_sys(e, -errno, "cannot open '%s'", dir) : fd;
}

/* A file name for a part of a host, so that each has its own. */
static char *cache_name(const GentooHost *h, const char *part)
{
        char *s = xasprintf("%s_%s", h->url, part);

        for (char *c = s; *c; c++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_", *c))
                        *c = '_';
        return s;
}

static int fetch(const GentooHost *h, const GentooHostOptions *o, int dir, const char *part, uint64_t limit, Error *e)
{
        _cleanup_free_ char *url = xasprintf("%s/%s", h->url, part), *name = cache_name(h, part),
                            *label = xasprintf("the index of %s", h->url);
        FetchItem item = {.url = url, .path = name, .limit = limit, .label = label};
        FetchOptions options = {.dirfd = dir, .retries = 2, .no_cache = true, .events = o->events, .watch_fd = -1};

        return fetch_all(&item, 1, &options, e);
}

/* The name of the form that the host has. */
static int fetch_index(const GentooHost *h, const GentooHostOptions *o, int dir, const char **ret, Error *e)
{
        static const char *const forms[] = {"Packages.gz", "Packages"};
        Error first = {0};
        int k = fetch(h, o, dir, forms[0], INDEX_LIMIT, &first);

        *ret = forms[0];
        if (k == -ENOENT) {
                *ret = forms[1];
                return fetch(h, o, dir, forms[1], INDEX_LIMIT, e);
        }
        return k < 0 ? error_set(e, k, "%s", first.message) : 0;
}

/* Of what was fetched, compressed or not: a signature is of the file as it is. */
static int check_signature(GentooHost *h, const GentooHostOptions *o, int dir, const char *form, Error *e)
{
        _cleanup_free_ char *part = xasprintf("%s.asc", form), *signature = cache_name(h, part), *file = cache_name(h, form);
        _cleanup_free_ char *path = xasprintf("%s/index/%s", o->cache, file),
                            *asc = xasprintf("%s/index/%s", o->cache, signature);
        int k = fetch(h, o, dir, part, SIGNATURE_LIMIT, e);

        if (k == -ENOENT) { /* then each package has to be signed by itself */
                if (e)
                        *e = (Error){0};
                return 0;
        }
        if (k >= 0)
                k = verify_detached(path, asc, o->keyrings, e);
        if (k < 0)
                return error_prefix(e, k, "the index of %s", h->url);
        h->is_signed = true;
        return 0;
}

/* Paths are below the URI that the header names, except where the index itself was read from a directory of this host: a copy. */
static void set_base(GentooHost *h)
{
        Slice uri = gentoo_index_header(&h->index, "URI");

        h->base = uri.n > 0 && !str_startswith(h->url, "file:") ? slice_dup(uri) : xstrdup(h->url);
        for (size_t n = strlen(h->base); n > 0 && h->base[n - 1] == '/'; n--)
                h->base[n - 1] = '\0';
}

int gentoo_host_read(GentooHost *h, const GentooHostOptions *o, Error *e)
{
        _cleanup_close_ int dir = open_cache(o, e), fd = -1;
        const char *form;

        if (dir < 0)
                return dir;
        int k = fetch_index(h, o, dir, &form, e);
        if (k < 0)
                return k;
        if (o->verify == DISTRO_VERIFY_SIGNATURE)
                k = check_signature(h, o, dir, form, e);
        if (k < 0)
                return k;
        _cleanup_free_ char *name = cache_name(h, form);
        fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open '%s/index/%s'", o->cache, name);
        k = decompress_file(fd, INDEX_LIMIT, &h->text, &h->len, e);
        if (k >= 0)
                k = gentoo_index_parse((Slice){h->text, h->len}, &h->index, e);
        if (k < 0)
                return error_prefix(e, k, "the index of %s", h->url);
        set_base(h);
        return 0;
}
