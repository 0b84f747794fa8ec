/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "transfer/digest.h"
#include "transfer/gpkg.h"

#define SIGNED_BEGIN "-----BEGIN PGP SIGNED MESSAGE-----"
#define SUFFIX       ".sig"

typedef struct Verify {
        int fd;
        GpkgScan scan;
        char *const *keyrings;
        char *directory; /* where members are copied to that gpgv reads; NULL until there is one */
} Verify;

static void verify_done(Verify *v)
{
        if (v->directory)
                (void)file_remove_tree_at(AT_FDCWD, v->directory);
        free(v->directory);
}

static int read_member(const Verify *v, const GpkgMember *m, uint64_t limit, char **ret, Error *e)
{
        if (m->size > limit)
                return error_set(e, -E2BIG, "its member '%s' is too large", m->name);
        _cleanup_free_ char *data = malloc((size_t)m->size + 1);
        if (!data)
                return error_set(e, -ENOMEM, "out of memory");
        for (uint64_t at = 0; at < m->size;) {
                ssize_t n = pread(v->fd, data + at, (size_t)(m->size - at), (off_t)(m->offset + at));
                if (n <= 0)
                        return error_sys(e, n < 0 ? -errno : -EIO, "cannot read its member '%s'", m->name);
                at += (uint64_t)n;
        }
        data[m->size] = '\0';
        *ret = TAKE_PTR(data);
        return 0;
}

/* ---- digests ---- */

static int check_digest(const Verify *v, const GpkgMember *m, const Digest *expected, Error *e)
{
        __attribute__((cleanup(digest_stream_done))) DigestStream s = {0};
        char buf[65536];
        Digest is;
        int k = digest_stream_open(&s, expected->type);

        for (uint64_t at = 0; k >= 0 && at < m->size;) {
                ssize_t n = pread(v->fd, buf, MIN(sizeof(buf), m->size - at), (off_t)(m->offset + at));
                if (n <= 0)
                        return error_sys(e, n < 0 ? -errno : -EIO, "cannot read its member '%s'", m->name);
                k = digest_stream_feed(&s, buf, (size_t)n);
                at += (uint64_t)n;
        }
        if (k >= 0)
                k = digest_stream_end(&s, &is);
        if (k < 0)
                return error_sys(e, k, "cannot make a digest of its member '%s'", m->name);
        if (!digest_eq(&is, expected))
                return error_set(e, -EBADMSG, "the %s of its member '%s' is not that of its Manifest",
                                 digest_type_name(expected->type), m->name);
        return 0;
}

static int check_entries(const Verify *v, const GpkgEntry *entries, unsigned n, Error *e)
{
        for (unsigned i = 0; i < v->scan.n; i++) {
                const char *name = v->scan.members[i].name;
                bool listed = str_eq(name, "Manifest") || str_eq(name, "gpkg-1");
                for (unsigned k = 0; k < n && !listed; k++)
                        listed = str_eq(entries[k].name, name);
                if (!listed)
                        return error_set(e, -EBADMSG, "its member '%s' is not in its Manifest", name);
        }
        for (unsigned i = 0; i < n; i++) {
                const GpkgMember *m = gpkg_find(&v->scan, entries[i].name);
                if (!m)
                        return error_set(e, -EBADMSG, "its Manifest lists '%s', which is not there", entries[i].name);
                if (m->size != entries[i].size)
                        return error_set(e, -EBADMSG, "its member '%s' has %llu bytes, and %llu by its Manifest", m->name,
                                         (unsigned long long)m->size, (unsigned long long)entries[i].size);
                int k = check_digest(v, m, &entries[i].blake2b, e);
                if (k >= 0)
                        k = check_digest(v, m, &entries[i].sha512, e);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* ---- signatures ---- */

static int copy_out(Verify *v, const GpkgMember *m, char **ret, Error *e)
{
        if (!v->directory) {
                const char *tmp = getenv("TMPDIR");
                _cleanup_free_ char *template = path_join(tmp && *tmp ? tmp : "/var/tmp", "berth-gpkg-XXXXXX");
                if (!mkdtemp(template))
                        return error_sys(e, -errno, "cannot make a temporary directory '%s'", template);
                v->directory = TAKE_PTR(template);
        }
        _cleanup_free_ char *path = path_join(v->directory, m->name);
        _cleanup_close_ int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (out < 0)
                return error_sys(e, -errno, "cannot write '%s'", path);
        off_t from = (off_t)m->offset;
        for (uint64_t left = m->size; left > 0;) {
                ssize_t n = copy_file_range(v->fd, &from, out, NULL, (size_t)MIN(left, (uint64_t)1 << 30), 0);
                if (n <= 0)
                        return error_sys(e, n < 0 ? -errno : -EIO, "cannot copy its member '%s' to '%s'", m->name, path);
                left -= (uint64_t)n;
        }
        *ret = TAKE_PTR(path);
        return 0;
}

/* A signature of its own behind each archive. */
static int check_signature(Verify *v, const char *stem, Error *e)
{
        const GpkgMember *m = gpkg_find_archive(&v->scan, stem);
        _cleanup_free_ char *name = xasprintf("%s" SUFFIX, m->name), *data = NULL, *signature = NULL;
        const GpkgMember *s = gpkg_find(&v->scan, name);

        if (!s)
                return error_set(e, -EKEYREJECTED, "its member '%s' is not signed, though others are", m->name);
        int k = copy_out(v, m, &data, e);
        if (k >= 0)
                k = copy_out(v, s, &signature, e);
        return k < 0 ? k : verify_detached(data, signature, v->keyrings, e);
}

static bool has_signature(const Verify *v, const char *manifest)
{
        if (str_startswith(manifest, "-----BEGIN PGP"))
                return true;
        for (unsigned i = 0; i < v->scan.n; i++)
                if (str_endswith(v->scan.members[i].name, SUFFIX))
                        return true;
        return false;
}

/* The text that was signed takes the place of what stands around it. */
static int check_signatures(Verify *v, char **manifest, Error *e)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t len;

        if (!str_startswith(*manifest, SIGNED_BEGIN))
                return error_set(e, -EKEYREJECTED, "its Manifest is not signed, though other members are");
        int k = copy_out(v, gpkg_find(&v->scan, "Manifest"), &path, e);
        if (k >= 0)
                k = verify_clearsigned(path, v->keyrings, &text, &len, e);
        if (k >= 0)
                k = check_signature(v, "metadata.tar", e);
        if (k >= 0)
                k = check_signature(v, "image.tar", e);
        if (k >= 0) {
                free(*manifest);
                *manifest = TAKE_PTR(text);
        }
        return k;
}

int gpkg_verify(int fd, char *const *keyrings, bool require_signature, bool *ret_signed, Error *e)
{
        _cleanup_(verify_done) Verify v = {.fd = fd, .keyrings = keyrings};
        _cleanup_free_ char *manifest = NULL;
        GpkgEntry entries[GPKG_MEMBERS_MAX];
        unsigned n;
        int k = gpkg_scan_fd(fd, &v.scan, e);

        if (k >= 0)
                k = read_member(&v, gpkg_find(&v.scan, "Manifest"), GPKG_MANIFEST_MAX, &manifest, e);
        if (k < 0)
                return k;
        bool is_signed = has_signature(&v, manifest);
        if (!is_signed && require_signature)
                return error_set(e, -EKEYREJECTED, "it is not signed; --verify=checksum takes it by the index's digests alone");
        if (is_signed)
                k = check_signatures(&v, &manifest, e);
        if (k >= 0)
                k = gpkg_manifest_parse(manifest, strlen(manifest), entries, &n, e);
        if (k >= 0)
                k = check_entries(&v, entries, n, e);
        if (k >= 0)
                *ret_signed = is_signed;
        return k;
}
