/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-seed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/create-shares.h"
#include "sys/idmap.h"

#define HOST_PORTAGE "/usr/bin/emerge"

bool seed_is_source(const char *name)
{
        return strpbrk(name, ":/") != NULL;
}

/* The host's own system may have file systems below it, which an overlay of / does not show: each gets one of its own. */
static const char *const parts[] = {"/usr",    "/usr/bin", "/usr/lib", "/usr/share", "/var",
                                    "/var/db", "/var/lib", "/var/tmp", "/opt",       "/etc"};

static void add_parts(Seed *s)
{
        for (size_t i = 0; i < ELEMENTSOF(parts); i++) {
                struct statx st;
                if (statx(AT_FDCWD, parts[i], AT_SYMLINK_NOFOLLOW, STATX_TYPE, &st) < 0 || !S_ISDIR(st.stx_mode) ||
                    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
                        continue;
                SpecMount *m = vec_push(&s->tree.mounts);
                *m = (SpecMount){.type = SPEC_MOUNT_OVERLAY, .target = xstrdup(parts[i]), .source = NULL};
                strv_push(&m->layers, parts[i]);
        }
}

/* The host as it is, with what is changed in memory: an overlay cannot have its upper layer within its lower one. */
static int open_host(Seed *s, Error *e)
{
        if (access(HOST_PORTAGE, X_OK) < 0)
                return error_set(e, -ENOENT,
                                 "this host has no Portage (" HOST_PORTAGE
                                 "); name a machine or an image that has, as --seed=gentoo:stage3");
        s->image = (StoreImage){
                        .name = xstrdup("host"), .driver = STORE_DIRECTORY, .path = xstrdup("/"), .directory = xstrdup("/")};
        return 0;
}

static int open_image(Seed *s, const MachineHost *h, const char *name, StoreImage *take_image, Error *e)
{
        int r = store_open(h->machines_dir, &s->store, e);

        if (r >= 0 && take_image) {
                s->image = *take_image;
                *take_image = (StoreImage){0};
        } else if (r >= 0)
                r = store_find(s->store, STORE_MACHINE, name, &s->image, e);
        if (r >= 0 && s->image.disk)
                return error_set(e, -EOPNOTSUPP, "'%s' is a disk image, which cannot be a seed; clone it to a directory first",
                                 name);
        if (r >= 0)
                r = store_ready(s->store, &s->image, false, e);
        if (r >= 0)
                r = store_lock(s->store, &s->image, false, &s->lock, e);
        if (r >= 0 && store_can_carry_overlay(s->store))
                r = store_scratch_begin(s->store, &s->image, &s->scratch, e);
        return r;
}

/* Empty: each of the runs adds to it. */
static int make_log(Seed *s, const MachineHost *h, const char *machine, Error *e)
{
        _cleanup_free_ char *dir = path_join(h->cache_dir, SEED_LOGS);

        s->log = xasprintf("%s/%s.log", dir, machine);
        int r = file_mkdir_p(dir, 0755);
        _cleanup_close_ int fd = r < 0 ? r : open(s->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        return fd < 0 ? error_sys(e, r < 0 ? r : -errno, "cannot write '%s'", s->log) : 0;
}

int seed_open(const MachineHost *h, const char *name, const char *machine, StoreImage *take_image, Seed *ret, Error *e)
{
        int r = str_eq(name, "host") ? open_host(ret, e) : open_image(ret, h, name, take_image, e);

        if (r < 0)
                return error_prefix(e, r, "--seed=%s", name);
        r = make_log(ret, h, machine, e);
        if (r < 0)
                return r;
        ret->image.read_only = false; /* by itself: what is written goes elsewhere */
        ret->tree = (TreeSeed){.image = &ret->image, .scratch = ret->scratch.path, .log = ret->log};
        if (!ret->store)
                add_parts(ret);
        return 0;
}

static int bind(Seed *s, const char *source, const char *target, bool read_only, Error *e)
{
        _cleanup_close_ int fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return error_sys(e, -errno, "cannot bind '%s' into the seed", source);
        if (sys_idmap_supported(fd) == 0)
                return error_set(e, -EOPNOTSUPP, "cannot bind '%s' into the seed: its file system has no ID-mapped mounts",
                                 source);
        *vec_push(&s->tree.mounts) = (SpecMount){.type = SPEC_MOUNT_BIND,
                                                 .read_only = read_only,
                                                 .idmap = SPEC_IDMAP_FULL,
                                                 .source = xstrdup(source),
                                                 .target = xstrdup(target)};
        return 0;
}

/* A profile's link leads out of the target's /etc/portage to where its repository will be, repos.conf to where it is in the seed. */
static int bind_repositories(Seed *s, char *const *repos, Error *e)
{
        int r = 0;

        STRV_FOREACH (repo, repos) {
                const char *path = strchr(*repo, '=') + 1;
                _cleanup_free_ char *here = xasprintf("/var/db/repos/%.*s", (int)(path - *repo - 1), *repo),
                                    *there = path_join(DISTRO_TARGET, here);
                r = r < 0 ? r : bind(s, path, here, true, e);
                r = r < 0 ? r : bind(s, path, there, true, e);
        }
        return r;
}

int seed_bind(Seed *s, const MachineHost *h, const CreateShares *shares, const char *tree, char *const *repos, Error *e)
{
        static const char *const caches[] = {"distfiles", "binpkgs"};
        int r = bind(s, tree, DISTRO_TARGET, false, e);

        if (r >= 0)
                r = bind_repositories(s, repos, e);
        for (size_t i = 0; i < ELEMENTSOF(caches) && r >= 0 && !shares->off; i++) {
                _cleanup_free_ char *dir = NULL, *target = path_join("/var/cache", caches[i]);
                r = create_shares_directory(h, shares, caches[i], &dir, e);
                if (r >= 0)
                        r = bind(s, dir, target, false, e);
        }
        return r;
}

void seed_close(Seed *s)
{
        for (size_t i = 0; i < s->tree.mounts.n; i++) {
                free(s->tree.mounts.items[i].source);
                free(s->tree.mounts.items[i].target);
                strv_free(s->tree.mounts.items[i].layers);
        }
        free(s->tree.mounts.items);
        store_scratch_end(&s->scratch);
        store_unlock(&s->lock);
        store_image_done(&s->image);
        s->store = store_close(s->store);
        free(s->log);
        *s = SEED_NONE;
}

void seed_clean_logs(const MachineHost *h)
{
        _cleanup_free_ char *dir = path_join(h->cache_dir, SEED_LOGS);

        (void)file_remove_tree_at(AT_FDCWD, dir);
}
