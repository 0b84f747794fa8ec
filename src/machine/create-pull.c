/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/create-import.h"
#include "machine/create-pull.h"
#include "machine/create-transfer.h"
#include "machine/run-identity.h"
#include "machine/run-registry.h"

#define RETRIES 3

static const char *const beside_tree[] = {".nspawn", NULL};
static const char *const beside_disk[] = {".roothash", ".roothash.p7s", ".verity", ".nspawn", NULL};
static const PullKind kind_tar = {"pull-tar", "tar", false, beside_tree}, kind_raw = {"pull-raw", "raw", true, beside_disk};

static void pull_done(Pull *p)
{
        free(p->base);
        free(p->file);
        free(p->dir);
        free(p->sums);
        fd_close(p->dirfd);
        store_close(p->store);
}

static int open_cache(Pull *p, Error *e)
{
        static const uint8_t zero[16] = {0};
        const char *url = p->request->source;

        p->dir = xasprintf("%s/pull/%016" PRIx64, p->host->cache_dir, hash_siphash24(url, strlen(url), zero));
        int r = file_mkdir_p(p->dir, 0700);
        p->dirfd = r < 0 ? r : open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return p->dirfd < 0 ? error_sys(e, r < 0 ? r : -errno, "cannot open the cache '%s'", p->dir) : 0;
}

/* http://host/dir/root.tar.xz?x is "http://host/dir/" and "root.tar.xz". */
static int split_url(Pull *p, Error *e)
{
        _cleanup_free_ char *plain = xstrndup(p->request->source, strcspn(p->request->source, "?#"));
        const char *slash = strrchr(plain, '/'), *host = strstr(plain, "://");

        if (!host || !slash || slash < host + 3 || !slash[1])
                return error_set(e, -EINVAL, "'%s' is not an address of an archive: http://HOST/…/NAME.tar.xz, https or file",
                                 p->request->source);
        p->file = xstrdup(slash + 1);
        p->base = xstrndup(plain, (size_t)(slash + 1 - plain));
        return 0;
}

static int fetch(const Pull *p, const FetchItem *item, bool no_cache, Error *e)
{
        const FetchOptions o = {
                        .dirfd = p->dirfd, .retries = RETRIES, .no_cache = no_cache, .watch_fd = -1, .events = &p->host->events};

        return fetch_all(item, 1, &o, e);
}

int pull_fetch_beside(const Pull *p, const char *name, uint64_t limit, const Digest *digest, Error *e)
{
        _cleanup_free_ char *url = xasprintf("%s%s", p->base, name);
        FetchItem item = {.url = url, .path = name, .limit = limit, .label = name};

        if (digest)
                item.digest = *digest;
        return fetch(p, &item, !digest, e);
}

/* ---- the archive ---- */

static char *image_name(const Pull *p, StoreDriverId driver)
{
        char hex[2 * 16 + 1];

        hash_hex(p->digest.bytes, 16, hex);
        return xasprintf("%s-%s-%s", p->kind->prefix, hex, store_driver_name(driver));
}

static int fetch_archive(Pull *p, int *ret_fd, Error *e)
{
        events_step(&p->host->events, "Fetching %s", p->request->source);
        int r = fetch(p,
                      &(FetchItem){.url = p->request->source,
                                   .path = "archive",
                                   .limit = UINT64_MAX / 2,
                                   .digest = p->digest,
                                   .label = p->file},
                      false, e);
        _cleanup_close_ int fd = r < 0 ? -1 : openat(p->dirfd, "archive", O_RDONLY | O_CLOEXEC);
        if (r >= 0 && fd < 0)
                r = error_sys(e, -errno, "cannot open '%s/archive'", p->dir);
        if (r >= 0 && p->digest.type == DIGEST_NONE)
                r = digest_of_fd(fd, DIGEST_SHA256, &p->digest) < 0 ? error_set(e, -EIO, "cannot read '%s/archive'", p->dir) : 0;
        if (r >= 0)
                *ret_fd = TAKE_FD(fd);
        return r;
}

static int fill(const Pull *p, int fd, const StoreBuild *b, Error *e)
{
        return (p->kind->disk ? import_disk : import_unpack)(p->host, fd, p->file, p->request->limit, b, e);
}

static int build_image(const Pull *p, int fd, const char *image, StoreDriverId driver, Error *e)
{
        StoreBuild b;
        int r = store_build_begin(p->store, STORE_IMAGE, image, driver, &b, e);

        if (r < 0)
                return r;
        r = fill(p, fd, &b, e);
        if (r >= 0) {
                events_step(&p->host->events, "Writing to disk");
                r = store_build_commit(&b, false, e);
        }
        store_build_abort(&b);
        return r == -EEXIST ? 0 : r; /* another pull of the same was first */
}

/* Of the file itself, without an image: where none is to be kept, and in place of what is in a machine. */
static int build_machine(const Pull *p, int fd, Error *e)
{
        const ImportRequest q = {.source = p->request->source,
                                 .driver = p->request->driver,
                                 .force = p->request->force,
                                 .read_only = p->request->read_only};
        _cleanup_(identity_done) Identity identity = {0};
        StoreBuild b;
        int r = import_begin(p->host, &q, p->name, p->kind->disk, p->store, &b, e);

        if (r < 0)
                return r;
        r = fill(p, fd, &b, e);
        if (r >= 0 && !p->kind->disk) {
                StoreImage tree = {.name = b.name, .driver = STORE_DIRECTORY, .path = b.path, .directory = b.path};
                r = identity_renew(&identity, &tree, e);
        }
        if (r >= 0) {
                events_step(&p->host->events, "Writing to disk");
                r = store_build_commit(&b, false, e);
        }
        store_build_abort(&b);
        return r < 0 ? r : import_mark(&q, p->name, p->store, e);
}

static int find_image(const Pull *p, const char *image, StoreImage *ret)
{
        return store_find(p->store, STORE_IMAGE, image, ret, NULL);
}

static int make_machine(const Pull *p, const StoreImage *image, Error *e)
{
        _cleanup_(identity_done) Identity identity = {0};
        const StoreEdit edit = {.edit = p->kind->disk ? NULL : identity_renew, .ctx = &identity};
        _cleanup_(store_image_done) StoreImage made = {0};

        if (!p->name)
                return 0;
        int r = store_clone(p->store, image, p->name, &(StoreQuiesce){0}, &edit, &p->host->events, e);
        if (r < 0 || !p->request->read_only)
                return r;
        r = store_find(p->store, STORE_MACHINE, p->name, &made, e);
        return r < 0 ? r : store_read_only(p->store, &made, true, e);
}

static int check_name(const Pull *p, bool *ret_there, Error *e)
{
        _cleanup_(store_image_done) StoreImage there = {0};
        int r = p->name ? machine_check_name(p->name, e) : 0;

        *ret_there = r >= 0 && p->name && store_find(p->store, STORE_MACHINE, p->name, &there, NULL) >= 0;
        if (!*ret_there)
                return r;
        if (p->request->force)
                return import_check_stopped(p->host, p->name, e);
        return error_set(
                        e, -EEXIST,
                        "machine '%s' already exists; choose another name, replace what is in it with --force, or remove it with "
                        "'berth remove %s'",
                        p->name, p->name);
}

/* An image with the digest that was vouched for makes the download unnecessary. */
static int by_image(Pull *p, Error *e)
{
        StoreDriverId driver = p->kind->disk             ? STORE_RAW
                               : p->request->driver >= 0 ? p->request->driver
                                                         : store_default_driver(p->store);
        bool vouched = p->digest.type != DIGEST_NONE;
        _cleanup_(store_image_done) StoreImage image = {0};
        _cleanup_close_ int fd = -1;
        int r = vouched ? 0 : fetch_archive(p, &fd, e);

        if (r < 0)
                return r;
        _cleanup_free_ char *name = image_name(p, driver);
        if (find_image(p, name, &image) >= 0)
                return make_machine(p, &image, e);
        if (vouched)
                r = fetch_archive(p, &fd, e);
        if (r >= 0)
                r = build_image(p, fd, name, driver, e);
        if (r >= 0 && vouched) /* else the next pull asks for what is newer than it */
                (void)unlinkat(p->dirfd, "archive", 0);
        if (r >= 0 && find_image(p, name, &image) < 0)
                r = error_set(e, -EBUSY, "the image was removed by another command just now; try again");
        return r < 0 ? r : make_machine(p, &image, e);
}

static int directly(Pull *p, Error *e)
{
        _cleanup_close_ int fd = -1;
        int r = fetch_archive(p, &fd, e);

        if (r >= 0)
                r = build_machine(p, fd, e);
        if (r >= 0 && (p->request->no_keep_download || p->digest.type != DIGEST_NONE))
                (void)unlinkat(p->dirfd, "archive", 0);
        return r;
}

static int begin(Pull *p, bool *ret_there, Error *e)
{
        int r = split_url(p, e);

        if (r >= 0 && !p->name && p->request->no_keep_download)
                r = error_set(e, -EINVAL, "with the name '-' there is only the image, which --keep-download=no does not want");
        if (r >= 0)
                r = store_open(p->host->machines_dir, &p->store, e);
        if (r >= 0)
                r = check_name(p, ret_there, e);
        if (r >= 0 && p->request->driver >= 0)
                r = store_check_driver(p->store, p->request->driver, e);
        return r < 0 ? r : open_cache(p, e);
}

static int pull(Pull *p, Error *e)
{
        _cleanup_(pull_side_done) PullSide side = {0};
        bool there;
        int r = begin(p, &there, e);

        if (r >= 0)
                r = pull_find_digest(p, e);
        if (r >= 0 && p->name)
                r = pull_side_fetch(p, &side, e);
        if (r >= 0)
                r = there || p->request->no_keep_download ? directly(p, e) : by_image(p, e);
        return r < 0 ? r : pull_side_place(p, &side, e);
}

static int run(const MachineHost *h, const PullRequest *q, const PullKind *kind, Error *e)
{
        _cleanup_free_ char *derived = q->name ? NULL : import_name_of(q->source);
        const char *name = q->name ?: derived;
        Pull p = {.request = q, .kind = kind, .dirfd = -1, .name = str_eq(name, "-") ? NULL : name};
        TransferRecord t;

        transfer_begin(&t, h, kind->verb, p.name, q->source);
        p.host = &t.host;
        int r = pull(&p, e);
        pull_done(&p);
        transfer_end(&t);
        if (r >= 0 && p.name)
                events_note(&h->events, "Pulled as machine '%s'", p.name);
        return r;
}

int machine_pull_tar(const MachineHost *h, const PullRequest *q, Error *e)
{
        return run(h, q, &kind_tar, e);
}

int machine_pull_raw(const MachineHost *h, const PullRequest *q, Error *e)
{
        return run(h, q, &kind_raw, e);
}

void machine_pull_clean_cache(const MachineHost *h)
{
        _cleanup_close_ int fd = open(h->cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                (void)file_remove_tree_at(fd, "pull");
}
