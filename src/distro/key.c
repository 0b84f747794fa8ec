/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys of finished roots: of a plan, and the small files that remember which plan a request last led to. */
#include "distro/key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/distro-private.h"
#include "distro/gentoo-profile.h"
#include "transfer/transfer.h"

#define FILE_MAX 1024

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
        const Distro *d = distro_find(r->distribution, r->suite);
        char hex[33];
        Buf b = {0};

        buf_addf(&b, "%s:%s %s %s %d\n", r->distribution,
                 r->suite
                                 ?: d ? d->default_suite
                                      : "",
                 r->arch ?: "-", r->variant ?: "boot", r->verify);
        put_list(&b, "include", r->include);
        put_list(&b, "exclude", r->exclude);
        put_list(&b, "components", r->components);
        put_list(&b, "mirrors", r->mirrors);
        put_list(&b, "keyrings", r->keyrings);
        put_list(&b, "repos", r->repos);
        put_list(&b, "make.conf", r->make_conf);
        buf_addf(&b, "profile: %s\n", r->profile ?: "");
        if (r->portage_config) {
                _cleanup_free_ char *settings = gentoo_settings_text(r->portage_config);
                buf_addf(&b, "settings: %s\n%s\n", r->portage_config, settings);
        }
        if (r->respect_use)
                buf_adds(&b, "respect-use\n");
        if (r->seed)
                buf_addf(&b, "seed: %s\n", r->seed);
        _cleanup_free_ char *meant = d && !(r->mirrors && *r->mirrors) ? d->mirrors(d, r) : NULL;
        buf_addf(&b, "meant: %s\n", meant ?: "");
        int k = key_of_text(b.data, b.len, hex, NULL);
        buf_done(&b);
        return k < 0 ? NULL : xasprintf("%s/keys/%s", r->cache_dir, hex);
}

void distro_last_done(DistroLast *l)
{
        free(l->key);
        *l = (DistroLast){0};
}

/* Three lines: the key, when the index was read, until when it holds. */
static int read_last(int dirfd, const char *path, DistroLast *ret)
{
        _cleanup_free_ char *text = NULL;
        uint64_t read, valid_until;

        if (file_read_at(dirfd, path, FILE_MAX, &text, NULL) < 0)
                return -ENOENT;
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        if (strv_len(lines) != 3 || !path_snapshot_name_is_valid(lines[0]) || str_parse_u64(lines[1], &read) < 0 ||
            str_parse_u64(lines[2], &valid_until) < 0)
                return -ENOENT;
        *ret = (DistroLast){.key = xstrdup(lines[0]), .read = (int64_t)read, .valid_until = (int64_t)valid_until};
        return 0;
}

int distro_last(const DistroRequest *r, DistroLast *ret)
{
        _cleanup_free_ char *path = request_file(r);

        return path ? read_last(AT_FDCWD, path, ret) : -ENOENT;
}

int distro_keys(const char *cache_dir, char ***ret, Error *e)
{
        _cleanup_free_ char *dir = path_join(cache_dir, "keys");
        _cleanup_closedir_ DIR *d = opendir(dir);

        if (!d && errno != ENOENT)
                return error_sys(e, -errno, "cannot read '%s'", dir);
        for (struct dirent *de = d ? readdir(d) : NULL; de; de = readdir(d)) {
                DistroLast last = {0};
                if (de->d_name[0] != '.' && read_last(dirfd(d), de->d_name, &last) == 0)
                        strv_push(ret, last.key);
                distro_last_done(&last);
        }
        return 0;
}

int distro_remember(const DistroRequest *r, const DistroPlan *p, Error *e)
{
        _cleanup_free_ char *path = request_file(r), *dir = path ? path_dirname(path) : NULL;
        _cleanup_free_ char *text = xasprintf("%s\n%" PRIi64 "\n%" PRIi64 "\n", p->key,
                                              (int64_t)(clock_realtime() / USEC_PER_SEC), p->valid_until);

        if (!path)
                return error_set(e, -ENOMEM, "cannot compute a digest");
        int k = file_mkdir_p(dir, 0755);
        if (k >= 0)
                k = file_write_atomic_at(AT_FDCWD, path, text, strlen(text), 0644, false);
        return k < 0 ? error_sys(e, k, "cannot write '%s'", path) : 0;
}
