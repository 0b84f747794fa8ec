/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/create-lock.h"
#include "machine/create-runner.h"
#include "machine/create-fixups.h"
#include "machine/create-seed.h"
#include "machine/create-shares.h"
#include "machine/run-identity.h"
#include "machine/run-registry.h"
#include "machine/run-written.h"

#define IMAGE_FRESH_SEC (INT64_C(7) * 24 * 60 * 60)

typedef struct Create {
        const MachineHost *host;
        const CreateRequest *request;
        DistroRequest distro;
        Store *store;
        StoreDriverId driver;
        bool image_only; /* of a seed: no machine is made of it */
        char *key;       /* of the image that was found or built */
} Create;

/* The finished root file system of a plan: images made for another driver than the store's own have another name. */
static char *image_name(const Create *c, const char *key)
{
        _cleanup_free_ char *properties = c->request->zfs_properties ? strv_join(c->request->zfs_properties, ",") : NULL;
        static const uint8_t zero[16] = {0};
        if (properties) /* of the image, too: a clone is as its origin */
                return xasprintf("%s-zfs-%016" PRIx64, key, hash_siphash24(properties, strlen(properties), zero));
        if (c->driver == store_default_driver(c->store))
                return xstrdup(key);
        return xasprintf("%s-%s", key, store_driver_name(c->driver));
}

static int find_image(const Create *c, const char *key, StoreImage *ret, Error *e)
{
        _cleanup_free_ char *name = image_name(c, key);
        return store_find(c->store, STORE_IMAGE, name, ret, e);
}

/* What the new machine gets of its own: an identity, what it needs as a container, and what it shares with others. */
typedef struct Own {
        const Create *create;
        Identity identity;
        bool shares; /* its settings file was written */
} Own;

static int make_own(void *ctx, const StoreImage *made, Error *e)
{
        Own *o = ctx;
        int r = identity_renew(&o->identity, made, e);

        if (r >= 0)
                r = create_fixups_apply(o->create->host, &o->create->request->fixups, made, e);
        if (r >= 0)
                r = create_shares_write(o->create->host, &o->create->request->shares, o->create->distro.repos, made, e);
        o->shares = r > 0;
        return MIN(r, 0);
}

static int clone_image(const Create *c, const char *key, Error *e)
{
        const char *name = c->request->name;
        _cleanup_(store_image_done) StoreImage image = {0};
        Own own = {.create = c}; /* package scripts may have made SSH host keys */
        StoreEdit edit = {.edit = make_own, .ctx = &own};
        int r = find_image(c, key, &image, e);
        if (r >= 0)
                r = store_clone(c->store, &image, name, &(StoreQuiesce){0}, &edit, &c->host->events, e);
        if (r < 0 && own.shares)
                written_remove(c->host, name);
        identity_done(&own.identity);
        return r;
}

static bool has_image(const Create *c, const char *key)
{
        _cleanup_(store_image_done) StoreImage image = {0};
        return key && find_image(c, key, &image, NULL) >= 0;
}

static int install(const Create *c, DistroPlan *plan, const char *name, StoreBuild *build, Seed *seed, Error *e)
{
        _cleanup_strv_ char **repos = distro_plan_repos(plan);
        IdRange range;
        int r = seed ? seed_bind(seed, c->host, &c->request->shares, build->path, repos, e) : 0;
        if (r >= 0)
                r = machine_range_take(c->host, name, false, &range, e);
        if (r < 0)
                return r;
        TreeRunner tree = {.host = c->host, .path = build->path, .name = name, .range = &range};
        TreeRunner other = tree;
        other.seed = seed ? &seed->tree : NULL;
        DistroRunner runner = tree_runner(&tree), in_seed = tree_runner(&other);
        const DistroInstall i = {
                        .root_dirfd = build->dirfd,
                        .root_path = build->path,
                        .id_base = range.base,
                        .runner = &runner,
                        .seed = seed ? &in_seed : NULL,
                        .events = &c->host->events,
        };
        r = distro_install(plan, &i, e);
        machine_range_release(&range);
        machine_registry_remove_parent(c->host);
        return r;
}

/* The error that led here stays the one that is reported. */
static void keep_failed(const Create *c, StoreBuild *build)
{
        _cleanup_free_ char *name = xasprintf("%s-failed", c->request->name);
        Error e = {0};

        if (store_build_keep(build, name, &e) < 0)
                events_warning(&c->host->events, "the failed root is not kept: %s", e.message);
        else
                events_note(&c->host->events, "What there is of it is kept as machine '%s'; 'berth remove %s' removes it", name,
                            name);
}

static int create(Create *c, Error *e);

/* An image of a source is found or built in the same way as that of a machine. */
static int open_seed(const Create *c, Seed *ret, Error *e)
{
        const char *name = c->distro.seed;
        Create seed = {.host = c->host, .request = c->request, .image_only = true};
        _cleanup_(store_image_done) StoreImage image = {0};
        _cleanup_free_ char *distribution = NULL, *suite = NULL;

        if (!seed_is_source(name))
                return seed_open(c->host, name, c->request->name, NULL, ret, e);
        int r = distro_parse_source(name, &distribution, &suite, e);
        if (r >= 0 && str_eq(distribution, "gentoo") && suite && str_startswith(suite, "emerge"))
                r = error_set(e, -EINVAL, "it would need a seed itself");
        if (r < 0)
                return error_prefix(e, r, "--seed=%s", name);
        seed.distro = (DistroRequest){.distribution = distribution,
                                      .suite = suite,
                                      .mirrors = c->distro.mirrors,
                                      .keyrings = c->distro.keyrings,
                                      .verify = c->distro.verify,
                                      .cache_dir = c->distro.cache_dir};
        r = create(&seed, e);
        if (r >= 0)
                r = find_image(&seed, seed.key, &image, e);
        if (r >= 0)
                r = seed_open(c->host, name, c->request->name, &image, ret, e);
        store_close(seed.store);
        free(seed.key);
        return r;
}

static int build_in(const Create *c, DistroPlan *plan, const char *name, Seed *seed, Error *e)
{
        _cleanup_free_ char *image = image_name(c, distro_plan_key(plan));
        StoreBuild build;
        int r = store_build_begin(c->store, STORE_IMAGE, image, c->driver, &build, e);
        if (r < 0)
                return r;
        r = install(c, plan, name, &build, seed, e);
        if (r >= 0) {
                events_step(&c->host->events, "Writing to disk");
                r = store_build_commit(&build, c->request->rebuild, e);
        } else if (c->request->keep)
                keep_failed(c, &build);
        store_build_abort(&build);
        return r;
}

static int build_image(const Create *c, DistroPlan *plan, const char *name, Error *e)
{
        Seed seed = SEED_NONE;

        if (!c->distro.seed)
                return build_in(c, plan, name, NULL, e);
        int r = open_seed(c, &seed, e);
        if (r >= 0) {
                events_note(&c->host->events, "What emerge says is in '%s'", seed.log);
                r = build_in(c, plan, name, &seed, e);
        }
        seed_close(&seed);
        return r;
}

/* Names the machine that package scripts run in, its cgroup and the lock: the same for the same plan, so that a create that was killed
 * leaves nothing that the next one does not take over. */
static char *build_name(const char *key)
{
        static const uint8_t zero[16] = {0};
        return xasprintf("create-%016" PRIx64, hash_siphash24(key, strlen(key), zero));
}

static int clone_of(Create *c, const char *key, Error *e)
{
        if (!c->image_only)
                return clone_image(c, key, e);
        c->key = xstrdup(key);
        return 0;
}

static int build_and_clone(Create *c, Error *e)
{
        _cleanup_(distro_plan_freep) DistroPlan *plan = NULL;
        int r = distro_resolve(&c->distro, &c->host->events, &plan, e);
        if (r < 0)
                return r;
        const char *key = distro_plan_key(plan);
        events_note(&c->host->events, "%s", distro_plan_title(plan));

        _cleanup_free_ char *name = build_name(key);
        int lock = create_lock(c->host, name, e);
        if (lock < 0)
                return lock;
        if ((c->request->rebuild && !c->image_only) || !has_image(c, key))
                r = build_image(c, plan, name, e);
        if (r >= 0)
                r = distro_remember(&c->distro, plan, e);
        if (r >= 0)
                r = clone_of(c, key, e);
        create_unlock(c->host, name, &lock);
        return r;
}

static int check_name(const Create *c, Error *e)
{
        const char *name = c->request->name;
        _cleanup_(store_image_done) StoreImage image = {0};
        int r = machine_check_name(name, e);
        if (r < 0)
                return r;
        if (store_find(c->store, STORE_MACHINE, name, &image, NULL) >= 0)
                return error_set(e, -EEXIST,
                                 "machine '%s' already exists; choose another name, or remove it with 'berth remove %s'", name,
                                 name);
        return 0;
}

/* A finished image is taken as it is, without a look at the mirror: whoever wants newer packages must know. */
static void tell_age(const Create *c, const DistroLast *last)
{
        int64_t now = (int64_t)(clock_realtime() / USEC_PER_SEC);
        time_t read = (time_t)last->read;
        struct tm tm;
        char date[16];

        if (now < last->read + IMAGE_FRESH_SEC && (last->valid_until == 0 || now <= last->valid_until))
                return;
        if (localtime_r(&read, &tm) && strftime(date, sizeof(date), "%Y-%m-%d", &tm) > 0)
                events_note(&c->host->events, "image of %s; --rebuild builds anew", date);
}

static int create(Create *c, Error *e)
{
        int r = store_open(c->host->machines_dir, &c->store, e);
        if (r >= 0 && !c->image_only)
                r = check_name(c, e);
        if (r < 0)
                return r;
        if (c->request->driver >= 0)
                r = store_check_driver(c->store, c->request->driver, e);
        if (r < 0)
                return r;
        c->driver = c->request->driver >= 0 ? c->request->driver : store_default_driver(c->store);
        r = store_use_zfs_properties(c->store, c->driver, c->request->zfs_properties, e);
        if (r < 0)
                return r;
        if (c->request->rebuild && !c->image_only)
                return build_and_clone(c, e);
        _cleanup_(distro_last_done) DistroLast last = {0};
        if (distro_last(&c->distro, &last) < 0 || !has_image(c, last.key))
                return build_and_clone(c, e);
        tell_age(c, &last);
        return clone_of(c, last.key, e);
}

int machine_create(const MachineHost *h, const CreateRequest *request, Error *e)
{
        Create c = {.host = h, .request = request, .distro = request->distro};
        _cleanup_free_ char *distribution = NULL, *suite = NULL, *repos_dir = NULL;
        int r = create_shares_check(&request->shares, e);
        if (r >= 0)
                r = create_fixups_check(&request->fixups, e);
        if (r >= 0)
                r = distro_parse_source(request->source, &distribution, &suite, e);
        if (r < 0)
                return r;
        c.distro.distribution = distribution;
        c.distro.suite = suite;
        c.distro.cache_dir = h->cache_dir;
        c.distro.repos_dir = repos_dir = create_shares_repos(h, &request->shares);
        create_clear_killed(h);
        r = create(&c, e);
        c.store = store_close(c.store);
        return r;
}
