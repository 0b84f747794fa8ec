/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/run-packages.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "sys/open.h"

#define RECORDS_MAX (128U * 1024 * 1024)

void packages_done(Packages *p)
{
        for (size_t i = 0; i < p->n; i++) {
                free(p->items[i].name);
                free(p->items[i].version);
        }
        free(p->items);
        *p = (Packages){0};
}

static void add(Packages *p, char *take_name, char *take_version)
{
        *vec_push(p) = (Package){take_name, take_version};
}

/* 0 and NULL when it is not there, or no regular file. */
static int read_records(int root, const char *path, char **ret, Error *e)
{
        _cleanup_close_ int fd = sys_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        struct stat st;

        *ret = NULL;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return 0;
        int r = file_read_fd(fd, RECORDS_MAX, ret, NULL);
        return r < 0 ? error_sys(e, r, "cannot read '/%s'", path) : 0;
}

/* ---- records in one file: lines "KEY: value", empty lines between ---- */

typedef struct Format {
        const char *path, *name, *version, *arch, *status; /* arch, status may be NULL */
} Format;

typedef struct Stanza {
        char *name, *version, *arch;
        bool absent;
} Stanza;

static void finish(Packages *p, Stanza *s)
{
        if (s->name && s->version && !s->absent) {
                add(p, s->arch ? xasprintf("%s:%s", s->name, s->arch) : xstrdup(s->name), s->version);
                s->version = NULL;
        }
        free(s->name);
        free(s->version);
        free(s->arch);
        *s = (Stanza){0};
}

static void take(char **member, const char *line, const char *key)
{
        const char *value = key ? str_startswith(line, key) : NULL;

        if (value && !*member)
                *member = xstrdup(value + strspn(value, " "));
}

static void parse(Packages *p, const Format *f, char *text)
{
        Stanza s = {0};

        for (char *line = text, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                if (!*line)
                        finish(p, &s);
                take(&s.name, line, f->name);
                take(&s.version, line, f->version);
                take(&s.arch, line, f->arch);
                if (f->status && str_startswith(line, f->status))
                        s.absent = !str_endswith(line, " installed");
        }
        finish(p, &s);
}

static int read_files(int root, Packages *p, Error *e)
{
        static const Format formats[] = {
                        {"var/lib/dpkg/status", "Package:", "Version:", "Architecture:", "Status:"},
                        {"lib/apk/db/installed", "P:", "V:", NULL, NULL},
                        {"usr/lib/apk/db/installed", "P:", "V:", NULL, NULL},
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(formats) && r >= 0; i++) {
                _cleanup_free_ char *text = NULL;
                r = read_records(root, formats[i].path, &text, e);
                if (text)
                        parse(p, &formats[i], text);
        }
        return r;
}

/* ---- records that are directories: NAME-VERSION ---- */

/* pacman: NAME-VERSION-RELEASE; Portage: NAME-VERSION[-rREVISION], whose version begins with a digit. */
static const char *version_in(const char *entry, bool portage)
{
        const char *last = strrchr(entry, '-'), *before = NULL;

        for (const char *p = entry; last && p < last; p++)
                if (*p == '-')
                        before = p;
        if (!portage)
                return before;
        bool revision = last && last[1] == 'r' && isdigit((unsigned char)last[2]);
        const char *at = revision ? before : last;
        return at && isdigit((unsigned char)at[1]) ? at : NULL;
}

static void add_entries(int root, const char *path, const char *category, Packages *p)
{
        _cleanup_close_ int fd = sys_open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0);
        _cleanup_closedir_ DIR *dir = NULL;

        if (fd < 0 || fd_opendir(fd, ".", &dir) < 0)
                return;
        for (const struct dirent *d; (d = readdir(dir));) {
                const char *at = *d->d_name == '.' ? NULL : version_in(d->d_name, category != NULL);
                if (!at)
                        continue;
                _cleanup_free_ char *name = xstrndup(d->d_name, (size_t)(at - d->d_name));
                add(p, category ? xasprintf("%s/%s", category, name) : xstrdup(name), xstrdup(at + 1));
        }
}

static void read_portage(int root, Packages *p)
{
        _cleanup_close_ int fd = sys_open_in_root(root, "var/db/pkg", O_RDONLY | O_DIRECTORY, 0);
        _cleanup_closedir_ DIR *dir = NULL;

        if (fd < 0 || fd_opendir(fd, ".", &dir) < 0)
                return;
        for (const struct dirent *d; (d = readdir(dir));) {
                _cleanup_free_ char *path = xasprintf("var/db/pkg/%s", d->d_name);
                if (*d->d_name != '.')
                        add_entries(root, path, d->d_name, p);
        }
}

static bool has_rpm(int root)
{
        static const char *const paths[] = {"var/lib/rpm/rpmdb.sqlite",         "var/lib/rpm/Packages",
                                            "var/lib/rpm/Packages.db",          "usr/lib/sysimage/rpm/rpmdb.sqlite",
                                            "usr/lib/sysimage/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages"};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_close_ int fd = sys_open_in_root(root, paths[i], O_PATH, 0);
                if (fd >= 0)
                        return true;
        }
        return false;
}

static int by_name(const void *a, const void *b)
{
        const Package *x = a, *y = b;

        return strcmp(x->name, y->name) ?: strcmp(x->version, y->version);
}

int packages_read(int root_dirfd, Packages *ret, Error *e)
{
        *ret = (Packages){.has_rpm = has_rpm(root_dirfd)};
        int r = read_files(root_dirfd, ret, e);

        add_entries(root_dirfd, "var/lib/pacman/local", NULL, ret);
        read_portage(root_dirfd, ret);
        if (ret->n > 1)
                qsort(ret->items, ret->n, sizeof(*ret->items), by_name);
        if (r < 0)
                packages_done(ret);
        return r;
}
