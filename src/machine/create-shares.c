/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/create-shares.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/gentoo-profile.h"
#include "machine/run-written.h"
#include "sys/idmap.h"

typedef struct Share {
        const char *name, *path; /* path: on a Gentoo host, and in the machine */
        bool each;               /* not the directory itself, but what is in it */
        bool read_only;
} Share;

static const Share shares[] = {
                {.name = "repos", .path = "/var/db/repos", .each = true, .read_only = true},
                {.name = "distfiles", .path = "/var/cache/distfiles"},
                {.name = "binpkgs", .path = "/var/cache/binpkgs"},
};

typedef struct Writer {
        const MachineHost *host;
        const CreateShares *options;
        Buf text;
        char **names; /* of repositories that are bound already */
        size_t n;
} Writer;

int create_shares_check(const CreateShares *s, Error *e)
{
        STRV_FOREACH (name, s->names) {
                bool known = false;
                for (size_t i = 0; i < ELEMENTSOF(shares); i++)
                        known = known || str_eq(*name, shares[i].name);
                if (!known)
                        return error_set(e, -EINVAL, "'%s' is nothing to share: there are repos, distfiles, binpkgs", *name);
        }
        if (s->off && (s->asked || s->from))
                return error_set(e, -EINVAL, "--no-share, and shares at the same time: leave one of them out");
        if (s->from && access(s->from, X_OK) < 0)
                return error_sys(e, -errno, "cannot share from '%s'", s->from);
        return 0;
}

static bool is_directory(const char *path)
{
        struct stat st;
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_portage(const StoreImage *made)
{
        _cleanup_close_ int fd = store_image_open(made, "/etc/portage", O_RDONLY | O_DIRECTORY);
        return fd >= 0;
}

/* What berth keeps for all machines, or what was named. */
static char *kept_directory(const MachineHost *h, const CreateShares *options, const char *name)
{
        _cleanup_free_ char *dir = options->from ? realpath(options->from, NULL) : path_join(h->state_dir, "shares/gentoo");

        return dir ? path_join(dir, name) : NULL;
}

char *create_shares_repos(const MachineHost *h, const CreateShares *s)
{
        return kept_directory(h, s, "repos");
}

/* The host's own where that is a Gentoo, else a place that berth keeps for all machines. */
static int directory_of(const MachineHost *h, const CreateShares *options, const Share *s, char **ret, Error *e)
{
        if (!options->from && is_directory(s->path)) {
                *ret = xstrdup(s->path);
                return 0;
        }
        _cleanup_free_ char *path = kept_directory(h, options, s->name);
        if (!path)
                return error_sys(e, -errno, "cannot share from '%s'", options->from);
        int r = file_mkdir_p(path, 0755);
        if (r < 0)
                return error_sys(e, r, "cannot make the shared directory '%s'", path);
        *ret = TAKE_PTR(path);
        return 0;
}

int create_shares_directory(const MachineHost *h, const CreateShares *s, const char *name, char **ret, Error *e)
{
        for (size_t i = 0; i < ELEMENTSOF(shares); i++)
                if (str_eq(shares[i].name, name))
                        return directory_of(h, s, &shares[i], ret, e);
        return error_set(e, -ENOENT, "there is no share '%s'", name);
}

/* Colons separate; a backslash takes their meaning away (systemd.nspawn(5)). */
static void add_path(Buf *b, const char *path)
{
        for (; *path; path++)
                buf_addf(b, "%s%c", *path == ':' || *path == '\\' ? "\\" : "", *path);
}

static void add_bind(Writer *w, bool read_only, const char *source, const char *target)
{
        _cleanup_close_ int fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || strchr(source, '\n'))
                return;
        if (sys_idmap_supported(fd) == 0) { /* its files would belong to nobody */
                events_warning(&w->host->events, "'%s' is not shared: its file system has no ID-mapped mounts", source);
                return;
        }
        buf_adds(&w->text, read_only ? "BindReadOnly=" : "Bind=");
        add_path(&w->text, source);
        buf_adds(&w->text, ":");
        add_path(&w->text, target);
        buf_adds(&w->text, ":idmap\n");
        w->n++;
}

static void add_repository(Writer *w, const char *name, const char *path)
{
        _cleanup_free_ char *target = path_join("/var/db/repos", name);

        if (strv_contains(w->names, name))
                return;
        strv_push(&w->names, name);
        add_bind(w, true, path, target);
}

/* Those of the command line first: who names one there means it. What is no directory here is not to be bound. */
static int add_named_repositories(Writer *w, char *const *repos, Error *e)
{
        GentooRepos known = {0};
        int r = 0;

        STRV_FOREACH (repo, repos) {
                _cleanup_free_ char *dir = create_shares_repos(w->host, w->options), *name = NULL, *path = NULL;
                GentooRepoWord word;
                gentoo_repo_word(*repo, dir, &word);
                name = word.name;
                path = word.path;
                if (r >= 0 && is_directory(path))
                        r = gentoo_repos_add(&known, NULL, path, e);
        }
        for (size_t i = 0; i < known.n && r >= 0; i++)
                add_repository(w, known.items[i].name, known.items[i].path);
        gentoo_repos_done(&known);
        return r;
}

static void add_repositories(Writer *w, const char *dir)
{
        struct dirent **list;
        int n = scandir(dir, &list, NULL, alphasort);

        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = path_join(dir, list[i]->d_name);
                if (list[i]->d_name[0] != '.' && is_directory(path))
                        add_repository(w, list[i]->d_name, path);
                free(list[i]);
        }
        if (n >= 0)
                free(list);
}

static int add_shares(Writer *w, char *const *repos, Error *e)
{
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(shares) && r >= 0; i++) {
                const Share *s = &shares[i];
                _cleanup_free_ char *dir = NULL;
                if (w->options->names && !strv_contains(w->options->names, s->name))
                        continue;
                r = s->each ? add_named_repositories(w, repos, e) : 0;
                if (r >= 0)
                        r = directory_of(w->host, w->options, s, &dir, e);
                if (r < 0)
                        break;
                if (s->each)
                        add_repositories(w, dir);
                else
                        add_bind(w, s->read_only, dir, s->path);
        }
        return r;
}

static int write_settings(Writer *w, const char *name, Error *e)
{
        _cleanup_free_ char *path = written_path(w->host, name);
        int r = written_make(w->host, name, w->text.data);

        if (r == -EEXIST) {
                events_warning(&w->host->events, "nothing is shared with '%s': '%s' exists, and is left as it is", name, path);
                return 0;
        }
        if (r < 0)
                return error_sys(e, r, "cannot write '%s'", path);
        events_note(&w->host->events, "shares %zu director%s with other Gentoo machines: %s", w->n, w->n == 1 ? "y" : "ies",
                    path);
        return 1;
}

int create_shares_write(const MachineHost *h, const CreateShares *s, char *const *repos, const StoreImage *made, Error *e)
{
        Writer w = {.host = h, .options = s};

        if (s->off)
                return 0;
        if (!has_portage(made))
                return s->asked || s->from
                                       ? error_set(e, -EINVAL, "'%s' is no Gentoo: it has no /etc/portage, and shares nothing",
                                                   made->name)
                                       : 0;
        buf_adds(&w.text,
                 WRITTEN_MARK ": what Gentoo machines of this host share. 'berth remove' takes it away again.\n[Files]\n");
        int r = add_shares(&w, repos, e);
        if (r >= 0 && w.n > 0)
                r = write_settings(&w, made->name, e);
        buf_done(&w.text);
        strv_free(w.names);
        return r;
}
