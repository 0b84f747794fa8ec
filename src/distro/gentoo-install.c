/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a plan to a root: packages are verified and unpacked as they arrive, then Portage's database and configuration are written, then
 * the packages' phases run. */
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
#include "distro/gentoo-config.h"
#include "distro/gentoo-mask.h"
#include "distro/gentoo-merge.h"
#include "distro/gentoo-phases.h"
#include "distro/gentoo-vars.h"
#include "distro/gentoo.h"
#include "sys/open.h"
#include "transfer/gpkg.h"

#define UNPACK_SLACK (1ULL << 30)
#define CONFIG_MAX   10000

typedef struct Install {
        GentooPlan *plan;
        const DistroInstall *o;
        int pool;
        Unpack *unpack;
        Tar tar;
        GentooMerged *merged; /* in the order of the choice */
        FetchItem *items;
        char **strings; /* what the items point to */
        GentooProtect protect;
        char **memory; /* lines of Portage's "config memory" */
} Install;

/* ---- what is fetched ---- */

static const char *keep(Install *in, char *s)
{
        strv_consume(&in->strings, s);
        return s;
}

static bool is_gpkg(const FetchItem *item)
{
        return str_endswith(item->url, ".gpkg.tar");
}

char *gentoo_pool_name(const GentooPackage *p)
{
        char *s = xasprintf("%.*s-%.*s-%llu-%.*s", (int)p->cpv.n, p->cpv.s, (int)p->build_id.n, p->build_id.s,
                            (unsigned long long)p->build_time, (int)MIN(p->sha1.n, (size_t)16), p->sha1.s);
        for (char *c = s; *c; c++)
                if (*c == '/')
                        *c = '_';
        return s;
}

static int make_item(Install *in, const GentooPackage *p, FetchItem *ret, Error *e)
{
        _cleanup_free_ char *sha1 = slice_dup(p->sha1), *md5 = slice_dup(p->md5), *path = slice_dup(p->path);
        const GentooHost *h = &in->plan->hosts.items[in->plan->host_of[p - in->plan->packages]];

        if (p->path.n == 0) { /* an index of the first days */
                free(path);
                path = xasprintf("%.*s.tbz2", (int)p->cpv.n, p->cpv.s);
        }
        bool has_digest = (p->sha1.n > 0 && digest_parse(DIGEST_SHA1, sha1, &ret->digest) >= 0) ||
                          (p->md5.n > 0 && digest_parse(DIGEST_MD5, md5, &ret->digest) >= 0);
        if (in->plan->verify == DISTRO_VERIFY_NO)
                ret->digest = (Digest){0};
        else
                ret->size = p->size;
        if ((!has_digest || p->size == 0) && in->plan->verify != DISTRO_VERIFY_NO)
                return error_set(
                                e, -EBADMSG,
                                "the index of %s has no size and digest of '%.*s' to verify it by; --verify=no takes it as it is",
                                h->url, (int)p->cpv.n, p->cpv.s);
        ret->url = keep(in, xasprintf("%s/%s", h->base, path));
        ret->label = keep(in, slice_dup(p->cpv));
        ret->path = keep(in, gentoo_pool_name(p));
        ret->limit = UINT64_MAX;
        ret->user = &in->merged[ret - in->items];
        return 0;
}

static int make_items(Install *in, Error *e)
{
        const GentooChoice *c = &in->plan->choice;
        int k = 0;

        in->items = xnew(FetchItem, c->n + 1);
        in->merged = xnew(GentooMerged, c->n + 1);
        for (size_t i = 0; i < c->n && k >= 0; i++) {
                in->merged[i].package = c->items[i];
                k = make_item(in, c->items[i], &in->items[i], e);
        }
        return k;
}

/* ---- what is verified and unpacked ---- */

/* What is verified may still be a bomb, by accident; nothing compresses better than a hundredfold but zeros. Nobody knows the size of what
 * is not verified. */
static uint64_t share_of(const FetchItem *item)
{
        return item->size < UINT64_MAX >> 20 ? item->size * 200 : (uint64_t)INT64_MAX / 2;
}

static uint64_t unpack_limit(const Install *in)
{
        uint64_t sum = UNPACK_SLACK;

        for (size_t i = 0; i < in->plan->choice.n; i++)
                sum += MIN(share_of(&in->items[i]), (uint64_t)INT64_MAX / (in->plan->choice.n + 1));
        return in->plan->verify == DISTRO_VERIFY_NO ? 0 : sum;
}

static UnpackJob job_of(const Install *in, const FetchItem *item)
{
        return (UnpackJob){.format = is_gpkg(item) ? UNPACK_GPKG : UNPACK_XPAK,
                           .label = item->label,
                           .limit = in->plan->verify == DISTRO_VERIFY_NO ? 0 : share_of(item) + UNPACK_SLACK};
}

/* The index has two digests, and both have to be right; what vouches for them is its signature, or the package's own. */
static int verify(Install *in, const FetchItem *item, int fd, Error *e)
{
        GentooMerged *m = item->user;
        const GentooHost *h = &in->plan->hosts.items[in->plan->host_of[m->package - in->plan->packages]];
        bool required = in->plan->verify == DISTRO_VERIFY_SIGNATURE && !h->is_signed, is_signed;
        _cleanup_free_ char *expected = slice_dup(m->package->md5);
        Digest md5;
        int k = digest_of_fd(fd, DIGEST_MD5, &md5);

        if (k < 0)
                return error_sys(e, k, "%s: cannot read it", item->label);
        hash_hex(md5.bytes, 16, m->md5);
        if (m->package->md5.n > 0 && in->plan->verify != DISTRO_VERIFY_NO && !str_eq(expected, m->md5))
                return error_set(e, -EBADMSG, "%s: its MD5 is not that of the index of %s", item->label, h->url);
        if (!is_gpkg(item))
                return !required ? 0
                                 : error_set(e, -EKEYREJECTED,
                                             "%s: it is in XPAK format, which has no signatures, and the index of %s is not "
                                             "signed; "
                                             "--verify=checksum takes it by the index's digests alone",
                                             item->label, h->url);
        if (in->plan->verify == DISTRO_VERIFY_NO)
                return 0;
        /* Without keys a signature cannot be looked at: then the index's digests are all there is. */
        if (in->plan->verify == DISTRO_VERIFY_CHECKSUM)
                return 0;
        k = gpkg_verify(fd, in->plan->keyrings, required, &is_signed, e);
        return k < 0 ? error_prefix(e, k, "%s", item->label) : 0;
}

static int on_fetched(void *ctx, const FetchItem *item, Error *e)
{
        Install *in = ctx;
        UnpackJob job = job_of(in, item);
        int fd = openat(in->pool, item->path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return error_sys(e, -errno, "cannot open '%s/pool/%s'", in->plan->cache, item->path);
        int k = verify(in, item, fd, e);
        if (k < 0) {
                fd_close(fd);
                return k;
        }
        job.fd = fd;
        job.user = item->user;
        return unpack_submit(in->unpack, &job, e);
}

static int on_unpacked(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e)
{
        fd_close(job->fd);
        return job->user ? gentoo_merged_take(job->user, result, e) : 0;
}

static int on_readable(void *ctx, Error *e)
{
        return unpack_dispatch(((Install *)ctx)->unpack, e);
}

static int submit_tar(Install *in, const char *what, Error *e)
{
        UnpackJob job = {.format = UNPACK_TAR, .label = what};

        job.fd = tar_take_fd(&in->tar, e);
        if (job.fd < 0)
                return job.fd;
        int k = unpack_submit(in->unpack, &job, e);
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

static int fetch_and_unpack(Install *in, Error *e)
{
        UnpackOptions u = {.root_dirfd = in->o->root_dirfd,
                           .id_base = in->o->id_base,
                           .limit_bytes = unpack_limit(in),
                           .done = on_unpacked,
                           .ctx = in};
        int k = unpack_open(&u, &in->unpack, e);

        if (k < 0)
                return k;
        FetchOptions f = {
                        .dirfd = in->pool,
                        .retries = 3,
                        .events = in->o->events,
                        .done = on_fetched,
                        .watch_fd = unpack_fd(in->unpack),
                        .watch = on_readable,
                        .ctx = in,
        };
        gentoo_config_layout(in->plan, &in->tar);
        k = submit_tar(in, "the layout of the root", e);
        if (k >= 0)
                k = fetch_all(in->items, in->plan->choice.n, &f, e);
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

/* ---- protected files that two packages have ---- */

/* Once more, over what is there. */
static int unpack_again(Install *in, size_t i, Error *e)
{
        UnpackJob job = job_of(in, &in->items[i]);

        job.fd = openat(in->pool, in->items[i].path, O_RDONLY | O_CLOEXEC);
        if (job.fd < 0)
                return error_sys(e, -errno, "cannot open '%s/pool/%s'", in->plan->cache, in->items[i].path);
        int k = unpack_submit(in->unpack, &job, e);
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

/* "._cfg0000_NAME", or the next number that is free. */
static int set_aside(Install *in, Slice path, Error *e)
{
        _cleanup_free_ char *file = slice_dup(path);
        const char *name;
        _cleanup_close_ int dir = sys_open_parent_in_root(in->o->root_dirfd, file, &name);
        int k = dir < 0 ? dir : -EEXIST;

        for (unsigned i = 0; i < CONFIG_MAX && k == -EEXIST; i++) {
                _cleanup_free_ char *aside = xasprintf("._cfg%04u_%s", i, name);
                k = renameat2(dir, name, dir, aside, RENAME_NOREPLACE) < 0 ? -errno : 0;
        }
        return k < 0 ? error_sys(e, k, "cannot put '%s' of the new root aside", file) : 0;
}

static void remember(Install *in, const GentooConflict *c)
{
        if (c->line[0] == 'o') /* " MD5 MTIME" */
                strv_pushf(&in->memory, "%.*s %.32s", (int)c->path.n, c->path.s, c->path.s + c->path.n + 1);
}

/* Of two packages that have a protected file the first one's stays, the second one's is put beside it. */
static int settle(Install *in, const GentooConflicts *conflicts, Error *e)
{
        int k = 0;

        for (size_t i = 0; i < conflicts->n && k >= 0; i++) {
                const GentooConflict *c = &conflicts->items[i];
                remember(in, c);
                if (c->same)
                        continue;
                k = unpack_again(in, c->second, e);
                if (k >= 0)
                        k = set_aside(in, c->path, e);
                if (k >= 0)
                        k = unpack_again(in, c->first, e);
        }
        strv_sort(in->memory);
        return k;
}

static void read_protect(Install *in, const char *protect, const char *mask)
{
        static const char *const names[] = {"CONFIG_PROTECT", "CONFIG_PROTECT_MASK"}, *const defaults[] = {"/etc", "/etc/env.d"};
        const char *const set[] = {protect, mask};
        char ***const to[] = {&in->protect.paths, &in->protect.mask};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *profile = in->plan->has_profile ? gentoo_profile_get(&in->plan->profile, names[i]) : "";
                _cleanup_free_ char *all = xasprintf("%s %s %s %s", defaults[i], set[i] ?: "", profile,
                                                     strv_env_get(in->plan->make_conf, names[i]) ?: "");
                *to[i] = gentoo_incremental(all);
        }
}

/* ---- what is whose ---- */

static int env_update(Install *in, const char *what, char **ret_protect, char **ret_mask, Error *e)
{
        int k = gentoo_config_env_update(in->o->root_dirfd, &in->tar, in->o->events, ret_protect, ret_mask, e);
        return k < 0 ? k : submit_tar(in, what, e);
}

static int check(Install *in, Error *e)
{
        _cleanup_free_ char *protect = NULL, *mask = NULL;
        GentooConflicts conflicts = {0};
        int k = env_update(in, "the environment", &protect, &mask, e);

        if (k < 0)
                return k;
        read_protect(in, protect, mask);
        k = gentoo_merged_check(in->merged, in->plan->choice.n, in->o->root_dirfd, &in->protect, &conflicts, e);
        if (k >= 0)
                k = settle(in, &conflicts, e);
        free(conflicts.items);
        _cleanup_strv_ char **patterns = gentoo_mask_patterns(in->plan);
        if (k < 0 || !patterns)
                return k;
        _cleanup_free_ char *text = strv_join(patterns, " ");
        return gentoo_mask_apply(in->merged, in->plan->choice.n, patterns, keep(in, xasprintf("%s\n", text)), in->o->root_dirfd,
                                 e);
}

static int run_phases(Install *in, Error *e)
{
        const GentooPhases p = {.merged = in->merged,
                                .n = in->plan->choice.n,
                                .root_dirfd = in->o->root_dirfd,
                                .runner = in->o->runner,
                                .events = in->o->events};
        bool any = false;
        int k = gentoo_phases_write(&p, &in->tar, &any, e);

        if (k >= 0)
                k = submit_tar(in, "the package database", e);
        if (k < 0 || !any)
                return k;
        events_step(in->o->events, "Running the packages' phases");
        k = gentoo_phases_run(&p, e);
        return k < 0 ? k : env_update(in, "the environment", NULL, NULL, e); /* phases may have added to it */
}

/* ---- all of it ---- */

static int open_pool(Install *in, Error *e)
{
        _cleanup_free_ char *dir = xasprintf("%s/pool", in->plan->cache);
        int k = file_mkdir_p(dir, 0755);

        if (k < 0)
                return error_sys(e, k, "cannot create '%s'", dir);
        in->pool = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return in->pool < 0 ? error_sys(e, -errno, "cannot open '%s'", dir) : 0;
}

static void install_done(Install *in)
{
        unpack_close(in->unpack);
        tar_done(&in->tar);
        for (size_t i = 0; in->merged && i < in->plan->choice.n; i++)
                gentoo_merged_done(&in->merged[i]);
        free(in->merged);
        free(in->items);
        strv_free(in->strings);
        strv_free(in->memory);
        strv_free(in->protect.paths);
        strv_free(in->protect.mask);
        fd_close(in->pool);
}

int gentoo_install(DistroPlan *plan, const DistroInstall *o, Error *e)
{
        __attribute__((cleanup(install_done))) Install in = {.plan = plan->data, .o = o, .pool = -1};
        size_t n = in.plan->choice.n;

        in.tar.mtime = (int64_t)(clock_realtime() / USEC_PER_SEC);
        int k = open_pool(&in, e);
        if (k >= 0)
                k = make_items(&in, e);
        if (k < 0)
                return k;
        events_step(o->events, "Fetching and unpacking %zu packages", n);
        k = fetch_and_unpack(&in, e);
        if (k >= 0)
                k = check(&in, e);
        if (k < 0)
                return k;
        gentoo_vdb_write(&in.tar, in.merged, n);
        gentoo_config_write(in.plan, in.memory, &in.tar);
        return run_phases(&in, e);
}
