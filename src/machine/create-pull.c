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

#define SUMS_MAX (4ULL * 1024 * 1024)
#define RETRIES  3

/* What is beside the archive on the server, and where it comes to lie: CACHE/pull/HASH-OF-THE-ADDRESS. */
typedef struct Pull {
        const MachineHost *host;
        const PullRequest *request;
        const char *name; /* of the machine; NULL: only the image */
        char *base;       /* of the address, with the slash */
        char *file;       /* its last component */
        char *dir;        /* absolute */
        int dirfd;
        Store *store;
        Digest digest; /* what the archive must have; DIGEST_NONE: nobody says */
} Pull;

static void pull_done(Pull *p)
{
        free(p->base);
        free(p->file);
        free(p->dir);
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

/* Never from the cache: what was true a second ago vouches for nothing now. */
static int fetch_beside(const Pull *p, const char *name, Error *e)
{
        _cleanup_free_ char *url = xasprintf("%s%s", p->base, name);

        return fetch(p, &(FetchItem){.url = url, .path = name, .limit = SUMS_MAX, .label = name}, true, e);
}

/* ---- what vouches for it ---- */

int pull_find_sum(const char *text, const char *file, bool alone, Digest *ret)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        STRV_FOREACH (line, lines) {
                _cleanup_free_ char *hex = xstrndup(*line, strcspn(*line, " \t\r"));
                const char *name = *line + strlen(hex);
                name += strspn(name, " \t");
                name += *name == '*';
                _cleanup_free_ char *trimmed = xstrndup(name, strcspn(name, "\r"));
                if ((str_eq(trimmed, file) || (alone && !*trimmed)) && digest_parse(DIGEST_SHA256, hex, ret) >= 0)
                        return 0;
        }
        return -ENOENT;
}

static char **default_keyrings(void)
{
        static const char *const paths[] = {"/etc/systemd/import-pubring.pgp", "/etc/systemd/import-pubring.gpg",
                                            "/usr/lib/systemd/import-pubring.pgp", "/usr/lib/systemd/import-pubring.gpg"};
        char **found = NULL;

        for (size_t i = 0; i < ELEMENTSOF(paths) && !found; i++)
                if (access(paths[i], R_OK) == 0)
                        strv_push(&found, paths[i]);
        return found;
}

static int check_signature(const Pull *p, Error *e)
{
        _cleanup_strv_ char **keyrings = p->request->keyrings ? strv_copy(p->request->keyrings) : default_keyrings();
        _cleanup_free_ char *sums = path_join(p->dir, "SHA256SUMS"), *signature = path_join(p->dir, "SHA256SUMS.gpg");

        if (!keyrings)
                return error_set(e, -ENOKEY,
                                 "there is no /etc/systemd/import-pubring.pgp with keys to trust; name a keyring with --keyring, "
                                 "or be "
                                 "content with --verify=checksum");
        int r = fetch_beside(p, "SHA256SUMS.gpg", e);
        if (r == -ENOENT)
                return error_set(e, r,
                                 "%sSHA256SUMS.gpg is not there: nothing is signed; --verify=checksum takes the checksum alone",
                                 p->base);
        return r < 0 ? r : verify_detached(sums, signature, p->request->keyrings ? p->request->keyrings : keyrings, e);
}

static int read_sum(Pull *p, const char *name, bool alone, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int r = file_read_at(p->dirfd, name, SUMS_MAX, &text, NULL);

        if (r < 0)
                return error_sys(e, r, "cannot read '%s'", name);
        if (pull_find_sum(text, p->file, alone, &p->digest) < 0)
                return error_set(e, -EBADMSG, "%s%s has no SHA-256 checksum of '%s'", p->base, name, p->file);
        return 0;
}

/* SHA256SUMS beside it; for a checksum alone NAME.sha256 will do. */
static int find_digest(Pull *p, Error *e)
{
        _cleanup_free_ char *single = xasprintf("%s.sha256", p->file);
        Error why = {0};

        if (p->request->verify == PULL_VERIFY_NO)
                return 0;
        events_step(&p->host->events, "Fetching checksums");
        int r = fetch_beside(p, "SHA256SUMS", &why);
        if (r >= 0 && p->request->verify == PULL_VERIFY_SIGNATURE)
                r = check_signature(p, &why);
        if (r >= 0)
                return read_sum(p, "SHA256SUMS", false, e);
        if (r == -ENOENT && p->request->verify == PULL_VERIFY_CHECKSUM && fetch_beside(p, single, NULL) >= 0)
                return read_sum(p, single, true, e);
        if (e)
                *e = why;
        if (r == -ENOENT && p->request->verify == PULL_VERIFY_CHECKSUM)
                return error_set(e, r, "neither %sSHA256SUMS nor %s is there; --verify=no takes what comes", p->base, single);
        return r;
}

/* ---- the archive ---- */

static char *image_name(const Pull *p, StoreDriverId driver)
{
        char hex[2 * 16 + 1];

        hash_hex(p->digest.bytes, 16, hex);
        return xasprintf("tar-%s-%s", hex, store_driver_name(driver));
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

static int build_image(const Pull *p, int fd, const char *image, StoreDriverId driver, Error *e)
{
        StoreBuild b;
        int r = store_build_begin(p->store, STORE_IMAGE, image, driver, &b, e);

        if (r < 0)
                return r;
        r = import_unpack(p->host, fd, p->file, p->request->limit, &b, e);
        if (r >= 0) {
                events_step(&p->host->events, "Writing to disk");
                r = store_build_commit(&b, false, e);
        }
        store_build_abort(&b);
        return r == -EEXIST ? 0 : r; /* another pull of the same was first */
}

static int find_image(const Pull *p, const char *image, StoreImage *ret)
{
        return store_find(p->store, STORE_IMAGE, image, ret, NULL);
}

static int make_machine(const Pull *p, const StoreImage *image, Error *e)
{
        _cleanup_(identity_done) Identity identity = {0};
        const StoreEdit edit = {.edit = identity_renew, .ctx = &identity};
        _cleanup_(store_image_done) StoreImage made = {0};

        if (!p->name)
                return 0;
        int r = store_clone(p->store, image, p->name, &(StoreQuiesce){0}, &edit, &p->host->events, e);
        if (r < 0 || !p->request->read_only)
                return r;
        r = store_find(p->store, STORE_MACHINE, p->name, &made, e);
        return r < 0 ? r : store_read_only(p->store, &made, true, e);
}

static int check_name(const Pull *p, Error *e)
{
        _cleanup_(store_image_done) StoreImage there = {0};
        int r = p->name ? machine_check_name(p->name, e) : 0;

        if (r < 0 || !p->name || store_find(p->store, STORE_MACHINE, p->name, &there, NULL) < 0)
                return r;
        return error_set(e, -EEXIST, "machine '%s' already exists; choose another name, or remove it with 'berth remove %s'",
                         p->name, p->name);
}

/* An image with the digest that was vouched for makes the download unnecessary. */
static int pull(Pull *p, Error *e)
{
        _cleanup_(store_image_done) StoreImage image = {0};
        _cleanup_close_ int fd = -1;
        int r = split_url(p, e);

        if (r >= 0)
                r = store_open(p->host->machines_dir, &p->store, e);
        if (r >= 0)
                r = check_name(p, e);
        if (r >= 0 && p->request->driver >= 0)
                r = store_check_driver(p->store, p->request->driver, e);
        if (r >= 0)
                r = open_cache(p, e);
        if (r >= 0)
                r = find_digest(p, e);
        if (r < 0)
                return r;
        StoreDriverId driver = p->request->driver >= 0 ? p->request->driver : store_default_driver(p->store);
        bool vouched = p->digest.type != DIGEST_NONE;
        if (!vouched)
                r = fetch_archive(p, &fd, e);
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

int machine_pull_tar(const MachineHost *h, const PullRequest *q, Error *e)
{
        _cleanup_free_ char *derived = q->name ? NULL : import_name_of(q->source);
        const char *name = q->name ?: derived;
        Pull p = {.request = q, .dirfd = -1, .name = str_eq(name, "-") ? NULL : name};
        TransferRecord t;

        transfer_begin(&t, h, "pull-tar", p.name, q->source);
        p.host = &t.host;
        int r = pull(&p, e);
        pull_done(&p);
        transfer_end(&t);
        if (r >= 0 && p.name)
                events_note(&h->events, "Pulled as machine '%s'", p.name);
        return r;
}

void machine_pull_clean_cache(const MachineHost *h)
{
        _cleanup_close_ int fd = open(h->cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0)
                (void)file_remove_tree_at(fd, "pull");
}
