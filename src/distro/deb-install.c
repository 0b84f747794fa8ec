/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a plan to a root: packages are unpacked as they arrive, then dpkg's database is written, then the maintainer scripts
 * run. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/deb-arch.h"
#include "distro/deb-configure.h"
#include "distro/deb-database.h"
#include "distro/deb-overlap.h"
#include "distro/deb.h"

#define UNPACK_SLACK (64ull * 1024 * 1024)

typedef struct Install {
        DebPlan *plan;
        const DistroInstall *o;
        int pool;
        Unpack *unpack;
        DebDatabase database;
        Tar tar;
        DebUnpacked *unpacked; /* in the order of the choice */
        FetchItem *items;
        char **strings; /* what the items point to */
        bool base_done; /* base-files may ship the links of a merged /usr: the others wait for it */
        struct {
                const FetchItem **items;
                size_t n;
        } waiting;
} Install;

/* ---- what is fetched ---- */

static const char *keep(Install *in, char *s)
{
        strv_consume(&in->strings, s);
        return s;
}

static int make_item(Install *in, const DebRecord *r, FetchItem *ret, Error *e)
{
        Slice path = deb822_get(r->stanza, "Filename"), hex = deb822_get(r->stanza, "SHA256"),
              size = deb822_get(r->stanza, "Size");
        _cleanup_free_ char *digits = slice_dup(hex), *number = slice_dup(size), *name = deb_pool_name(r);

        if (path.n == 0 || strchr(name, '/') || !digits || digest_parse(DIGEST_SHA256, digits, &ret->digest) < 0 || !number ||
            str_parse_u64(number, &ret->size) < 0 || ret->size == 0)
                return error_set(e, -EBADMSG, "the package list has no proper file name, size and SHA256 for '%.*s'",
                                 (int)r->name.n, r->name.s);
        ret->url = keep(in, xasprintf("%s/%.*s", in->plan->archives.items[r->archive].url, (int)path.n, path.s));
        ret->label = keep(in, xasprintf("%.*s %.*s", (int)r->name.n, r->name.s, (int)r->version.n, r->version.s));
        ret->path = keep(in, TAKE_PTR(name));
        return 0;
}

/* The package that lays out the top directories comes first. */
static bool is_base(const Install *in, size_t i)
{
        return slice_eq_str(in->plan->choice.items[i]->name, "base-files");
}

static int make_items(Install *in, Error *e)
{
        DebChoice *c = &in->plan->choice;
        size_t at = 1;

        in->items = xnew(FetchItem, c->n + 1);
        in->unpacked = xnew(DebUnpacked, c->n + 1);
        in->base_done = true;
        for (size_t i = 0; i < c->n; i++)
                if (is_base(in, i))
                        in->base_done = false;
        if (in->base_done)
                at = 0;
        for (size_t i = 0; i < c->n; i++) {
                FetchItem *item = is_base(in, i) ? &in->items[0] : &in->items[at++];
                int k = make_item(in, c->items[i], item, e);
                if (k < 0)
                        return k;
                item->user = (void *)c->items[i];
        }
        return 0;
}

static size_t index_of(const Install *in, const DebRecord *r)
{
        for (size_t i = 0; i < in->plan->choice.n; i++)
                if (in->plan->choice.items[i] == r)
                        return i;
        return 0;
}

/* ---- what is unpacked ---- */

/* What is verified may still be a bomb, by accident. Installed-Size counts in whole KiB, but some set it by hand; files that two
 * packages have are written twice. Without it nothing compresses better than a hundredfold but zeros. */
static uint64_t share_of(const FetchItem *item)
{
        const DebRecord *r = item->user;
        _cleanup_free_ char *number = slice_dup(deb822_get(r->stanza, "Installed-Size"));
        uint64_t kib, bytes = item->size < UINT64_MAX >> 20 ? item->size * 100 : UINT64_MAX >> 20;

        if (number && str_parse_u64(number, &kib) >= 0 && kib < UINT64_MAX >> 20)
                bytes = kib * 1024 * 2;
        return MIN(bytes, (uint64_t)INT64_MAX / 2);
}

/* All of them together; a single one is stopped by its own. */
static uint64_t unpack_limit(const Install *in)
{
        uint64_t sum = UNPACK_SLACK;

        for (size_t i = 0; i < in->plan->choice.n; i++)
                sum += MIN(share_of(&in->items[i]), (uint64_t)INT64_MAX / (in->plan->choice.n + 1));
        return sum;
}

static int submit_package(Install *in, const FetchItem *item, Error *e)
{
        UnpackJob job = {.format = UNPACK_DEB, .label = item->label, .limit = share_of(item) + UNPACK_SLACK, .user = item->user};

        job.fd = openat(in->pool, item->path, O_RDONLY | O_CLOEXEC);
        if (job.fd < 0)
                return error_sys(e, -errno, "cannot open '%s/pool/%s'", in->plan->cache, item->path);
        return unpack_submit(in->unpack, &job, e);
}

static int submit_tar(Install *in, const char *what, Error *e)
{
        UnpackJob job = {.format = UNPACK_TAR, .label = what};

        job.fd = tar_take_fd(&in->tar, e);
        if (job.fd < 0)
                return job.fd;
        return unpack_submit(in->unpack, &job, e);
}

static bool is_chosen(const Install *in, const char *name)
{
        for (size_t i = 0; i < in->plan->choice.n; i++)
                if (slice_eq_str(in->plan->choice.items[i]->name, name))
                        return true;
        return false;
}

/* Where /usr will be merged by usrmerge anyway, the links are there from the start: moving the files later is slow and
 * fragile. */
static int lay_out(Install *in, Error *e)
{
        _cleanup_free_ char *all = xasprintf("bin sbin lib %s", deb_arch_libdir(in->plan->arch));
        _cleanup_strv_ char **dirs = strv_split(all, " ");

        if (!is_chosen(in, "usrmerge") && !is_chosen(in, "usr-is-merged"))
                return 0;
        tar_directory(&in->tar, "usr", 0755);
        STRV_FOREACH (d, dirs) {
                _cleanup_free_ char *target = xasprintf("usr/%s", *d);
                tar_directory(&in->tar, target, 0755);
                tar_symlink(&in->tar, *d, target);
        }
        int k = submit_tar(in, "the layout of /usr", e);
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

static int on_unpacked(void *ctx, const UnpackJob *job, UnpackResult *result, Error *e)
{
        Install *in = ctx;

        fd_close(job->fd);
        if (job->format != UNPACK_DEB)
                return 0;
        size_t i = index_of(in, job->user);
        if (in->unpacked[i].name) /* once more, see settle_overlaps() */
                return 0;
        int k = deb_unpacked_take(&in->unpacked[i], result, e);
        if (k < 0)
                return error_prefix(e, k, "%s", job->label);
        if (!slice_eq_str(in->plan->choice.items[i]->name, in->unpacked[i].name))
                return error_set(e, -EBADMSG, "%s: the package calls itself '%s'", job->label, in->unpacked[i].name);
        return 0;
}

static int on_fetched(void *ctx, const FetchItem *item, Error *e)
{
        Install *in = ctx;

        if (in->base_done)
                return submit_package(in, item, e);
        if (item != &in->items[0]) {
                *vec_push(&in->waiting) = item;
                return 0;
        }
        int k = submit_package(in, item, e);
        if (k >= 0)
                k = unpack_finish(in->unpack, e);
        in->base_done = true;
        for (size_t i = 0; i < in->waiting.n && k >= 0; i++)
                k = submit_package(in, in->waiting.items[i], e);
        return k;
}

static int on_readable(void *ctx, Error *e)
{
        return unpack_dispatch(((Install *)ctx)->unpack, e);
}

/* ---- what berth writes ---- */

static void add_sources(Install *in)
{
        _cleanup_free_ char *components = strv_join(in->plan->components, " ");
        _cleanup_buf_ Buf text = {0};

        for (size_t i = 0; i < in->plan->archives.n; i++)
                buf_addf(&text, "deb %s %s %s\n", in->plan->archives.items[i].url, in->plan->archives.items[i].suite, components);
        tar_file(&in->tar, "etc/apt/sources.list", text.data ?: "", text.len, 0644);
}

static void add_extended_states(Install *in)
{
        _cleanup_buf_ Buf text = {0};

        for (size_t i = 0; i < in->plan->choice.n; i++) {
                const DebRecord *r = in->plan->choice.items[i];
                if (in->plan->choice.automatic[i])
                        buf_addf(&text, "Package: %.*s\nArchitecture: %s\nAuto-Installed: 1\n\n", (int)r->name.n, r->name.s,
                                 in->plan->arch);
        }
        if (text.len > 0)
                tar_file(&in->tar, "var/lib/apt/extended_states", text.data, text.len, 0644);
}

/* What two packages have stays as the one that replaces the other has it; which of them came last was chance. */
static int settle_overlaps(Install *in, Error *e)
{
        const DebChoice *c = &in->plan->choice;
        _cleanup_free_ bool *again = xnew(bool, c->n + 1);
        int k = deb_overlaps_settle(c, in->unpacked, in->o->root_dirfd, again, e);

        for (size_t i = 0; i < c->n && k >= 0; i++) {
                const DebRecord *r = in->items[i].user;
                if (again[index_of(in, r)])
                        k = submit_package(in, &in->items[i], e);
        }
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

/* The packages that dpkg itself shall unpack. */
static int add_deferred(Install *in, Error *e)
{
        for (size_t i = 0; i < in->plan->choice.n; i++) {
                const FetchItem *item = &in->items[i];
                const DebUnpacked *u = &in->unpacked[index_of(in, item->user)];
                _cleanup_free_ char *data = NULL;
                size_t len = 0;
                if (!u->deferred)
                        continue;
                int k = file_read_at(in->pool, item->path, item->size, &data, &len);
                if (k < 0)
                        return error_sys(e, k, "cannot read '%s/pool/%s'", in->plan->cache, item->path);
                _cleanup_free_ char *path = xasprintf(DEB_DEFERRED_DIR "/%s.deb", u->name);
                tar_file(&in->tar, path + 1, data, len, 0644);
        }
        return 0;
}

static int write_database(Install *in, Error *e)
{
        static const char fstab[] = "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n";

        for (size_t i = 0; i < in->plan->choice.n; i++)
                if (!in->unpacked[i].deferred)
                        deb_database_add(&in->database, &in->unpacked[i]);
        int k = add_deferred(in, e);
        if (k < 0)
                return k;
        deb_database_finish(&in->database, in->plan->arch);
        add_sources(in);
        add_extended_states(in);
        tar_file(&in->tar, "etc/fstab", fstab, sizeof(fstab) - 1, 0644);
        /* base-files makes it when it is configured, which is when a tmpfs hides the tree's own /run. */
        tar_directory(&in->tar, "run", 0755);
        tar_directory(&in->tar, "run/lock", 01777);
        k = submit_tar(in, "the package database", e);
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

/* ---- what runs ---- */

/* A preinst may use what its package pre-depends on. The base is configured by then anyway, and libraries have no postinst that
 * matters to their users; what else there is must be configured first. */
static void find_late(const Install *in, size_t self, DebScript *script, bool *settle)
{
        static const char *const only_pre[] = {"Pre-Depends", NULL};
        const DebChoice *c = &in->plan->choice;
        _cleanup_free_ bool *needs = xnew(bool, c->n + 1);

        needs[self] = true;
        deb_choice_close(c, needs, only_pre);
        for (size_t i = 0; i < c->n; i++)
                if (i != self && needs[i] && (in->unpacked[i].postinst || !script) && !c->base[i]) {
                        if (script)
                                script->stage = DEB_STAGE_LATE;
                        settle[i] = true;
                }
}

static size_t make_scripts(const Install *in, DebScript *scripts, bool *settle)
{
        static const char *const fields[] = {"Pre-Depends", "Depends", NULL};
        const DebChoice *c = &in->plan->choice;
        size_t n = 0;

        for (size_t i = 0; i < c->n; i++) {
                if (in->unpacked[i].deferred)
                        find_late(in, i, NULL, settle); /* dpkg insists that all of it is configured */
                if (!in->unpacked[i].preinst || in->unpacked[i].deferred)
                        continue;
                scripts[n] = (DebScript){&in->unpacked[i], c->base[i] ? DEB_STAGE_BASE : DEB_STAGE_REST};
                if (!c->base[i])
                        find_late(in, i, &scripts[n], settle);
                n++;
        }
        deb_choice_close(c, settle, fields);
        for (size_t i = 0; i < n; i++) /* what is configured first has its preinst before that, come what may */
                if (scripts[i].stage == DEB_STAGE_LATE && settle[scripts[i].package - in->unpacked])
                        scripts[i].stage = DEB_STAGE_REST;
        return n;
}

static char **names_of(const Install *in, const bool *set, const bool *without)
{
        char **names = NULL;

        for (size_t i = 0; i < in->plan->choice.n; i++)
                if (set[i] && !(without && without[i]) && !in->unpacked[i].deferred)
                        strv_push(&names, in->unpacked[i].info);
        return names;
}

static int configure(Install *in, Error *e)
{
        const DebChoice *c = &in->plan->choice;
        _cleanup_free_ DebScript *scripts = xnew(DebScript, c->n + 1);
        _cleanup_free_ bool *settle = xnew(bool, c->n + 1);
        _cleanup_free_ char *version = NULL;

        for (size_t i = 0; i < c->n; i++)
                if (str_eq(in->unpacked[i].name, "dpkg"))
                        version = slice_dup(c->items[i]->version);
        if (!version)
                return error_set(e, -ENOPKG, "the packages cannot be configured: dpkg is not among them");
        size_t n = make_scripts(in, scripts, settle);
        _cleanup_strv_ char **base = names_of(in, c->base, NULL), **extra = names_of(in, settle, c->base);
        DebConfigure d = {.preinsts = scripts, .n = n, .base = base, .settle = extra, .dpkg_version = version};
        _cleanup_strv_ char **deferred = NULL;
        for (size_t i = 0; i < c->n; i++)
                if (in->unpacked[i].deferred)
                        strv_push(&deferred, in->unpacked[i].name);
        d.deferred = deferred;
        return deb_configure(&d, in->o->runner, e);
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

static int fetch_and_unpack(Install *in, Error *e)
{
        UnpackOptions u = {
                        .root_dirfd = in->o->root_dirfd,
                        .id_base = in->o->id_base,
                        .limit_bytes = unpack_limit(in),
                        .done = on_unpacked,
                        .ctx = in,
        };
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
        k = lay_out(in, e);
        if (k >= 0)
                k = fetch_all(in->items, in->plan->choice.n, &f, e);
        return k < 0 ? k : unpack_finish(in->unpack, e);
}

static void install_done(Install *in)
{
        unpack_close(in->unpack);
        deb_database_done(&in->database);
        tar_done(&in->tar);
        for (size_t i = 0; in->unpacked && i < in->plan->choice.n; i++)
                deb_unpacked_done(&in->unpacked[i]);
        free(in->unpacked);
        free(in->items);
        free(in->waiting.items);
        strv_free(in->strings);
        fd_close(in->pool);
}

int deb_install(DistroPlan *plan, const DistroInstall *o, Error *e)
{
        __attribute__((cleanup(install_done))) Install in = {.plan = plan->data, .o = o, .pool = -1};
        int k;

        in.database.tar = &in.tar;
        in.tar.mtime = (int64_t)(clock_realtime() / USEC_PER_SEC);
        k = open_pool(&in, e);
        if (k >= 0)
                k = make_items(&in, e);
        if (k < 0)
                return k;
        events_step(o->events, "Fetching and unpacking %zu packages", in.plan->choice.n);
        k = fetch_and_unpack(&in, e);
        if (k >= 0)
                k = settle_overlaps(&in, e);
        if (k >= 0)
                k = write_database(&in, e);
        if (k < 0)
                return k;
        in.unpack = unpack_close(in.unpack);
        events_step(o->events, "Configuring");
        return configure(&in, e);
}
