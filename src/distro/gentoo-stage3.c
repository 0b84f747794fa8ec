/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gentoo:stage3[-VARIANT]: BASE/latest-stage3-ARCH-VARIANT.txt names the newest build, its DIGESTS say what it is; both are clear-signed
 * by Gentoo's release keys. Layout: spec of catalyst's builds, see docs/design/distro.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/archive.h"
#include "distro/gentoo.h"

#define DEFAULT_MIRROR "https://distfiles.gentoo.org"
#define TEXT_LIMIT     (1ull * 1024 * 1024)

typedef struct Stage3 {
        char *cache, *base, *arch, *variant; /* base: of the architecture's builds */
        char **keyrings;
        DistroVerify verify;
        const Events *events;
} Stage3;

static void stage3_done(Stage3 *s)
{
        free(s->cache);
        free(s->base);
        free(s->arch);
        free(s->variant);
        strv_free(s->keyrings);
}

/* The text of a small file below the base, without its signature, which has been looked at. */
static int read_signed(const Stage3 *s, const char *name, char **ret, Error *e)
{
        _cleanup_free_ char *url = path_join(s->base, name), *path = NULL;
        FetchItem item = {.url = url, .path = path_basename(name), .limit = TEXT_LIMIT, .label = name};
        size_t len;
        int k = archive_fetch(s->cache, &item, s->events, &path, e);

        if (k < 0)
                return k;
        if (s->verify == DISTRO_VERIFY_SIGNATURE)
                return verify_clearsigned(path, s->keyrings, ret, &len, e);
        k = file_read_at(AT_FDCWD, path, TEXT_LIMIT, ret, &len);
        return k < 0 ? error_sys(e, k, "cannot read '%s'", path) : 0;
}

/* "20230702T170201Z/stage3-amd64-systemd-20230702T170201Z.tar.xz 269349504", the first line that is no comment and no armor. */
int stage3_parse_pointer(const char *text, char **ret_path, uint64_t *ret_size)
{
        Slice rest = {text, strlen(text)}, line, path, size;

        while (slice_line(&rest, &line)) {
                if (str_startswith(line.s, "-----BEGIN PGP SIGNATURE"))
                        break;
                if (line.n == 0 || line.s[0] == '#' || line.s[0] == '-' || !slice_word(&line, 0, &path) ||
                    !slice_word(&line, 0, &size))
                        continue;
                _cleanup_free_ char *number = slice_dup(size);
                if (str_parse_u64(number, ret_size) < 0 || !memmem(path.s, path.n, "stage3-", 7))
                        continue;
                _cleanup_free_ char *name = slice_dup(path);
                if (path_is_absolute(name) || !path_is_normalized(name))
                        return -EBADMSG;
                *ret_path = TAKE_PTR(name);
                return 0;
        }
        return -EBADMSG;
}

/* The lines "HEX  NAME" below "# SHA512 HASH" or "# BLAKE2B HASH". */
int stage3_parse_digests(const char *text, const char *name, Digest *ret)
{
        Slice rest = {text, strlen(text)}, line, hex, file;
        DigestType type = DIGEST_NONE;

        while (slice_line(&rest, &line)) {
                if (line.n > 0 && line.s && line.s[0] == '#') {
                        type = memmem(line.s, line.n, "SHA512", 6)    ? DIGEST_SHA512
                               : memmem(line.s, line.n, "BLAKE2B", 7) ? DIGEST_BLAKE2B
                                                                      : DIGEST_NONE;
                        continue;
                }
                if (type == DIGEST_NONE || !slice_word(&line, 0, &hex) || !slice_word(&line, 0, &file) ||
                    !slice_eq_str(file, name))
                        continue;
                _cleanup_free_ char *digits = slice_dup(hex);
                if (digest_parse(type, digits, ret) >= 0)
                        return 0;
        }
        return -ENODATA;
}

static int find_build(const Stage3 *s, char **ret_path, uint64_t *ret_size, Error *e)
{
        _cleanup_free_ char *pointer = xasprintf("latest-stage3-%s-%s.txt", s->arch, s->variant), *text = NULL;
        int k = read_signed(s, pointer, &text, e);

        if (k == -ENOENT) {
                if (e)
                        *e = (Error){0};
                return error_set(e, k,
                                 "there is no stage 3 '%s' for %s on %s; write for example 'gentoo:stage3-systemd' or "
                                 "'gentoo:stage3-openrc'",
                                 s->variant, s->arch, s->base);
        }
        if (k >= 0 && stage3_parse_pointer(text, ret_path, ret_size) < 0)
                k = error_set(e, -EBADMSG, "'%s/%s' names no stage 3", s->base, pointer);
        return k;
}

static int fetch_build(const Stage3 *s, const char *build, uint64_t size, Digest *ret_digest, char **ret_path, Error *e)
{
        _cleanup_free_ char *url = path_join(s->base, build), *digests = xasprintf("%s.DIGESTS", build), *text = NULL;
        FetchItem item = {.url = url, .path = path_basename(build), .size = size, .label = path_basename(build)};
        int k = 0;

        if (s->verify != DISTRO_VERIFY_NO) {
                k = read_signed(s, digests, &text, e);
                if (k >= 0 && stage3_parse_digests(text, item.path, &item.digest) < 0)
                        k = error_set(e, -EBADMSG, "'%s/%s' has no SHA512 or BLAKE2B of '%s'", s->base, digests, item.path);
        }
        if (k < 0)
                return k;
        events_step(s->events, "Fetching %s", item.label);
        *ret_digest = item.digest;
        return archive_fetch(s->cache, &item, s->events, ret_path, e);
}

static int set_up(Stage3 *s, const Distro *d, const DistroRequest *r, const Events *ev, Error *e)
{
        const char *variant = str_startswith(r->suite, "stage3-"),
                   *mirror = r->mirrors && *r->mirrors ? *r->mirrors : DEFAULT_MIRROR;

        s->cache = path_join(r->cache_dir, d->name);
        s->arch = r->arch ? xstrdup(r->arch) : gentoo_host_arch();
        s->variant = xstrdup(variant ?: "openrc");
        s->verify = r->verify;
        s->events = ev;
        if (!s->arch)
                return error_set(e, -EOPNOTSUPP, "this machine's architecture has no name in Gentoo; give --arch");
        s->base = xasprintf("%s/releases/%s/autobuilds", mirror, s->arch);
        return gentoo_find_keyrings(r, &s->keyrings, e);
}

int stage3_resolve(const Distro *d, const DistroRequest *r, const Events *ev, DistroPlan *plan, Error *e)
{
        _cleanup_(stage3_done) Stage3 s = {0};
        _cleanup_free_ char *build = NULL, *path = NULL, *title = NULL;
        uint64_t size = 0;
        Digest digest = {0};
        int k = set_up(&s, d, r, ev, e);

        if (k >= 0)
                k = find_build(&s, &build, &size, e);
        if (k >= 0)
                k = fetch_build(&s, build, size, &digest, &path, e);
        if (k < 0)
                return k;
        if (digest.type == DIGEST_NONE) { /* --verify=no */
                _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
                k = fd < 0 ? -errno : digest_of_fd(fd, DIGEST_SHA512, &digest);
                if (k < 0)
                        return error_sys(e, k, "cannot read '%s'", path);
        }
        title = xasprintf("Gentoo %s, %s", s.arch, path_basename(build));
        return archive_plan_file(plan, TAKE_PTR(s.cache), TAKE_PTR(path), &digest, title, e);
}
