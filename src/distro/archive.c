/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

#define SIGNATURE_LIMIT (64ull * 1024)

bool archive_is_source(const char *source)
{
        const char *slash = strchr(source, '/'), *colon = strchr(source, ':');
        return slash && (!colon || slash < colon || (slash == colon + 1 && slash[1] == '/'));
}

void archive_plan_done(DistroPlan *plan)
{
        ArchivePlan *p = plan->data;

        free(p->cache);
        free(p->path);
        free(p->label);
        free(p);
        plan->data = NULL;
}

/* A path, or the path of a file: URL; NULL for what has to be fetched. */
static const char *local_path(const char *source)
{
        const char *path = str_startswith(source, "file://");
        return path ?: strstr(source, "://") ? NULL : source;
}

/* A file that was changed is another source. */
char *archive_mirrors(const Distro *d, const DistroRequest *r)
{
        const char *path = local_path(r->suite);
        struct stat st;

        if (!path || stat(path, &st) < 0)
                return xstrdup("");
        return xasprintf("%" PRIu64 " %" PRIu64 " %lld.%09ld", (uint64_t)st.st_ino, (uint64_t)st.st_size,
                         (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

int archive_fetch(const char *cache, FetchItem *item, const Events *ev, char **ret_path, Error *e)
{
        _cleanup_free_ char *dir = path_join(cache, "pool");
        int k = file_mkdir_p(dir, 0755);

        if (k < 0)
                return error_sys(e, k, "cannot create '%s'", dir);
        _cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open '%s'", dir);
        FetchOptions options = {
                        .dirfd = fd, .retries = 3, .no_cache = item->digest.type == DIGEST_NONE, .events = ev, .watch_fd = -1};
        k = fetch_all(item, 1, &options, e);
        if (k >= 0)
                *ret_path = path_join(dir, item->path);
        return k;
}

int archive_plan_file(DistroPlan *plan, char *cache, char *path, const Digest *digest, const char *title, Error *e)
{
        ArchivePlan *p = plan->data = xnew(ArchivePlan, 1);
        char hex[33];

        p->cache = cache;
        p->path = path;
        p->label = xstrdup(path_basename(path));
        hash_hex(digest->bytes, 16, hex);
        plan->key = xasprintf("%s-%s", plan->distro->name, hex);
        plan->title = xstrdup(title);
        return 0;
}

/* ---- a file or a URL ---- */

static char *pool_name(const char *url)
{
        char *s = xstrdup(url);
        for (char *c = s; *c; c++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_", *c))
                        *c = '_';
        return s;
}

static int fetch_url(const char *cache, const char *url, uint64_t limit, const Events *ev, char **ret_path, Error *e)
{
        _cleanup_free_ char *name = pool_name(url);
        FetchItem item = {.url = url, .path = name, .limit = limit, .label = path_basename(url)};

        return archive_fetch(cache, &item, ev, ret_path, e);
}

/* What comes over the network has to be signed, by a detached signature beside it; a file here is as good as who put it here. */
static int verify(const char *cache, const DistroRequest *r, const char *path, bool local, const Events *ev, Error *e)
{
        _cleanup_free_ char *asc = xasprintf("%s.asc", r->suite), *signature = NULL;
        bool wanted = r->verify == DISTRO_VERIFY_SIGNATURE && (!local || (r->keyrings && *r->keyrings));

        if (!wanted)
                return 0;
        if (!r->keyrings || !*r->keyrings)
                return error_set(e, -ENOKEY,
                                 "whose is '%s'? Name the keys it is signed with with --keyring=FILE, or take it as it is with "
                                 "--verify=no",
                                 r->suite);
        int k = 0;
        if (local)
                signature = xasprintf("%s.asc", path);
        else
                k = fetch_url(cache, asc, SIGNATURE_LIMIT, ev, &signature, e);
        if (k == -ENOENT || (local && access(signature, F_OK) < 0)) {
                if (e)
                        *e = (Error){0};
                return error_set(e, -EKEYREJECTED, "'%s' has no signature '%s'; --verify=no takes it as it is", r->suite, asc);
        }
        return k < 0 ? k : verify_detached(path, signature, r->keyrings, e);
}

int archive_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *plan, Error *e)
{
        _cleanup_free_ char *cache = path_join(r->cache_dir, d->name), *path = NULL, *title = NULL;
        const char *local = local_path(r->suite);
        Digest digest;
        int k = 0;

        if (local) {
                path = realpath(local, NULL);
                if (!path)
                        return error_sys(e, -errno, "cannot read '%s'", local);
        } else {
                events_step(ev, "Fetching %s", path_basename(r->suite));
                k = fetch_url(cache, r->suite, UINT64_MAX, ev, &path, e);
        }
        if (k >= 0)
                k = verify(cache, r, path, local != NULL, ev, e);
        if (k < 0)
                return k;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot read '%s'", path);
        k = digest_of_fd(fd, DIGEST_SHA256, &digest);
        if (k < 0)
                return error_sys(e, k, "cannot read '%s'", path);
        title = xasprintf("The system in %s", path_basename(path));
        return archive_plan_file(plan, TAKE_PTR(cache), TAKE_PTR(path), &digest, title, e);
}

/* ---- into a root ---- */

static int count(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e)
{
        *(size_t *)ctx += strv_len(result->paths);
        return 0;
}

int archive_install(DistroPlan *plan, const DistroInstall *o, Error *e)
{
        __attribute__((cleanup(unpack_closep))) Unpack *unpack = NULL;
        const ArchivePlan *p = plan->data;
        size_t n = 0;
        UnpackOptions u = {.root_dirfd = o->root_dirfd, .id_base = o->id_base, .workers = 1, .done = count, .ctx = &n};
        UnpackJob job = {.format = UNPACK_TAR, .label = p->label};

        events_step(o->events, "Unpacking %s", p->label);
        int k = unpack_open(&u, &unpack, e);
        if (k < 0)
                return k;
        _cleanup_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_sys(e, -errno, "cannot open '%s'", p->path);
        job.fd = fd;
        k = unpack_submit(unpack, &job, e);
        if (k >= 0)
                k = unpack_finish(unpack, e);
        if (k >= 0 && n < 2)
                return error_set(e, -EBADMSG, "'%s' holds no system: there is nothing in it", p->path);
        return k;
}
