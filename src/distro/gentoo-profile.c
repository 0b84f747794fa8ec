/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-profile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-vars.h"

#define LIMIT     (16 << 20)
#define DEPTH_MAX 64

/* Variables that add up over the nodes of a profile; of all others the last node's value counts. */
static const char *const incremental[] = {"USE",
                                          "USE_EXPAND",
                                          "USE_EXPAND_HIDDEN",
                                          "USE_EXPAND_IMPLICIT",
                                          "USE_EXPAND_UNPREFIXED",
                                          "IUSE_IMPLICIT",
                                          "CONFIG_PROTECT",
                                          "CONFIG_PROTECT_MASK",
                                          "FEATURES",
                                          "ACCEPT_KEYWORDS",
                                          "ACCEPT_LICENSE",
                                          "ACCEPT_PROPERTIES",
                                          "ACCEPT_RESTRICT",
                                          "ENV_UNSET",
                                          "PROFILE_ONLY_VARIABLES"};

typedef struct Reader {
        const GentooRepos *repos;
        GentooProfile *profile;
        char **way; /* from the profile that was asked for to the node that is read */
} Reader;

static bool is_directory(const char *path)
{
        struct stat st;
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const GentooRepo *repo_of(const GentooRepos *repos, const char *path)
{
        for (size_t i = 0; i < repos->n; i++)
                if (path_has_prefix(path, repos->items[i].path))
                        return &repos->items[i];
        return NULL;
}

/* ---- the files of a node ---- */

/* A file, or all files of a directory in the order of their names, as one text; NULL: there is none. */
static int read_text(const char *node, const char *name, bool directories, char **ret, Error *e)
{
        _cleanup_free_ char *path = path_join(node, name);
        struct dirent **list;
        Buf all = {0};
        int k = 0;

        *ret = NULL;
        if (!is_directory(path)) {
                k = file_read_at(AT_FDCWD, path, LIMIT, ret, NULL);
                return k == -ENOENT ? 0 : k < 0 ? error_sys(e, k, "cannot read '%s'", path) : 0;
        }
        if (!directories)
                return error_set(e, -EISDIR, "'%s' is a directory, which its profile's EAPI does not have", path);
        int n = scandir(path, &list, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *text = NULL, *file = path_join(path, list[i]->d_name);
                if (k >= 0 && list[i]->d_name[0] != '.' && !str_endswith(list[i]->d_name, "~") && !is_directory(file)) {
                        k = file_read_at(AT_FDCWD, file, LIMIT, &text, NULL);
                        if (k < 0)
                                error_sys(e, k, "cannot read '%s'", file);
                        else
                                buf_addf(&all, "%s\n", text);
                }
                free(list[i]);
        }
        if (n >= 0)
                free(list);
        *ret = buf_take(&all);
        return k;
}

/* The next line that says something, without comment. */
static bool next_entry(Slice *rest, Slice *ret)
{
        while (slice_line(rest, ret)) {
                const char *comment = ret->n ? memchr(ret->s, '#', ret->n) : NULL;
                if (comment)
                        ret->n = (size_t)(comment - ret->s);
                *ret = slice_strip(*ret);
                if (ret->n > 0)
                        return true;
        }
        return false;
}

/* ---- one node ---- */

static int add_lines(const char *node, const char *name, bool directories, char ***list, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int k = read_text(node, name, directories, &text, e);
        Slice rest = {text ?: "", text ? strlen(text) : 0}, line;

        while (k >= 0 && next_entry(&rest, &line))
                gentoo_incremental_add(list, line);
        return k;
}

/* As they are: a later line says the same again, or the contrary. */
static int add_all_lines(const char *node, const char *name, bool directories, char ***list, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int k = read_text(node, name, directories, &text, e);
        Slice rest = {text ?: "", text ? strlen(text) : 0}, line;

        while (k >= 0 && next_entry(&rest, &line))
                strv_consume(list, slice_dup(line));
        return k;
}

static int add_files(GentooProfile *p, const char *node, bool directories, Error *e)
{
        const struct {
                const char *name;
                char ***list;
                int (*add)(const char *node, const char *name, bool directories, char ***list, Error *e);
        } files[] = {
                        {"package.mask", &p->mask, add_lines},
                        {"package.unmask", &p->unmask, add_lines},
                        {"packages.build", &p->build, add_lines},
                        {"package.provided", &p->provided, add_lines},
                        {"use.force", &p->force, add_lines},
                        {"use.mask", &p->use_mask, add_lines},
                        {"package.use", &p->package_use, add_all_lines},
                        {"package.use.force", &p->package_force, add_all_lines},
                        {"package.use.mask", &p->package_mask, add_all_lines},
        };
        int k = 0;

        for (size_t i = 0; i < ELEMENTSOF(files) && k >= 0; i++)
                k = files[i].add(node, files[i].name, directories, files[i].list, e);
        return k;
}

/* "*cat/pkg" is @system, "cat/pkg" @profile where the repository has such sets; with "-" in front it is taken away again. */
static int add_packages(Reader *r, const GentooRepo *repo, const char *node, bool directories, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int k = read_text(node, "packages", directories, &text, e);
        Slice rest = {text ?: "", text ? strlen(text) : 0}, line;

        while (k >= 0 && next_entry(&rest, &line)) {
                bool away = line.s[0] == '-';
                Slice name = away ? (Slice){line.s + 1, line.n - 1} : line;
                bool system = name.n > 0 && name.s[0] == '*';
                if (!system && !(repo && repo->profile_set))
                        continue;
                if (system)
                        name = (Slice){name.s + 1, name.n - 1};
                _cleanup_free_ char *word = xasprintf("%s%.*s", away ? "-" : "", (int)name.n, name.s);
                gentoo_incremental_add(system ? &r->profile->system : &r->profile->profile, (Slice){word, strlen(word)});
        }
        return k;
}

static bool is_incremental(const char *assignment)
{
        size_t n = strcspn(assignment, "=");
        for (size_t i = 0; i < ELEMENTSOF(incremental); i++)
                if (strlen(incremental[i]) == n && strncmp(incremental[i], assignment, n) == 0)
                        return true;
        return false;
}

/* A node's own values on top of what the nodes below it gave. ${NAME} in it means those. */
static int add_variables(Reader *r, const char *node, bool directories, Error *e)
{
        _cleanup_free_ char *text = NULL, *origin = path_join(node, "make.defaults");
        _cleanup_strv_ char **own = strv_copy(r->profile->variables);
        int k = read_text(node, "make.defaults", directories, &text, e);

        if (k < 0 || !text)
                return k;
        for (size_t i = 0; i < ELEMENTSOF(incremental); i++) { /* these are written as what a node adds */
                _cleanup_free_ char *empty = xasprintf("%s=", incremental[i]);
                strv_env_set(&own, empty);
        }
        k = gentoo_vars_parse((Slice){text, strlen(text)}, true, origin, &own, e);
        STRV_FOREACH (v, own) {
                size_t n = strcspn(*v, "=");
                _cleanup_free_ char *name = xstrndup(*v, n);
                const char *before = is_incremental(*v) ? strv_env_get(r->profile->variables, name) : NULL;
                _cleanup_free_ char *whole = xasprintf("%s=%s%s%s", name, before ?: "", before ? " " : "", *v + n + 1);
                strv_env_set(&r->profile->variables, whole);
        }
        return k;
}

static int read_eapi(const GentooRepo *repo, const char *node, const GentooEapi **ret, Error *e)
{
        _cleanup_free_ char *path = path_join(node, "eapi"), *text = NULL;
        int k = file_read_at(AT_FDCWD, path, 4096, &text, NULL);

        if (k < 0 && k != -ENOENT)
                return error_sys(e, k, "cannot read '%s'", path);
        const char *name = text ? str_strip(text) : repo ? repo->eapi : "0";
        *ret = gentoo_eapi((Slice){name, strlen(name)});
        return *ret ? 0
                    : error_set(e, -EOPNOTSUPP, "the profile '%s' is of EAPI '%s', and berth knows 0 to 8: use an older profile",
                                node, name);
}

static int read_node(Reader *r, const char *node, Error *e);

/* A line of `parent`: a path from here, an absolute one, or one in a repository. */
static char *parent_path(Reader *r, const GentooRepo *repo, const char *node, Slice line)
{
        Slice name, path = line;
        _cleanup_free_ char *text = slice_dup(line), *joined = NULL;

        if (repo && repo->repo_parents && memchr(line.s, ':', line.n) && slice_until(&path, ':', &name)) {
                const GentooRepo *other = name.n > 0 ? gentoo_repos_find(r->repos, name) : repo;
                if (!other)
                        return NULL;
                joined = xasprintf("%s/profiles/%.*s", other->path, (int)path.n, path.s);
        } else
                joined = path_is_absolute(text) ? xstrdup(text) : path_join(node, text);
        return realpath(joined, NULL);
}

static int read_parents(Reader *r, const GentooRepo *repo, const char *node, Error *e)
{
        _cleanup_free_ char *text = NULL;
        int k = read_text(node, "parent", false, &text, e);
        Slice rest = {text ?: "", text ? strlen(text) : 0}, line;

        while (k >= 0 && next_entry(&rest, &line)) {
                _cleanup_free_ char *parent = parent_path(r, repo, node, line);
                if (!parent || !is_directory(parent))
                        return error_set(e, -ENOENT,
                                         "'%s/parent' names '%.*s', which is not there; a repository that it needs comes with "
                                         "--repo=",
                                         node, (int)line.n, line.s);
                k = read_node(r, parent, e);
        }
        return k;
}

static int read_node(Reader *r, const char *node, Error *e)
{
        const GentooRepo *repo = repo_of(r->repos, node);
        const GentooEapi *eapi;

        if (strv_contains(r->way, node))
                return error_set(e, -ELOOP, "the profile '%s' is its own parent", node);
        if (strv_len(r->way) >= DEPTH_MAX)
                return error_set(e, -ELOOP, "the profile '%s' has too many parents above it", node);
        int k = read_eapi(repo, node, &eapi, e);
        if (k < 0)
                return k;
        strv_push(&r->way, node);
        k = read_parents(r, repo, node, e);
        size_t depth = strv_len(r->way);
        free(r->way[depth - 1]);
        r->way[depth - 1] = NULL;
        bool directories = eapi->directories || (repo && repo->directories);
        strv_push(&r->profile->nodes, node);
        if (k >= 0)
                k = add_packages(r, repo, node, directories, e);
        if (k >= 0)
                k = add_files(r->profile, node, directories, e);
        return k < 0 ? k : add_variables(r, node, directories, e);
}

/* ---- which profile ---- */

static char *profile_path(const GentooRepos *repos, const char *name)
{
        const char *colon = strchr(name, ':');

        if (path_is_absolute(name))
                return realpath(name, NULL);
        for (size_t i = 0; i < repos->n; i++) {
                const GentooRepo *r = &repos->items[i];
                if (colon && gentoo_repos_find(repos, (Slice){name, (size_t)(colon - name)}) != r)
                        continue;
                _cleanup_free_ char *path = xasprintf("%s/profiles/%s", r->path, colon ? colon + 1 : name);
                char *real = realpath(path, NULL);
                if (real && is_directory(real) && path_has_prefix(real, r->path))
                        return real;
                free(real);
        }
        return NULL;
}

/* The lines of profiles.desc that are for such a machine: "amd64 default/linux/amd64/23.0 stable". */
static void put_known(const GentooRepos *repos, const char *name, Buf *ret)
{
        char best[256] = "";
        size_t distance = SIZE_MAX;

        for (size_t i = 0; i < repos->n; i++) {
                _cleanup_free_ char *path = path_join(repos->items[i].path, "profiles/profiles.desc"), *text = NULL;
                if (file_read_at(AT_FDCWD, path, LIMIT, &text, NULL) < 0)
                        continue;
                Slice rest = {text, strlen(text)}, line, arch, profile;
                while (next_entry(&rest, &line)) {
                        if (!slice_word(&line, 0, &arch) || !slice_word(&line, 0, &profile))
                                continue;
                        _cleanup_free_ char *candidate = xasprintf("%s:%.*s", repos->items[i].name, (int)profile.n, profile.s);
                        size_t d = str_edit_distance(strchr(name, ':') ? candidate : strchr(candidate, ':') + 1, name);
                        if (d < distance) {
                                distance = d;
                                snprintf(best, sizeof(best), "%s", candidate);
                        }
                }
        }
        if (best[0])
                buf_addf(ret, "; did you mean '%s'?", best);
}

static int no_such_profile(const GentooRepos *repos, const char *name, Error *e)
{
        _cleanup_buf_ Buf text = {0};

        if (repos->n == 0)
                return error_set(e, -ENOENT, "the profile '%s' needs the repository it is in; name it with --repo=NAME=PATH",
                                 name);
        buf_addf(&text, "no repository has a profile '%s'", name);
        put_known(repos, name, &text);
        return error_set(e, -ENOENT, "%s", text.data);
}

static void settle_variables(GentooProfile *p)
{
        p->use = xstrdup(strv_env_get(p->variables, "USE") ?: "");
        for (size_t i = 0; i < ELEMENTSOF(incremental); i++) {
                const char *words = strv_env_get(p->variables, incremental[i]);
                _cleanup_strv_ char **list = gentoo_incremental(words);
                _cleanup_free_ char *joined = strv_join(list, " "), *whole = xasprintf("%s=%s", incremental[i], joined ?: "");
                if (words)
                        strv_env_set(&p->variables, whole);
        }
}

int gentoo_profile_read(const GentooRepos *repos, const char *name, GentooProfile *ret, Error *e)
{
        GentooProfile p = {0};
        Reader r = {.repos = repos, .profile = &p};
        _cleanup_free_ char *path = profile_path(repos, name);

        if (!path)
                return no_such_profile(repos, name, e);
        const GentooRepo *repo = repo_of(repos, path);
        if (!repo)
                return error_set(e, -EINVAL, "the profile '%s' is in none of the repositories; add its own with --repo=NAME=PATH",
                                 path);
        const char *below = path + strlen(repo->path);
        p.name = xasprintf("%s:%s", repo->name, str_startswith(below, "/profiles/") ?: below);
        int k = 0;
        for (size_t i = 0; i < repos->n && k >= 0; i++) { /* what a repository masks for all of its profiles */
                _cleanup_free_ char *profiles = path_join(repos->items[i].path, "profiles");
                k = add_lines(profiles, "package.mask", repos->items[i].directories, &p.mask, e);
        }
        if (k >= 0)
                k = read_node(&r, path, e);
        strv_free(r.way);
        settle_variables(&p);
        if (k < 0)
                gentoo_profile_done(&p);
        else
                *ret = p;
        return k;
}

/* ---- settings like those of /etc/portage ---- */

const char *const gentoo_setting_files[] = {"package.use",
                                            "package.mask",
                                            "package.unmask",
                                            "package.accept_keywords",
                                            "profile/package.mask",
                                            "profile/package.unmask",
                                            "profile/package.provided",
                                            "profile/use.force",
                                            "profile/use.mask",
                                            "profile/package.use",
                                            "profile/package.use.force",
                                            "profile/package.use.mask",
                                            NULL};

int gentoo_settings_read(const char *dir, GentooProfile *profile, GentooProfile *user, Error *e)
{
        _cleanup_free_ char *node = path_join(dir, "profile");
        char ***const lists[] = {&user->package_use, &user->mask, &user->unmask, &user->keywords};
        int k = is_directory(dir) ? 0 : error_set(e, -ENOENT, "'%s' is no directory with settings of Portage", dir);

        for (size_t i = 0; i < ELEMENTSOF(lists) && k >= 0; i++)
                k = add_all_lines(dir, gentoo_setting_files[i], true, lists[i], e);
        return k < 0 ? k : add_files(profile, node, true, e);
}

char *gentoo_setting(const char *dir, const char *name)
{
        char *text;

        return read_text(dir, name, true, &text, NULL) >= 0 ? text : NULL;
}

char *gentoo_settings_text(const char *dir)
{
        Buf all = {0};

        for (size_t i = 0; gentoo_setting_files[i]; i++) {
                _cleanup_free_ char *text = gentoo_setting(dir, gentoo_setting_files[i]);
                if (text)
                        buf_addf(&all, "%s:\n%s\n", gentoo_setting_files[i], text);
        }
        return buf_take(&all) ?: xstrdup("");
}

void gentoo_profile_done(GentooProfile *p)
{
        free(p->use);
        strv_free(p->use_mask);
        strv_free(p->package_use);
        strv_free(p->package_force);
        strv_free(p->package_mask);
        strv_free(p->keywords);
        free(p->name);
        strv_free(p->nodes);
        strv_free(p->system);
        strv_free(p->profile);
        strv_free(p->mask);
        strv_free(p->unmask);
        strv_free(p->build);
        strv_free(p->force);
        strv_free(p->provided);
        strv_free(p->variables);
        *p = (GentooProfile){0};
}

const char *gentoo_profile_get(const GentooProfile *p, const char *variable)
{
        return strv_env_get(p->variables, variable) ?: "";
}
