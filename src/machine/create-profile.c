/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-profile.h"
#include "distro/gentoo.h"
#include "machine/run-facts.h"
#include "machine/run-registry.h"
#include "sys/mount.h"
#include "sys/open.h"

#define PROPAGATION_SLAVE (1U << 19) /* MS_SLAVE */
#define LINK_DIR          "/etc/portage"
#define LINK              "/etc/portage/make.profile"
#define REPOS             "/var/db/repos"
#define DESC_MAX          (4 << 20)

typedef struct Profiles {
        const MachineHost *host;
        const char *name;
        Store *store;
        StoreImage image;
        MachineSpec settings; /* its binds */
        char *root;           /* where its tree is seen */
        GentooRepos repos;
        char **places; /* of each repository, inside */
} Profiles;

/* ---- the tree ---- */

/* A stack is mounted, read-only, where nobody but this process sees it. */
static int mount_stack(const StoreImage *i, const char *place, Error *e)
{
        size_t n = 0, total = strv_len(i->layers) + 1;
        _cleanup_free_ int *layers = xnew(int, total);
        const char *top = i->upper;
        int r = 0;

        for (; n < total && r >= 0; n++) {
                const char *path = n == 0 ? top : i->layers[n - 1];
                layers[n] = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
                if (path && layers[n] < 0)
                        r = error_sys(e, -errno, "cannot open the layer '%s'", path);
        }
        size_t first = top ? 0 : 1;
        int tree = r < 0                ? r
                   : total - first == 1 ? sys_mount_clone(layers[first], "", false)
                                        : sys_mount_overlay(&(SysOverlay){.lower = layers + first,
                                                                          .n_lower = total - first,
                                                                          .upper = -1,
                                                                          .work = -1},
                                                            MOUNT_ATTR_RDONLY, e);
        if (tree >= 0) {
                r = sys_mount_attach(tree, AT_FDCWD, place);
                fd_close(tree);
        } else
                r = tree;
        for (size_t i2 = 0; i2 < n; i2++)
                fd_close(layers[i2]);
        return r < 0 && e && e->code == 0 ? error_sys(e, r, "cannot look into '%s'", i->name) : r;
}

static int make_view(Profiles *p, Error *e)
{
        if (p->image.directory) {
                p->root = xstrdup(p->image.directory);
                return 0;
        }
        if (p->image.disk || !p->image.layers)
                return error_set(e, -EOPNOTSUPP,
                                 "'%s' is a disk image, and its profile is out of reach: set it inside with eselect", p->name);
        int r = file_mkdir_p(p->host->run_dir, 0755);
        if (r >= 0 && (unshare(CLONE_NEWNS) < 0 || sys_mount_setattr(AT_FDCWD, "/", true, 0, 0, PROPAGATION_SLAVE, -1) < 0))
                r = -errno;
        if (r < 0)
                return error_sys(e, r, "cannot make a mount namespace");
        p->root = xstrdup(p->host->run_dir);
        return mount_stack(&p->image, p->root, e);
}

static void drop_view(Profiles *p)
{
        if (p->root && !p->image.directory)
                (void)sys_umount(p->root);
        free(p->root);
        p->root = NULL;
}

/* The directory on this host that the machine has at `inside`: what is bound there, else what its tree has, with its own links. */
static char *host_path(const Profiles *p, const char *inside)
{
        const SpecMount *best = NULL;
        char real[PATH_MAX];

        for (size_t i = 0; i < p->settings.mounts.n; i++) {
                const SpecMount *m = &p->settings.mounts.items[i];
                if (m->type == SPEC_MOUNT_BIND && m->source && !m->source_in_image && path_has_prefix(inside, m->target) &&
                    (!best || strlen(m->target) > strlen(best->target)))
                        best = m;
        }
        _cleanup_close_ int root = open(best ? best->source : p->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        const char *below = inside + (best ? strlen(best->target) : 0);
        _cleanup_close_ int fd = root < 0 ? -1 : sys_open_in_root(root, *below ? below : "/", O_PATH | O_DIRECTORY, 0);
        ssize_t n = fd < 0 ? -1 : readlink(fd_path(fd).s, real, sizeof(real) - 1);
        return n < 0 ? NULL : xstrndup(real, (size_t)n);
}

/* ---- repositories ---- */

/* "location = PATH" of repos.conf. */
static void add_locations(const char *text, char ***places)
{
        _cleanup_strv_ char **lines = text ? strv_split(text, "\n") : NULL;

        STRV_FOREACH (line, lines) {
                const char *rest = str_startswith(str_strip(*line), "location");
                rest = rest ? rest + strspn(rest, " \t") : NULL;
                if (!rest || *rest != '=')
                        continue;
                _cleanup_free_ char *path = xstrdup(rest + 1);
                if (path_is_absolute(str_strip(path)) && !strv_contains(*places, str_strip(path)))
                        strv_consume(places, path_simplify(xstrdup(str_strip(path))));
        }
}

static void add_below(char *const *names, char ***places)
{
        STRV_FOREACH (name, names) {
                char *path = path_join(REPOS, *name);
                if (strv_contains(*places, path))
                        free(path);
                else
                        strv_consume(places, path);
        }
}

static char **all_places(const Profiles *p)
{
        static const char conf[] = "/etc/portage/repos.conf";
        _cleanup_strv_ char **files = NULL, **own = NULL;
        _cleanup_free_ char *text = machine_image_text(&p->image, conf);
        char **places = NULL;

        add_locations(text, &places);
        if (store_image_names(&p->image, conf, &files) >= 0)
                STRV_FOREACH (file, files) {
                        _cleanup_free_ char *path = path_join(conf, *file), *part = machine_image_text(&p->image, path);
                        add_locations(part, &places);
                }
        for (size_t i = 0; i < p->settings.mounts.n; i++) {
                const char *name = p->settings.mounts.items[i].type == SPEC_MOUNT_BIND
                                                   ? str_startswith(p->settings.mounts.items[i].target, REPOS "/")
                                                   : NULL;
                if (name && !strchr(name, '/'))
                        add_below((char *[]){(char *)name, NULL}, &places);
        }
        if (store_image_names(&p->image, REPOS, &own) >= 0)
                add_below(own, &places);
        return places;
}

/* What is no repository is passed over: it may be the place of one that has not been fetched yet. */
static void read_repositories(Profiles *p)
{
        _cleanup_strv_ char **places = all_places(p);

        STRV_FOREACH (place, places) {
                _cleanup_free_ char *path = host_path(p, *place);
                Error ignored = {0};
                if (path && gentoo_repos_add(&p->repos, NULL, path, &ignored) >= 0)
                        strv_push(&p->places, *place);
        }
}

/* ---- the link ---- */

/* "../../var/db/repos/gentoo/profiles/x" from LINK_DIR: absolute, without "..". */
static char *absolute_target(const char *target)
{
        _cleanup_free_ char *joined = path_is_absolute(target) ? xstrdup(target) : path_join(LINK_DIR, target);
        _cleanup_strv_ char **parts = strv_split(joined, "/");
        char **kept = xnew(char *, strv_len(parts) + 1), *result = xstrdup("");
        size_t n = 0;

        STRV_FOREACH (part, parts) {
                if (str_eq(*part, ".."))
                        n -= n > 0;
                else if (!str_eq(*part, "."))
                        kept[n++] = *part;
        }
        for (size_t i = 0; i < n; i++) {
                char *longer = xasprintf("%s/%s", result, kept[i]);
                free(result);
                result = longer;
        }
        free(kept);
        return result;
}

/* In whose profiles a path lies: "gentoo:default/linux"; NULL: in nobody's. */
static char *profile_at(const Profiles *p, const char *inside)
{
        for (size_t i = 0; i < p->repos.n; i++) {
                _cleanup_free_ char *top = path_join(p->places[i], "profiles/");
                const char *below = str_startswith(inside, top);
                if (below && *below)
                        return xasprintf("%s:%s", p->repos.items[i].name, below);
        }
        return NULL;
}

static void read_current(const Profiles *p, MachineProfiles *ret)
{
        _cleanup_close_ int fd = store_image_open(&p->image, LINK, O_PATH | O_NOFOLLOW);
        char target[PATH_MAX];
        ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);

        if (n <= 0) {
                ret->current = fd < 0 ? NULL : xstrdup(LINK); /* a directory of its own */
                return;
        }
        target[n] = '\0';
        _cleanup_free_ char *inside = absolute_target(target), *there = host_path(p, inside);
        ret->dangling = !there;
        ret->current = profile_at(p, inside) ?: TAKE_PTR(inside);
}

static char *arch_of(const Profiles *p, const MachineProfiles *found)
{
        GentooProfile profile = {0};
        Error ignored = {0};

        if (!found->current || found->dangling || gentoo_profile_read(&p->repos, found->current, &profile, &ignored) < 0)
                return gentoo_host_arch();
        const char *arch = gentoo_profile_get(&profile, "ARCH");
        char *result = *arch ? xstrdup(arch) : gentoo_host_arch();
        gentoo_profile_done(&profile);
        return result;
}

/* "amd64 default/linux/amd64/23.0 stable" of each repository's profiles.desc. */
static void read_list(const Profiles *p, MachineProfiles *ret)
{
        _cleanup_free_ char *arch = arch_of(p, ret);

        for (size_t i = 0; i < p->repos.n; i++) {
                _cleanup_free_ char *path = path_join(p->repos.items[i].path, "profiles/profiles.desc"), *text = NULL;
                if (file_read_at(AT_FDCWD, path, DESC_MAX, &text, NULL) < 0)
                        continue;
                Slice rest = {text, strlen(text)}, line;
                while (slice_line(&rest, &line)) {
                        Slice of, name, status;
                        if (!slice_word(&line, 0, &of) || of.s[0] == '#' || !slice_word(&line, 0, &name) ||
                            !slice_word(&line, 0, &status) || (arch && !slice_eq_str(of, arch)))
                                continue;
                        MachineProfile *item = vec_push(&ret->list);
                        item->name = xasprintf("%s:%.*s", p->repos.items[i].name, (int)name.n, name.s);
                        item->status = slice_dup(status);
                        item->current = str_eq(item->name, ret->current);
                }
        }
}

/* ---- setting it ---- */

/* Relative, so that it is the same from outside the root. */
static char *link_target(const Profiles *p, const char *full)
{
        const char *colon = strchr(full, ':');

        for (size_t i = 0; i < p->repos.n; i++)
                if (slice_eq_str((Slice){full, (size_t)(colon - full)}, p->repos.items[i].name))
                        return xasprintf("../..%s/profiles/%s", p->places[i], colon + 1);
        return NULL;
}

/* In the running machine's own mounts, as its root: the layers of a mounted stack are not to be written to. */
static int set_running(const Machine *m, const char *target)
{
        _cleanup_close_ int root = machine_open_root(m);
        _cleanup_close_ int dir = root < 0 ? -1 : sys_open_in_root(root, LINK_DIR, O_PATH | O_DIRECTORY, 0);

        if (dir < 0)
                return root < 0 ? root : -ENOENT;
        (void)setfsgid(m->id_base);
        (void)setfsuid(m->id_base);
        (void)unlinkat(dir, ".#make.profile", 0);
        int r = symlinkat(target, dir, ".#make.profile") < 0 || renameat(dir, ".#make.profile", dir, "make.profile") < 0 ? -errno
                                                                                                                         : 0;
        (void)setfsuid(0);
        (void)setfsgid(0);
        return r;
}

static int set_stopped(const Profiles *p, const char *target, Error *e)
{
        _cleanup_(store_unlock) StoreLock lock = STORE_LOCK_NONE;
        int r = store_lock(p->store, &p->image, true, &lock, e);

        if (r < 0)
                return r;
        r = store_image_unlink(&p->image, LINK);
        if (r >= 0 || r == -ENOENT)
                r = store_image_symlink(&p->image, target, LINK);
        return r < 0 ? error_sys(e, r, "cannot write '%s' in machine '%s'", LINK, p->name) : 0;
}

static int set_profile(Profiles *p, const char *full, Error *e)
{
        _cleanup_free_ char *target = link_target(p, full);
        Machine running = {0};
        int r;

        if (!target)
                return error_set(e, -ENOENT, "the profile '%s' is in no repository of machine '%s'", full, p->name);
        if (machine_find(p->host, p->name, &running, NULL) >= 0) {
                r = set_running(&running, target);
                if (r < 0)
                        error_sys(e, r, "cannot write '%s' in machine '%s'", LINK, p->name);
        } else if (p->image.read_only)
                r = error_set(e, -EROFS, "machine '%s' is marked read-only; lift it with 'berth read-only %s no'", p->name,
                              p->name);
        else
                r = set_stopped(p, target, e);
        machine_done(&running);
        return r;
}

/* ---- all of it ---- */

static int open_machine(Profiles *p, Error *e)
{
        int r = machine_check_name(p->name, e);
        if (r >= 0)
                r = store_open(p->host->machines_dir, &p->store, e);
        if (r >= 0)
                r = store_find(p->store, STORE_MACHINE, p->name, &p->image, e);
        if (r >= 0)
                r = machine_settings(p->host, p->name, &p->settings, e);
        if (r >= 0)
                r = make_view(p, e);
        if (r < 0)
                return r;
        _cleanup_close_ int portage = store_image_open(&p->image, LINK_DIR, O_RDONLY | O_DIRECTORY);
        return portage < 0 ? error_set(e, -EINVAL, "machine '%s' is no Gentoo: it has no " LINK_DIR, p->name) : 0;
}

static int work(Profiles *p, const char *set, MachineProfiles *ret, Error *e)
{
        GentooProfile profile = {0};
        int r = open_machine(p, e);

        if (r < 0)
                return r;
        read_repositories(p);
        if (p->repos.n == 0)
                events_warning(&p->host->events,
                               "machine '%s' has no repository: bind one in, or fetch one inside with 'emerge --sync'", p->name);
        if (set) {
                r = gentoo_profile_read(&p->repos, set, &profile, e); /* as a whole: a link to a broken one would break Portage */
                drop_view(p);
                if (r >= 0)
                        r = set_profile(p, profile.name, e);
                if (r >= 0)
                        ret->current = xstrdup(profile.name);
                gentoo_profile_done(&profile);
                return r;
        }
        read_current(p, ret);
        read_list(p, ret);
        return 0;
}

int machine_profile(const MachineHost *h, const char *name, const char *set, MachineProfiles *ret, Error *e)
{
        Profiles p = {.host = h, .name = name};

        *ret = (MachineProfiles){0};
        spec_init(&p.settings);
        int r = work(&p, set, ret, e);
        drop_view(&p);
        gentoo_repos_done(&p.repos);
        strv_free(p.places);
        spec_done(&p.settings);
        store_image_done(&p.image);
        store_close(p.store);
        if (r < 0)
                machine_profiles_done(ret);
        return r;
}

void machine_profiles_done(MachineProfiles *p)
{
        for (size_t i = 0; i < p->list.n; i++) {
                free(p->list.items[i].name);
                free(p->list.items[i].status);
        }
        free(p->list.items);
        free(p->current);
        *p = (MachineProfiles){0};
}
