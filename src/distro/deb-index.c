/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* InRelease, its signature and dates, and the Packages files that it names. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/deb.h"

#define RELEASE_LIMIT (16ull * 1024 * 1024)
#define LIST_LIMIT    (1024ull * 1024 * 1024)

void deb_archive_done(DebArchive *a)
{
        free(a->url);
        free(a->suite);
        deb_release_done(&a->release);
        for (size_t i = 0; i < a->lists.n; i++)
                free(a->lists.items[i].text);
        free(a->lists.items);
        *a = (DebArchive){0};
}

static int open_cache(const DebIndexOptions *o, const char *sub, Error *e)
{
        _cleanup_free_ char *dir = xasprintf("%s/%s", o->cache, sub);
        int k = file_mkdir_p(dir, 0755), fd;

        if (k < 0)
                return error_sys(e, k, "cannot create '%s'", dir);
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? error_sys(e, -errno, "cannot open '%s'", dir) : fd;
}

/* What --verify=no leaves of a clear-signed text: the text. Lines that begin with a dash are escaped in it. */
static void strip_signature(char *text, size_t *len)
{
        static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----", end[] = "-----BEGIN PGP SIGNATURE-----";
        const char *in = str_startswith(text, begin);
        char *out = text;

        in = in ? strstr(in, "\n\n") : NULL;
        if (!in)
                return;
        for (in += 2; *in && !str_startswith(in, end);) {
                if (in[0] == '-' && in[1] == ' ')
                        in += 2;
                size_t n = strcspn(in, "\n");
                n += in[n] == '\n';
                memmove(out, in, n);
                out += n;
                in += n;
        }
        *out = 0;
        *len = (size_t)(out - text);
}

/* A file name for a part of a suite, so that each archive has its own. */
static char *cache_name(const DebArchive *a, const char *part)
{
        char *s = xasprintf("%s_%s_%s", a->url, a->suite, part);

        for (char *c = s; *c; c++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_", *c))
                        *c = '_';
        return s;
}

int deb_index_read_release(DebArchive *a, const DebIndexOptions *o, Error *e)
{
        _cleanup_free_ char *url = xasprintf("%s/dists/%s/InRelease", a->url, a->suite), *name = cache_name(a, "InRelease");
        _cleanup_free_ char *what = xasprintf("suite '%s' on %s", a->suite, a->url), *path = NULL, *text = NULL;
        _cleanup_close_ int dir = open_cache(o, "index", e);
        size_t len = 0;

        if (dir < 0)
                return dir;
        FetchItem item = {.url = url, .path = name, .limit = RELEASE_LIMIT, .label = what};
        FetchOptions options = {.dirfd = dir, .retries = 2, .no_cache = true, .events = o->events, .watch_fd = -1};
        int k = fetch_all(&item, 1, &options, e);
        if (k < 0)
                return k;
        path = xasprintf("%s/index/%s", o->cache, name);
        if (!o->no_verify)
                k = verify_clearsigned(path, o->keyrings, &text, &len, e);
        else {
                k = file_read_at(dir, name, RELEASE_LIMIT, &text, &len);
                if (k < 0)
                        return error_sys(e, k, "cannot read '%s'", path);
                strip_signature(text, &len);
        }
        if (k < 0)
                return error_prefix(e, k, "%s", what);
        k = deb_release_parse(TAKE_PTR(text), len, &a->release, e);
        if (k < 0)
                return error_prefix(e, k, "%s", what);
        k = deb_release_check_time(&a->release, (int64_t)(clock_realtime() / USEC_PER_SEC), o->allow_expired, what, e);
        return k < 0 ? k : deb_release_check_arch(&a->release, o->arch, what, e);
}

/* The best form of "COMPONENT/binary-ARCH/Packages" that the Release file names. */
static const DebReleaseFile *find_list(const DebRelease *r, const char *component, const char *arch)
{
        static const char *const forms[] = {".xz", ".gz", ".bz2", ""};

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                _cleanup_free_ char *path = xasprintf("%s/binary-%s/Packages%s", component, arch, forms[i]);
                const DebReleaseFile *f = deb_release_find(r, path);
                if (f)
                        return f;
        }
        return NULL;
}

/* A package list on its way: compressed from the mirror, then kept uncompressed, as reading the digest again is far quicker
 * than decompressing again. */
typedef struct List {
        const DebReleaseFile *file; /* the form to fetch */
        /* of the uncompressed list; DIGEST_NONE: the Release file does not say, and it is not kept */
        Digest plain;
        char *name, *url, *part, *label; /* in the cache: as kept, and as fetched */
} List;

typedef struct Lists {
        List *items;
        size_t n;
} Lists;

static void lists_done(Lists *v)
{
        for (size_t i = 0; i < v->n; i++) {
                free(v->items[i].name);
                free(v->items[i].url);
                free(v->items[i].part);
                free(v->items[i].label);
        }
        free(v->items);
}

static void want_list(Lists *v, const DebArchive *a, const DebReleaseFile *f)
{
        char hex[2 * 32 + 1];

        if (f->size == 0)
                return;
        for (size_t i = 0; i < v->n; i++) /* those of two components may be the same, if only because both are empty */
                if (digest_eq(&v->items[i].file->digest, &f->digest))
                        return;
        hash_hex(f->digest.bytes, 32, hex);
        const char *slash = memrchr(f->path.s, '/', f->path.n),
                   *dot = memrchr(slash, '.', (size_t)(f->path.s + f->path.n - slash));
        int dir = (int)(slash - f->path.s), whole = (int)f->path.n, stem = dot ? (int)(dot - f->path.s) : whole;
        _cleanup_free_ char *plain = xstrndup(f->path.s, (size_t)stem);
        const DebReleaseFile *kept = deb_release_find(&a->release, plain);
        List *l = vec_push(v);

        l->file = f;
        l->plain = kept ? kept->digest : (Digest){.type = DIGEST_NONE};
        l->name = cache_name(a, plain);
        l->part = xasprintf("%s%.*s", hex, whole - stem, f->path.s + stem);
        l->label = xasprintf("package list %.*s of '%s'", whole, f->path.s, a->suite);
        l->url = a->release.by_hash ? xasprintf("%s/dists/%s/%.*s/by-hash/SHA256/%s", a->url, a->suite, dir, f->path.s, hex)
                                    : xasprintf("%s/dists/%s/%.*s", a->url, a->suite, whole, f->path.s);
}

static int want_component(Lists *v, const DebArchive *a, const DebIndexOptions *o, const char *component, Error *e)
{
        const DebReleaseFile *native = find_list(&a->release, component, o->arch);
        const DebReleaseFile *all = a->release.all_apart ? find_list(&a->release, component, "all") : NULL;

        if (!native && !all) {
                _cleanup_free_ char *list = strv_join(a->release.components, " ");
                return error_set(e, -ENOENT, "suite '%s' on %s has no component '%s'; it has: %s", a->suite, a->url, component,
                                 list);
        }
        if (native)
                want_list(v, a, native);
        if (all)
                want_list(v, a, all);
        return 0;
}

static bool read_kept(DebArchive *a, int dir, const List *l)
{
        _cleanup_close_ int fd = openat(dir, l->name, O_RDONLY | O_CLOEXEC);
        struct DebList text = {0};
        Digest d;

        if (fd < 0 || l->plain.type == DIGEST_NONE || digest_of_fd(fd, l->plain.type, &d) < 0 || !digest_eq(&d, &l->plain))
                return false;
        if (file_read_fd(fd, LIST_LIMIT, &text.text, &text.len) < 0)
                return false;
        *vec_push(&a->lists) = text;
        return true;
}

static int read_fetched(DebArchive *a, int dir, const List *l, Error *e)
{
        _cleanup_close_ int fd = openat(dir, l->part, O_RDONLY | O_CLOEXEC);
        struct DebList text = {0};

        if (fd < 0)
                return error_sys(e, -errno, "cannot open the %s", l->label);
        int k = decompress_file(fd, LIST_LIMIT, &text.text, &text.len, e);
        if (k < 0)
                return error_prefix(e, k, "%s", l->label);
        *vec_push(&a->lists) = text;
        /* A cache that cannot be written only costs time. */
        if (l->plain.type != DIGEST_NONE && file_write_atomic_at(dir, l->name, text.text, text.len, 0644, false) >= 0)
                (void)unlinkat(dir, l->part, 0);
        return 0;
}

/* The lists that are not kept, by one fetch. */
static int read_lists(DebArchive *a, int dir, const Lists *v, const Events *ev, Error *e)
{
        _cleanup_free_ FetchItem *items = xnew(FetchItem, v->n + 1);
        FetchOptions options = {.dirfd = dir, .retries = 3, .events = ev, .watch_fd = -1};
        size_t n = 0;

        for (size_t i = 0; i < v->n; i++) {
                const List *l = &v->items[i];
                if (!read_kept(a, dir, l))
                        items[n++] = (FetchItem){.url = l->url,
                                                 .path = l->part,
                                                 .size = l->file->size,
                                                 .digest = l->file->digest,
                                                 .label = l->label,
                                                 .user = (void *)l};
        }
        int k = n > 0 ? fetch_all(items, n, &options, e) : 0;
        for (size_t i = 0; i < n && k >= 0; i++)
                k = read_fetched(a, dir, items[i].user, e);
        return k;
}

int deb_index_read_lists(DebArchive *a, const DebIndexOptions *o, Error *e)
{
        _cleanup_close_ int dir = open_cache(o, "index", e);
        __attribute__((cleanup(lists_done))) Lists v = {0};
        int k = dir < 0 ? dir : 0;

        for (char *const *c = o->components; c && *c && k >= 0; c++)
                k = want_component(&v, a, o, *c, e);
        return k < 0 ? k : read_lists(a, dir, &v, o->events, e);
}
