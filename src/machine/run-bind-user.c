/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "base/strv.h"
#include "machine/run-wants.h"

#define ACCOUNTS_MAX (4 * 1024 * 1024)
#define UID_FIRST    60514U
#define UID_LAST     60577U

/* Names and IDs of the image that a bound user must not have: of each line the first and the third field count. */
static void read_accounts(const StoreImage *image, const char *path, bool groups, HostFacts *f)
{
        _cleanup_close_ int fd = store_image_open(image, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ char *text = NULL;
        struct {
                uint32_t *items;
                size_t n;
        } ids = {f->image_uids, f->n_image_uids};

        if (fd < 0 || file_read_fd(fd, ACCOUNTS_MAX, &text, NULL) < 0)
                return;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                char *name = strsep(&line, ":");
                uint32_t id;
                (void)strsep(&line, ":");
                char *number = strsep(&line, ":");
                if (!number)
                        continue;
                if (str_parse_u32(number, &id) >= 0 && id >= UID_FIRST && id <= UID_LAST) {
                        /* vec_grow() doubles at powers of two, which another array's length need not be */
                        ids.items = xreallocarray(ids.items, ids.n + 1, sizeof(*ids.items));
                        ids.items[ids.n++] = id;
                }
                for (size_t i = 0; i < f->n_bind_users; i++)
                        if (str_eq(f->bind_users[i].name, name))
                                *(groups ? &f->bind_users[i].group_taken : &f->bind_users[i].name_taken) = true;
        }
        f->image_uids = ids.items;
        f->n_image_uids = ids.n;
}

/* The host's files are read as they are: name services other than these would have to be loaded, and berth loads nothing. */
static char *read_password(const char *name)
{
        _cleanup_fclose_ FILE *f = fopen("/etc/shadow", "re");
        const struct spwd *s = NULL;

        while (f && (s = fgetspent(f)) && !str_eq(s->sp_namp, name))
                ;
        return s && s->sp_pwdp && *s->sp_pwdp == '$' ? xstrdup(s->sp_pwdp) : NULL; /* a locked account has none */
}

static int read_user(const char *name, FactUser *u, Error *e)
{
        _cleanup_fclose_ FILE *f = fopen("/etc/passwd", "re");
        const struct passwd *p = NULL;

        while (f && (p = fgetpwent(f)) && !str_eq(p->pw_name, name))
                ;
        if (!p)
                return error_set(e, -ENOENT, "there is no user '%s' to bind in the host's /etc/passwd", name);
        if (p->pw_uid == 0 || p->pw_uid == 65534)
                return error_set(e, -EINVAL, "user '%s' cannot be bound: every machine has one of its own", name);
        u->name = xstrdup(p->pw_name);
        u->uid = p->pw_uid;
        u->gid = p->pw_gid;
        u->real_name = xstrndup(p->pw_gecos ?: "", strcspn(p->pw_gecos ?: "", ","));
        u->home = xstrdup(p->pw_dir);
        u->shell = p->pw_shell && *p->pw_shell ? xstrdup(p->pw_shell) : NULL;
        u->password = read_password(name);
        return 0;
}

int machine_facts_bind_users(const Target *t, HostFacts *f, Error *e)
{
        char *const *names = t->spec.bind_users;

        f->bind_users = xnew(FactUser, strv_len(names));
        STRV_FOREACH (name, names) {
                int r = read_user(*name, &f->bind_users[f->n_bind_users++], e);
                if (r < 0)
                        return r;
        }
        read_accounts(&t->image, "/etc/passwd", false, f);
        read_accounts(&t->image, "/etc/group", true, f);
        return 0;
}
