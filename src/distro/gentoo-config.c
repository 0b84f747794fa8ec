/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-env.h"
#include "distro/gentoo-vars.h"
#include "sys/open.h"

#define ENV_FILE_MAX (1 << 20)

char **gentoo_config_words(const GentooPlan *p, const char *variable)
{
        const char *profile = p->has_profile ? gentoo_profile_get(&p->profile, variable) : "";
        _cleanup_free_ char *all = xasprintf("%s %s", profile, strv_env_get(p->make_conf, variable) ?: "");

        return gentoo_incremental(all);
}

/* ---- the layout ---- */

typedef struct Directory {
        const char *path;
        mode_t mode;
} Directory;

static const Directory minimal[] = {
                {"dev", 0755},  {"etc", 0755}, {"proc", 0755},    {"root", 0700}, {"run", 0755},     {"sys", 0755},
                {"tmp", 01777}, {"usr", 0755}, {"usr/bin", 0755}, {"var", 0755},  {"var/lib", 0755}, {"var/tmp", 01777},
};

/* KEEP_DIRS of baselayout's Makefile, with what is above them */
static const Directory full[] = {
                {"boot", 0755},      {"etc/profile.d", 0755}, {"home", 0755},
                {"media", 0755},     {"mnt", 0755},           {"opt", 0755},
                {"usr/local", 0755}, {"usr/local/bin", 0755}, {"usr/local/sbin", 0755},
                {"usr/src", 0755},   {"var/cache", 0755},     {"var/empty", 0755},
                {"var/log", 0755},   {"var/spool", 0755},
};

static void put_directories(Tar *tar, const Directory *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                tar_directory(tar, list[i].path, list[i].mode);
}

static const GentooPackage *find_baselayout(const GentooPlan *p)
{
        for (size_t i = 0; i < p->choice.n; i++)
                if (slice_eq_str(p->choice.items[i]->category, "sys-apps") &&
                    slice_eq_str(p->choice.items[i]->name, "baselayout"))
                        return p->choice.items[i];
        return NULL;
}

/* What baselayout was built for, else what the profile forces. */
static bool is_split(const GentooPlan *p)
{
        const GentooPackage *b = find_baselayout(p);

        return b ? gentoo_flag_is_on(b->use, SLICE("split-usr")) : p->has_profile && strv_contains(p->profile.force, "split-usr");
}

static char **library_directories(const GentooPlan *p)
{
        _cleanup_strv_ char **abis = gentoo_config_words(p, "MULTILIB_ABIS");
        char **dirs = NULL;

        strv_push(&dirs, "lib");
        STRV_FOREACH (abi, abis) {
                _cleanup_free_ char *name = xasprintf("LIBDIR_%s", *abi);
                const char *dir = p->has_profile ? gentoo_profile_get(&p->profile, name) : "";
                if (*dir && !strv_contains(dirs, dir) && !strstr(dir, ".."))
                        strv_push(&dirs, dir);
        }
        static const char *const wide[] = {"amd64", "arm64", "ppc64", "s390", "riscv", "loong", "sparc"};
        for (size_t i = 0; !abis && i < ELEMENTSOF(wide); i++)
                if (str_eq(p->arch, wide[i]))
                        strv_push(&dirs, "lib64");
        return dirs;
}

/* "lib64/lp64d" has its parent made, too; only its first part is a link at the top. */
static void put_libraries(Tar *tar, const char *dir, bool split)
{
        static const char *const below[] = {"usr/", "usr/local/", ""};
        size_t first = strcspn(dir, "/");

        for (size_t i = 0; i < ELEMENTSOF(below); i++) {
                _cleanup_free_ char *top = xasprintf("%s%.*s", below[i], (int)first, dir),
                                    *all = xasprintf("%s%s", below[i], dir);
                _cleanup_free_ char *target = xasprintf("usr/%s", top);
                if (!*below[i] && !split) {
                        tar_symlink(tar, top, target);
                        continue;
                }
                tar_directory(tar, top, 0755);
                if (!str_eq(top, all))
                        tar_directory(tar, all, 0755);
        }
}

void gentoo_config_layout(const GentooPlan *p, Tar *tar)
{
        bool split = is_split(p);
        _cleanup_strv_ char **libraries = library_directories(p);

        put_directories(tar, minimal, ELEMENTSOF(minimal));
        if (!p->has_profile && !find_baselayout(p))
                return;
        put_directories(tar, full, ELEMENTSOF(full));
        if (split) {
                tar_directory(tar, "bin", 0755);
                tar_directory(tar, "sbin", 0755);
                tar_directory(tar, "usr/sbin", 0755);
        } else {
                tar_symlink(tar, "bin", "usr/bin");
                tar_symlink(tar, "sbin", "usr/bin");
                tar_symlink(tar, "usr/sbin", "bin");
        }
        STRV_FOREACH (dir, libraries)
                put_libraries(tar, *dir, split);
        tar_symlink(tar, "var/run", "../run");
        tar_symlink(tar, "var/lock", "../run/lock");
}

/* ---- Portage's configuration ---- */

static void put_text(Tar *tar, const char *path, Buf *text, mode_t mode)
{
        tar_file(tar, path, text->data ?: "", text->len, mode);
        buf_done(text);
        *text = (Buf){0};
}

static void put_make_conf(const GentooPlan *p, Tar *tar)
{
        Buf b = {0};

        if (!p->make_conf)
                return;
        STRV_FOREACH (a, p->make_conf) {
                size_t n = strcspn(*a, "=");
                buf_addf(&b, "%.*s=\"%s\"\n", (int)n, *a, *a + n + 1);
        }
        put_text(tar, "etc/portage/make.conf", &b, 0644);
}

/* What counted here counts inside, too: one file of each, as /etc/portage may have it. */
static void put_settings(const GentooPlan *p, Tar *tar)
{
        const char *const *const names = gentoo_setting_files;

        for (size_t i = 0; p->config && names[i]; i++) {
                _cleanup_free_ char *text = gentoo_setting(p->config, names[i]), *path = xasprintf("etc/portage/%s", names[i]);
                if (!text)
                        continue;
                if (strchr(names[i], '/'))
                        tar_directory(tar, "etc/portage/profile", 0755);
                tar_file(tar, path, text, strlen(text), 0644);
        }
}

static void put_repos(const GentooPlan *p, Tar *tar)
{
        Buf b = {0};

        if (p->repos.n > 0)
                tar_directory(tar, "etc/portage/repos.conf", 0755);
        for (size_t i = 0; i < p->repos.n; i++) {
                const char *name = p->repos.items[i].name;
                _cleanup_free_ char *path = xasprintf("etc/portage/repos.conf/%s.conf", name);
                if (str_eq(name, "gentoo"))
                        buf_adds(&b, "[DEFAULT]\nmain-repo = gentoo\n\n");
                buf_addf(&b, "[%s]\nlocation = /var/db/repos/%s\n", name, name);
                if (p->repos.items[i].url)
                        buf_addf(&b, "sync-type = git\nsync-uri = %s\n", p->repos.items[i].url);
                put_text(tar, path, &b, 0644);
        }
        const char *colon = p->has_profile ? strchr(p->profile.name, ':') : NULL;
        if (!colon)
                return;
        _cleanup_free_ char *target = xasprintf("../../var/db/repos/%.*s/profiles/%s", (int)(colon - p->profile.name),
                                                p->profile.name, colon + 1);
        tar_symlink(tar, "etc/portage/make.profile", target);
}

/* Only hosts that the machine can reach, too. */
static void put_hosts(const GentooPlan *p, Tar *tar)
{
        Buf b = {0};

        for (size_t i = 0; i < p->hosts.n; i++)
                if (str_startswith(p->hosts.items[i].url, "http"))
                        buf_addf(&b, "%s[binhost%zu]\npriority = %zu\nsync-uri = %s\nverify-signature = %s\n", b.len ? "\n" : "",
                                 i + 1, p->hosts.n - i, p->hosts.items[i].url,
                                 p->verify == DISTRO_VERIFY_SIGNATURE ? "true" : "false");
        if (b.len == 0)
                return;
        tar_directory(tar, "etc/portage/binrepos.conf", 0755);
        put_text(tar, "etc/portage/binrepos.conf/binhosts.conf", &b, 0644);
}

/* Whether an atom of @system names it: that is in the world anyway. */
static bool is_system(const GentooPlan *p, const GentooAtom *a)
{
        STRV_FOREACH (text, p->profile.system) {
                GentooAtom s;
                if (gentoo_atom_parse((Slice){*text, strlen(*text)}, NULL, &s, NULL) >= 0 && slice_eq(s.category, a->category) &&
                    slice_eq(s.name, a->name))
                        return true;
        }
        return false;
}

static void put_world(const GentooPlan *p, Tar *tar)
{
        _cleanup_strv_ char **lines = NULL;

        STRV_FOREACH (text, p->wanted) {
                GentooAtom a;
                if (gentoo_atom_parse((Slice){*text, strlen(*text)}, NULL, &a, NULL) < 0 || (a.slot.n == 0 && is_system(p, &a)))
                        continue;
                _cleanup_free_ char *line = xasprintf("%.*s/%.*s%s%.*s", (int)a.category.n, a.category.s, (int)a.name.n, a.name.s,
                                                      a.slot.n ? ":" : "", (int)a.slot.n, a.slot.s ?: "");
                if (!strv_contains(lines, line))
                        strv_push(&lines, line);
        }
        if (!lines)
                return;
        strv_sort(lines);
        _cleanup_free_ char *joined = strv_join(lines, "\n"), *all = xasprintf("%s\n", joined);
        tar_file(tar, "var/lib/portage/world", all, strlen(all), 0644);
}

void gentoo_config_portage(const GentooPlan *p, Tar *tar)
{
        tar_directory(tar, "etc/portage", 0755);
        put_make_conf(p, tar);
        put_settings(p, tar);
        put_repos(p, tar);
        put_hosts(p, tar);
}

void gentoo_config_write(const GentooPlan *p, char *const *memory, Tar *tar)
{
        _cleanup_free_ char *lines = strv_join(memory, "\n"), *config = xasprintf("%s%s", lines ?: "", memory ? "\n" : "");

        gentoo_config_portage(p, tar);
        tar_directory(tar, "var/lib/portage", 02755);
        put_world(p, tar);
        tar_file(tar, "var/lib/portage/config", config, strlen(config), 0660);
        tar_file(tar, "var/lib/portage/preserved_libs_registry", "", 0, 0660);
}

/* ---- env-update ---- */

typedef struct EnvFiles {
        GentooEnvFile *items;
        size_t n;
} EnvFiles;

static int compare_names(const void *x, const void *y)
{
        return strcmp(((const GentooEnvFile *)x)->name, ((const GentooEnvFile *)y)->name);
}

/* Links are followed below the root; what is no file is passed by. */
static int read_env_files(int root, EnvFiles *ret, Error *e)
{
        int fd = sys_open_in_root(root, "/etc/env.d", O_RDONLY | O_DIRECTORY, 0), k = 0;
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (fd == -ENOENT)
                return 0;
        if (!d)
                return error_sys(e, fd < 0 ? fd : -errno, "cannot read '/etc/env.d' of the new root");
        while (k >= 0 && (entry = readdir(d))) {
                _cleanup_free_ char *path = xasprintf("/etc/env.d/%s", entry->d_name);
                char *text;
                if (!gentoo_env_is_file(entry->d_name))
                        continue;
                _cleanup_close_ int file = sys_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
                k = file < 0 ? file : file_read_fd(file, ENV_FILE_MAX, &text, NULL);
                if (k == -EISDIR || k == -ENOENT)
                        k = 0;
                else if (k < 0)
                        error_sys(e, k, "cannot read '%s' of the new root", path);
                else
                        *vec_push(ret) = (GentooEnvFile){.name = xstrdup(entry->d_name), .text = text};
        }
        closedir(d);
        if (ret->n > 0)
                qsort(ret->items, ret->n, sizeof(*ret->items), compare_names);
        return k;
}

static void env_files_done(EnvFiles *f)
{
        for (size_t i = 0; i < f->n; i++) {
                free((char *)f->items[i].name);
                free((char *)f->items[i].text);
        }
        free(f->items);
}

int gentoo_config_env_update(int root, Tar *tar, const Events *ev, char **ret_protect, char **ret_mask, Error *e)
{
        __attribute__((cleanup(env_files_done))) EnvFiles files = {0};
        const char *bad;
        GentooEnv env;
        int k = read_env_files(root, &files, e);

        if (k < 0)
                return k;
        gentoo_env_update(files.items, files.n, &env, &bad);
        if (bad)
                events_warning(ev, "'/etc/env.d/%s' of the new root is not made of assignments: left out of its environment",
                               bad);
        tar_directory(tar, "etc/env.d", 0755);
        tar_directory(tar, "etc/environment.d", 0755);
        tar_file(tar, "etc/profile.env", env.profile.data, env.profile.len, 0644);
        tar_file(tar, "etc/csh.env", env.csh.data, env.csh.len, 0644);
        tar_file(tar, "etc/environment.d/10-gentoo-env.conf", env.systemd.data, env.systemd.len, 0644);
        if (env.linker.len > 0)
                tar_file(tar, "etc/ld.so.conf", env.linker.data, env.linker.len, 0644);
        if (ret_protect)
                *ret_protect = xstrdup(env.protect);
        if (ret_mask)
                *ret_mask = xstrdup(env.protect_mask);
        gentoo_env_done(&env);
        return 0;
}
