/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Grammar, as systemd.syntax(7): lines; a line that ends with a backslash goes on in the next one, joined by a blank, comment lines
 * between left out. Empty lines and lines that begin with "#" or ";" say nothing. "[Section]". "Key=Value", blanks around both dropped.
 * Sections and keys that begin with "X-" are for others and skipped. */

#include "spec/nspawn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/spelling.h"

#define FILE_MAX_SIZE (1024 * 1024) /* so that a file mistaken for one ends early */

typedef struct Reader {
        MachineSpec *spec;
        const SpecNspawnFile *file;
        const char *rest, *end;
        unsigned line, line_first; /* of the text read so far; where the logical line began */
        char *section;             /* NULL before the first one */
} Reader;

static int refuse(const Reader *r, Error *e, int code)
{
        return error_prefix(e, code, "%s:%u", r->file->name, r->line_first);
}

/* One physical line without its newline; false at the end. */
static bool next_line(Reader *r, const char **ret, size_t *ret_len)
{
        if (r->rest == r->end)
                return false;

        const char *newline = memchr(r->rest, '\n', (size_t)(r->end - r->rest));
        *ret = r->rest;
        *ret_len = (size_t)((newline ?: r->end) - r->rest);
        r->rest = newline ? newline + 1 : r->end;
        if (*ret_len > 0 && (*ret)[*ret_len - 1] == '\r')
                (*ret_len)--;
        r->line++;
        return true;
}

static bool is_comment(const char *line, size_t len)
{
        while (len > 0 && (*line == ' ' || *line == '\t'))
                line++, len--;
        return len > 0 && (*line == '#' || *line == ';');
}

/* A backslash that ends the line and is not itself behind one. */
static bool goes_on(const char *line, size_t len)
{
        bool escaped = false;

        for (size_t i = 0; i < len; i++)
                escaped = !escaped && line[i] == '\\';
        return escaped;
}

/* One logical line; NULL at the end of the file. */
static char *next_logical(Reader *r)
{
        _cleanup_buf_ Buf out = {};
        const char *line;
        size_t len;
        bool going_on = false;

        while (next_line(r, &line, &len)) {
                if (is_comment(line, len))
                        continue;
                if (!going_on)
                        r->line_first = r->line;
                going_on = goes_on(line, len);
                buf_append(&out, line, len - going_on);
                if (!going_on)
                        return buf_take(&out);
                buf_adds(&out, " ");
        }
        return out.len > 0 ? buf_take(&out) : NULL;
}

static int read_section(Reader *r, char *line, Error *e)
{
        static const char *const known[] = {"Exec", "Files", "Network"};
        size_t len = strlen(line);

        if (line[len - 1] != ']')
                return error_set(e, -EINVAL, "the section header '%s' has no closing bracket", line);
        line[len - 1] = '\0';
        bool ok = str_startswith(line + 1, "X-") != NULL;
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                ok = ok || str_eq(known[i], line + 1);
        if (!ok)
                return error_set(e, -EINVAL, "there is no section [%s]; there are [Exec], [Files] and [Network]", line + 1);
        free(r->section);
        r->section = xstrdup(line + 1);
        return 0;
}

static const SpecSpelling *find_key(const char *section, const char *key)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t i = 0; i < n; i++)
                if (str_eq(all[i].section, section) && str_eq(all[i].key, key))
                        return &all[i];
        return NULL;
}

/* Not in the table: in another section, misspelt, or nothing at all. */
static int refuse_key(const Reader *r, const char *key, const char *value, Error *e)
{
        SpecNearest nearest = {.word = key};
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);
        for (size_t i = 0; i < n; i++) {
                if (!all[i].key)
                        continue;
                if (str_eq(all[i].key, key))
                        return error_set(e, -EINVAL, "%s= belongs into section [%s], not [%s]", key, all[i].section, r->section);
                spec_nearest_offer(&nearest, all[i].key);
        }
        if (nearest.best)
                return error_set(e, -EINVAL, "there is no setting %s=; did you mean %s=?", key, nearest.best);
        return error_set(e, -EINVAL, "there is no setting %s=; systemd.nspawn(5) lists them", key);
}

static int apply_key(Reader *r, const char *key, const char *value, Error *e)
{
        const SpecSpelling *sp = find_key(r->section, key);
        if (!sp)
                return refuse_key(r, key, value, e);

        const FieldRow *row = field_row(sp->field);
        if (row->trusted && !r->file->trusted) {
                if (r->file->events)
                        events_warning(r->file->events,
                                       "%s:%u: %s= is left out, as the file is not trusted; a file in /etc/systemd/nspawn is",
                                       r->file->name, r->line_first, key);
                return 0;
        }
        if (*value == '\0') { /* the default again */
                row->type->clear(r->spec, sp->field);
                free(TAKE_PTR(r->spec->origin[sp->field]));
                return 0;
        }
        _cleanup_free_ char *origin = xasprintf("%s:%u", r->file->name, r->line_first);
        int k = spec_apply(r->spec, sp, value, origin, e);
        return k < 0 ? error_prefix(e, k, "%s=", key) : 0;
}

static int read_assignment(Reader *r, char *line, Error *e)
{
        char *equals = strchr(line, '=');

        if (!equals)
                return error_set(e, -EINVAL, "'%s' is no setting; write Key=Value", line);
        if (!r->section)
                return error_set(e, -EINVAL, "'%s' stands before the first section; put [Exec], [Files] or [Network] above it",
                                 line);
        *equals = '\0';
        const char *key = str_strip(line), *value = str_strip(equals + 1);
        if (str_startswith(r->section, "X-") || str_startswith(key, "X-"))
                return 0;
        return apply_key(r, key, value, e);
}

static int read_all(Reader *r, Error *e)
{
        for (;;) {
                _cleanup_free_ char *line = next_logical(r);
                if (!line)
                        return 0;
                char *text = str_strip(line);
                if (!*text)
                        continue;
                int k = *text == '[' ? read_section(r, text, e) : read_assignment(r, text, e);
                if (k < 0)
                        return refuse(r, e, k);
        }
}

/* What of a file that is not trusted may only take away: a filter that also lets calls through is left out as a whole. */
static void drop_untrusted_filter(const Reader *r)
{
        MachineSpec *s = r->spec;
        bool widens = false;

        STRV_FOREACH (w, s->system_call_filter)
                widens = widens || **w != '~';
        if (r->file->trusted || !widens)
                return;
        if (r->file->events)
                events_warning(r->file->events,
                               "%s: SystemCallFilter= is left out, as it lets calls through and the file is not trusted; a file "
                               "in "
                               "/etc/systemd/nspawn is",
                               r->file->name);
        field_row(SPEC_FIELD_SYSTEM_CALL_FILTER)->type->clear(s, SPEC_FIELD_SYSTEM_CALL_FILTER);
        free(TAKE_PTR(s->origin[SPEC_FIELD_SYSTEM_CALL_FILTER]));
}

int spec_read_nspawn(MachineSpec *s, const SpecNspawnFile *file, Error *e)
{
        Reader r = {.spec = s, .file = file, .rest = file->text, .end = file->text + file->len};

        if (file->len > FILE_MAX_SIZE)
                return error_set(e, -E2BIG, "'%s' is too large for a .nspawn file", file->name);
        if (file->len > 0 && memchr(file->text, '\0', file->len))
                return error_set(e, -EINVAL, "'%s' is no text file: there are null bytes in it", file->name);
        int k = read_all(&r, e);
        drop_untrusted_filter(&r);
        free(r.section);
        return k;
}
