/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of finished roots: of a plan, and the small files that remember which plan a request last led to. */
#include "distro/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/distro-private.h"
#include "transfer/transfer.h"

#define KEY_MAX 255

int key_of_text(const char *text, size_t len, char ret[static 33], Error *e)
{
        _cleanup_close_ int fd = memfd_create("berth-key", MFD_CLOEXEC);
        Digest d;

        if (fd < 0)
                return error_sys(e, -errno, "cannot create a memory file");
        int k = fd_write_all(fd, text, len);
        if (k >= 0)
                k = digest_of_fd(fd, DIGEST_SHA256, &d);
        if (k < 0)
                return error_sys(e, k, "cannot compute a digest");
        hash_hex(d.bytes, 16, ret);
        return 0;
}

static void put_list(Buf *b, const char *name, char *const *v)
{
        buf_addf(b, "%s:", name);
        STRV_FOREACH (s, v)
                buf_addf(b, " %s", *s);
        buf_adds(b, "\n");
}

/* Everything in a request that changes what it leads to, as long as the mirrors stay as they are. */
static char *request_file(const DistroRequest *r)
{
        const Distro *d = distro_find(r->distribution);
        char hex[33];
        Buf b = {0};

        buf_addf(&b, "%s:%s %s %s %d\n", r->distribution,
                 r->suite
                                 ?: d ? d->default_suite
                                      : "",
                 r->arch ?: "-", r->variant ?: "boot", r->no_verify);
        put_list(&b, "include", r->include);
        put_list(&b, "exclude", r->exclude);
        put_list(&b, "components", r->components);
        put_list(&b, "mirrors", r->mirrors);
        put_list(&b, "keyrings", r->keyrings);
        buf_addf(&b, "environment: %s\n", r->mirrors ? "" : secure_getenv("BERTH_MIRROR") ?: "");
        int k = key_of_text(b.data, b.len, hex, NULL);
        buf_done(&b);
        return k < 0 ? NULL : xasprintf("%s/keys/%s", r->cache_dir, hex);
}

char *distro_last_key(const DistroRequest *r)
{
        _cleanup_free_ char *path = request_file(r), *text = NULL;

        if (!path || file_read_at(AT_FDCWD, path, KEY_MAX, &text, NULL) < 0)
                return NULL;
        char *key = str_strip(text);
        return path_snapshot_name_is_valid(key) ? xstrdup(key) : NULL;
}

int distro_remember_key(const DistroRequest *r, const char *key, Error *e)
{
        _cleanup_free_ char *path = request_file(r), *dir = path ? path_dirname(path) : NULL;
        _cleanup_free_ char *line = xasprintf("%s\n", key);

        if (!path)
                return error_set(e, -ENOMEM, "cannot compute a digest");
        int k = file_mkdir_p(dir, 0755);
        if (k >= 0)
                k = file_write_atomic_at(AT_FDCWD, path, line, strlen(line), 0644, false);
        return k < 0 ? error_sys(e, k, "cannot write '%s'", path) : 0;
}
