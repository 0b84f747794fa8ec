/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/cli.h"

static const char *const change_words[] = {[CHANGE_ADDED] = "added", [CHANGE_CHANGED] = "changed", [CHANGE_REMOVED] = "removed"};
static const char change_signs[] = {[CHANGE_ADDED] = '+', [CHANGE_CHANGED] = '~', [CHANGE_REMOVED] = '-'};

static char **what_words(unsigned what)
{
        static const struct {
                unsigned bit;
                const char *word;
        } rows[] = {{DIFF_CONTENT, "content"},
                    {DIFF_MODE, "mode"},
                    {DIFF_OWNER, "owner"},
                    {DIFF_ATTRIBUTES, "attributes"},
                    {DIFF_TIME, "time"}};
        char **words = NULL;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (what & rows[i].bit)
                        strv_push(&words, rows[i].word);
        return words;
}

static void add_path(Buf *b, const char *path) /* one line, whatever is in a name */
{
        for (const char *p = path; *p; p++)
                if ((unsigned char)*p < ' ' || *p == '\\' || *p == 0x7f)
                        buf_addf(b, "\\%03o", (unsigned char)*p);
                else
                        buf_append(b, p, 1);
}

static void text(Buf *b, const MachineDiff *d)
{
        for (size_t i = 0; i < d->files.n; i++) {
                const DiffFile *f = &d->files.items[i];
                _cleanup_strv_ char **words = what_words(f->what);
                _cleanup_free_ char *list = words ? strv_join(words, ", ") : NULL;
                buf_addf(b, "%c ", change_signs[f->change]);
                add_path(b, f->path);
                buf_addf(b, list ? "  (%s)\n" : "\n", list);
        }
        if (d->packages.n > 0)
                buf_adds(b, d->files.n > 0 ? "\nPackages:\n" : "Packages:\n");
        for (size_t i = 0; i < d->packages.n; i++) {
                const DiffPackage *p = &d->packages.items[i];
                buf_addf(b, "%c %s %s%s%s\n", change_signs[p->change], p->name, p->from ?: "", p->from && p->to ? " -> " : "",
                         p->to ?: "");
        }
}

static void summary(Buf *b, const MachineDiff *d)
{
        size_t n[_CHANGE_MAX] = {0};
        for (size_t i = 0; i < d->packages.n; i++)
                n[d->packages.items[i].change]++;
        buf_addf(b, "%sFiles: %zu added, %zu changed, %zu removed.", b->len ? "\n" : "", d->counts[CHANGE_ADDED],
                 d->counts[CHANGE_CHANGED], d->counts[CHANGE_REMOVED]);
        if (d->packages.n > 0)
                buf_addf(b, " Packages: %zu added, %zu of another version, %zu removed.", n[CHANGE_ADDED], n[CHANGE_CHANGED],
                         n[CHANGE_REMOVED]);
        buf_adds(b, "\n");
}

static void to_json(Json *j, const MachineDiff *d)
{
        json_open(j, '{');
        json_key(j, "files");
        json_open(j, '[');
        for (size_t i = 0; i < d->files.n; i++) {
                const DiffFile *f = &d->files.items[i];
                _cleanup_strv_ char **words = what_words(f->what);
                json_open(j, '{');
                json_field_str(j, "path", f->path);
                json_field_str(j, "change", change_words[f->change]);
                json_field_strv(j, "what", words);
                json_close(j, '}');
        }
        json_close(j, ']');
        json_key(j, "packages");
        json_open(j, '[');
        for (size_t i = 0; i < d->packages.n; i++) {
                const DiffPackage *p = &d->packages.items[i];
                json_open(j, '{');
                json_field_str(j, "name", p->name);
                json_field_str(j, "change", change_words[p->change]);
                json_field_str(j, "from", p->from);
                json_field_str(j, "to", p->to);
                json_close(j, '}');
        }
        json_close(j, ']');
        json_close(j, '}');
}

static int print(const Cli *c, const MachineDiff *d, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        if (c->options.json == FORMAT_OFF) {
                text(&b, d);
                if (!c->options.no_legend)
                        summary(&b, d);
                return cli_print(&b, e);
        }
        Json j = {.pretty = c->options.json == FORMAT_PRETTY};
        to_json(&j, d);
        buf_adds(&j.out, "\n");
        int r = cli_print(&j.out, e);
        buf_done(&j.out);
        return r;
}

/* NAME@A against the machine as it is, or against NAME@B. */
int cli_diff(Cli *c, Error *e)
{
        const char *at = strchr(c->words[0], '@'), *to = c->words[1];
        MachineDiff d;
        if (!at)
                return error_set(e, -EINVAL, "'%s' is no snapshot: NAME@SNAPSHOT; 'berth snapshots %s' lists them", c->words[0],
                                 c->words[0]);
        _cleanup_free_ char *name = xstrndup(c->words[0], (size_t)(at - c->words[0]));
        const char *rest = to ? str_startswith(to, name) : NULL;
        if (to && (!rest || (*rest && *rest != '@')))
                return error_set(e, -EINVAL, "'%s' is not a state of machine '%s': %s@SNAPSHOT, or %s as it is", to, name, name,
                                 name);
        int r = machine_diff(&c->host, name, at + 1, rest && *rest == '@' ? rest + 1 : NULL, &d, e);
        if (r < 0)
                return r;
        r = print(c, &d, e);
        machine_diff_done(&d);
        return r;
}
