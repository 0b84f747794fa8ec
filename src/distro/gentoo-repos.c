/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-profile.h"
#include "distro/gentoo-version.h"

#define LIMIT (1 << 20)

/* "key = words" of metadata/layout.conf; the text keeps what comes out. */
static Slice layout_value(const char *text, const char *key)
{
        Slice rest = {text, text ? strlen(text) : 0}, line, name;

        while (slice_line(&rest, &line)) {
                line = slice_strip(line);
                if (line.n == 0 || line.s[0] == '#' || !slice_until(&line, '=', &name))
                        continue;
                if (slice_eq_str(name, key))
                        return slice_strip(line);
        }
        return (Slice){"", 0};
}

static char *read_name(const char *path, const char *layout)
{
        _cleanup_free_ char *file = path_join(path, "profiles/repo_name"), *text = NULL;

        if (file_read_at(AT_FDCWD, file, LIMIT, &text, NULL) >= 0)
                return xstrdup(str_strip(text));
        Slice name = layout_value(layout, "repo-name");
        return name.n > 0 ? slice_dup(name) : NULL;
}

static char **words_of(Slice s)
{
        char **v = NULL;
        Slice word;

        while (slice_word(&s, 0, &word))
                strv_consume(&v, slice_dup(word));
        return v;
}

static void read_layout(GentooRepo *r, const char *layout)
{
        _cleanup_strv_ char **formats = words_of(layout_value(layout, "profile-formats"));
        Slice eapi = layout_value(layout, "profile_eapi_when_unspecified");

        r->aliases = words_of(layout_value(layout, "aliases"));
        r->repo_parents = strv_contains(formats, "portage-2");
        r->directories = r->repo_parents || strv_contains(formats, "portage-1");
        r->profile_set = strv_contains(formats, "profile-set");
        r->eapi = eapi.n > 0 ? slice_dup(eapi) : xstrdup("0");
}

int gentoo_repos_add(GentooRepos *repos, const char *name, const char *path, Error *e)
{
        _cleanup_free_ char *file = path_join(path, "metadata/layout.conf"), *layout = NULL, *real = realpath(path, NULL);

        if (!real)
                return error_sys(e, -errno, "cannot use the repository '%s'", path);
        (void)file_read_at(AT_FDCWD, file, LIMIT, &layout, NULL);
        _cleanup_free_ char *own = read_name(real, layout);
        if (!own || !gentoo_is_repository((Slice){own, strlen(own)}))
                return error_set(e, -ENOENT, "'%s' is no Gentoo repository: it has no profiles/repo_name", path);
        if (name && !str_eq(name, own))
                return error_set(e, -EINVAL, "the repository in '%s' calls itself '%s', not '%s'; write --repo=%s=%s", path, own,
                                 name, own, path);
        if (gentoo_repos_find(repos, (Slice){own, strlen(own)}))
                return error_set(e, -EEXIST, "there are two repositories with the name '%s'", own);
        GentooRepo *r = vec_push(repos);
        r->name = TAKE_PTR(own);
        r->path = TAKE_PTR(real);
        read_layout(r, layout);
        return 0;
}

/* file:// of a directory with profiles is that directory; of anything else git has to make one. */
void gentoo_repo_word(const char *word, const char *repos_dir, GentooRepoWord *ret)
{
        const char *equals = strchr(word, '='), *slash = strchr(word, '/');
        bool named = equals && (!slash || equals < slash);
        const char *rest = named ? equals + 1 : word, *local = str_startswith(rest, "file://");
        _cleanup_free_ char *profiles = local ? path_join(local, "profiles") : NULL;

        *ret = (GentooRepoWord){.name = named ? xstrndup(word, (size_t)(equals - word)) : NULL};
        if (profiles && access(profiles, F_OK) == 0)
                ret->path = xstrdup(local);
        else if (strstr(rest, "://")) {
                ret->url = rest;
                ret->path = path_join(repos_dir, ret->name ?: "");
        } else
                ret->path = xstrdup(rest);
}

const GentooRepo *gentoo_repos_find(const GentooRepos *repos, Slice name)
{
        for (size_t i = 0; i < repos->n; i++)
                if (slice_eq_str(name, repos->items[i].name))
                        return &repos->items[i];
        for (size_t i = 0; i < repos->n; i++)
                STRV_FOREACH (alias, repos->items[i].aliases)
                        if (slice_eq_str(name, *alias))
                                return &repos->items[i];
        return NULL;
}

void gentoo_repos_done(GentooRepos *repos)
{
        for (size_t i = 0; i < repos->n; i++) {
                GentooRepo *r = &repos->items[i];
                free(r->name);
                free(r->path);
                free(r->url);
                free(r->eapi);
                strv_free(r->aliases);
        }
        free(repos->items);
        *repos = (GentooRepos){0};
}
