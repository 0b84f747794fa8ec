/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/deb-database.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "distro/deb822.h"

#define DPKG "var/lib/dpkg/"

void deb_unpacked_done(DebUnpacked *u)
{
        free(u->name);
        free(u->arch);
        free(u->info);
        strv_free(u->paths);
        unpack_result_done(&u->rest);
        *u = (DebUnpacked){0};
}

static const UnpackFile *find_control(const UnpackResult *r, const char *name)
{
        for (size_t i = 0; i < r->n_control; i++)
                if (str_eq(r->control[i].name, name))
                        return &r->control[i];
        return NULL;
}

/* Names go into paths. */
static bool is_file_name(Slice s)
{
        if (s.n == 0 || s.n > 200 || s.s[0] == '.')
                return false;
        for (size_t i = 0; i < s.n; i++)
                if (s.s[i] == '/' || (unsigned char)s.s[i] <= ' ')
                        return false;
        return true;
}

static int identify(Slice control, DebUnpacked *ret, Error *e)
{
        Slice name = deb822_get(control, "Package"), arch = deb822_get(control, "Architecture");

        if (!is_file_name(name) || !is_file_name(arch))
                return error_set(e, -EBADMSG, "the package's control file has no proper name and architecture");
        ret->name = slice_dup(name);
        ret->arch = slice_dup(arch);
        /* dpkg's rule for when a name alone is ambiguous. */
        bool same = slice_caseeq(deb822_get(control, "Multi-Arch"), SLICE("same"));
        ret->info = same ? xasprintf("%s:%s", ret->name, ret->arch) : xstrdup(ret->name);
        return 0;
}

static void add_info(DebDatabase *db, const DebUnpacked *u, const UnpackFile *f)
{
        _cleanup_free_ char *path = xasprintf(DPKG "info/%s.%s", u->info, f->name);

        tar_file(db->tar, path, f->data, f->len, f->mode & 0777);
}

static void add_list(DebDatabase *db, const DebUnpacked *u)
{
        _cleanup_free_ char *path = xasprintf(DPKG "info/%s.list", u->info);
        _cleanup_buf_ Buf text = {0};

        STRV_FOREACH (p, u->paths)
                buf_addf(&text, "%s\n", *p);
        tar_file(db->tar, path, text.data ?: "", text.len, 0644);
}

/* The control fields with the state put in; dpkg sorts fields when it writes the file the next time. */
static void add_status(DebDatabase *db, Slice control, char *const *conffiles)
{
        Slice name, value, rest = control;

        while (deb822_next_field(&rest, &name, &value)) {
                if (slice_caseeq(name, SLICE("Status")) || slice_caseeq(name, SLICE("Conffiles")))
                        continue;
                buf_addf(&db->status, "%.*s: %.*s\n", (int)name.n, name.s, (int)value.n, value.s);
                if (slice_caseeq(name, SLICE("Package")))
                        buf_adds(&db->status, "Status: install ok unpacked\n");
        }
        if (conffiles && *conffiles)
                buf_adds(&db->status, "Conffiles:\n");
        STRV_FOREACH (c, conffiles)
                buf_addf(&db->status, " %s\n", *c);
        buf_adds(&db->status, "\n");
}

/* "PATH MD5" of the one that begins with `path`. */
static const char *find_digest(const UnpackResult *r, Slice path)
{
        STRV_FOREACH (d, r->conffile_digests)
                if (strncmp(*d, path.s, path.n) == 0 && (*d)[path.n] == ' ')
                        return *d;
        return NULL;
}

/* What the status file says of configuration files: those that are there with their digests, and those to remove on an
 * upgrade. */
static char **conffile_lines(const UnpackResult *r, const UnpackFile *conffiles)
{
        Slice text = conffiles ? (Slice){conffiles->data, conffiles->len} : (Slice){"", 0}, line, path;
        char **lines = NULL;

        while (slice_until(&text, '\n', &line)) {
                Slice rest = line;
                const char *digest = find_digest(r, line);
                if (digest)
                        strv_push(&lines, digest);
                else if (slice_word(&rest, 0, &path) && slice_eq_str(path, "remove-on-upgrade") && slice_word(&rest, 0, &path))
                        strv_pushf(&lines, "%.*s newconffile remove-on-upgrade", (int)path.n, path.s);
        }
        return lines;
}

static Buf *trigger_lines(DebDatabase *db, const char *name)
{
        for (size_t i = 0; i < db->triggers.n; i++)
                if (str_eq(db->triggers.items[i].name, name))
                        return &db->triggers.items[i].lines;
        struct DebTrigger *t = vec_push(&db->triggers);
        t->name = xstrdup(name);
        return &t->lines;
}

/* deb-triggers(5): who wants to know of what. Activations are of no concern: a package that is not configured yet ignores
 * them. */
static void add_triggers(DebDatabase *db, const DebUnpacked *u, const UnpackFile *f)
{
        Slice text = {f->data, f->len}, line, word, name;

        while (slice_until(&text, '\n', &line)) {
                if (!slice_word(&line, 0, &word) || !slice_word(&line, 0, &name))
                        continue;
                bool noawait = slice_eq_str(word, "interest-noawait");
                if (!noawait && !slice_eq_str(word, "interest") && !slice_eq_str(word, "interest-await"))
                        continue;
                const char *suffix = noawait ? "/noawait" : "";
                _cleanup_free_ char *trigger = slice_dup(name);
                if (trigger[0] == '/')
                        buf_addf(&db->file_triggers, "%s %s%s\n", trigger, u->info, suffix);
                else if (is_file_name(name))
                        buf_addf(trigger_lines(db, trigger), "%s%s\n", u->info, suffix);
        }
}

static Slice control_stanza(const UnpackResult *r)
{
        const UnpackFile *control = find_control(r, "control");
        Slice rest = control ? (Slice){control->data, control->len} : (Slice){"", 0}, stanza = {"", 0};

        (void)deb822_next_stanza(&rest, &stanza);
        return stanza;
}

int deb_unpacked_take(DebUnpacked *ret, UnpackResult *r, Error *e)
{
        const UnpackFile *preinst = find_control(r, "preinst");
        int k = identify(control_stanza(r), ret, e);

        if (k < 0)
                return k;
        ret->preinst = preinst;
        ret->postinst = find_control(r, "postinst");
        ret->diverts = preinst && memmem(preinst->data, preinst->len, "dpkg-divert", strlen("dpkg-divert"));
        ret->paths = TAKE_PTR(r->paths);
        ret->rest = *r;
        *r = (UnpackResult){0};
        return 0;
}

void deb_database_add(DebDatabase *db, const DebUnpacked *u)
{
        const UnpackResult *r = &u->rest;
        const UnpackFile *control = find_control(r, "control"), *triggers = find_control(r, "triggers");

        for (size_t i = 0; i < r->n_control; i++) {
                const UnpackFile *f = &r->control[i];
                /* As dpkg: what has a dot in its name is not taken, control goes to the status file. */
                if (f != control && !strchr(f->name, '.') && !strchr(f->name, '/'))
                        add_info(db, u, f);
        }
        add_list(db, u);
        _cleanup_strv_ char **conffiles = conffile_lines(r, find_control(r, "conffiles"));
        add_status(db, control_stanza(r), conffiles);
        if (triggers)
                add_triggers(db, u, triggers);
}

/* Packages come in the order in which the workers finish them; the files shall not tell. */
static void add_sorted(DebDatabase *db, const char *name, const Buf *lines)
{
        _cleanup_strv_ char **v = strv_split(lines->data ?: "", "\n");
        _cleanup_free_ char *path = xasprintf(DPKG "triggers/%s", name);
        _cleanup_buf_ Buf text = {0};

        strv_sort(v);
        STRV_FOREACH (line, v)
                buf_addf(&text, "%s\n", *line);
        tar_file(db->tar, path, text.data ?: "", text.len, 0644);
}

void deb_database_finish(DebDatabase *db, const char *arch)
{
        _cleanup_free_ char *arch_line = xasprintf("%s\n", arch);

        tar_file(db->tar, DPKG "status", db->status.data ?: "", db->status.len, 0644);
        tar_file(db->tar, DPKG "arch", arch_line, strlen(arch_line), 0644);
        tar_file(db->tar, DPKG "info/format", "1\n", 2, 0644);
        add_sorted(db, "File", &db->file_triggers);
        for (size_t t = 0; t < db->triggers.n; t++)
                add_sorted(db, db->triggers.items[t].name, &db->triggers.items[t].lines);
}

void deb_database_done(DebDatabase *db)
{
        buf_done(&db->status);
        buf_done(&db->file_triggers);
        for (size_t i = 0; i < db->triggers.n; i++) {
                free(db->triggers.items[i].name);
                buf_done(&db->triggers.items[i].lines);
        }
        free(db->triggers.items);
        *db = (DebDatabase){0};
}
