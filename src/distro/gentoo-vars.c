/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-vars.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/strv.h"

typedef struct Scanner {
        Slice rest;
        size_t line;
        bool expand;
        const char *origin;
        char ***variables;
} Scanner;

static int bad(const Scanner *s, const char *why, Error *e)
{
        return error_set(e, -EINVAL, "%s:%zu: %s", s->origin, s->line, why);
}

static int peek(const Scanner *s)
{
        return s->rest.n > 0 ? (unsigned char)s->rest.s[0] : -1;
}

static int next(Scanner *s)
{
        int c = peek(s);
        if (c < 0)
                return -1;
        s->line += c == '\n';
        s->rest.s++;
        s->rest.n--;
        return c;
}

static void skip_blanks(Scanner *s)
{
        while (peek(s) >= 0 && (isspace(peek(s)) || peek(s) == '#')) {
                if (next(s) != '#')
                        continue;
                while (peek(s) >= 0 && peek(s) != '\n')
                        (void)next(s);
        }
}

static Slice take_name(Scanner *s)
{
        Slice name = {s->rest.s, 0};
        while (peek(s) >= 0 && (isalnum(peek(s)) || peek(s) == '_')) {
                (void)next(s);
                name.n++;
        }
        return name;
}

/* Behind a "$": NAME or {NAME}. */
static void take_reference(Scanner *s, Buf *value)
{
        bool braces = peek(s) == '{';
        Slice before = s->rest;

        if (braces)
                (void)next(s);
        Slice name = take_name(s);
        if (name.n == 0 || (braces && peek(s) != '}')) {
                s->rest = before;
                buf_adds(value, "$");
                return;
        }
        if (braces)
                (void)next(s);
        _cleanup_free_ char *key = slice_dup(name);
        buf_adds(value, strv_env_get(*s->variables, key) ?: "");
}

static void take_escaped(Scanner *s, bool quoted, Buf *value)
{
        int c = next(s);
        if (c < 0 || c == '\n')
                return;
        if (quoted && !strchr("\"\\$`", c))
                buf_adds(value, "\\");
        buf_append(value, &(char){(char)c}, 1);
}

static int take_single(Scanner *s, Buf *value, Error *e)
{
        for (int c; (c = next(s)) != '\'';) {
                if (c < 0)
                        return bad(s, "a quotation does not end", e);
                buf_append(value, &(char){(char)c}, 1);
        }
        return 0;
}

static int take_double(Scanner *s, Buf *value, Error *e)
{
        for (int c; (c = next(s)) != '"';) {
                if (c < 0)
                        return bad(s, "a quotation does not end", e);
                if (c == '\\')
                        take_escaped(s, true, value);
                else if (c == '$' && s->expand)
                        take_reference(s, value);
                else
                        buf_append(value, &(char){(char)c}, 1);
        }
        return 0;
}

/* Up to the first blank that is not quoted. */
static int take_value(Scanner *s, Buf *value, Error *e)
{
        int k = 0;

        while (k >= 0 && peek(s) >= 0 && !isspace(peek(s))) {
                int c = next(s);
                if (c == '\'')
                        k = take_single(s, value, e);
                else if (c == '"')
                        k = take_double(s, value, e);
                else if (c == '\\')
                        take_escaped(s, false, value);
                else if (c == '$' && s->expand)
                        take_reference(s, value);
                else
                        buf_append(value, &(char){(char)c}, 1);
        }
        return k;
}

static int take_assignment(Scanner *s, Error *e)
{
        _cleanup_buf_ Buf value = {0};
        Slice name = take_name(s);

        if (slice_eq_str(name, "export") && peek(s) == ' ') {
                skip_blanks(s);
                name = take_name(s);
        }
        if (name.n == 0 || isdigit((unsigned char)name.s[0]) || peek(s) != '=')
                return bad(s, "this is no assignment; write NAME=\"VALUE\"", e);
        (void)next(s);
        int k = take_value(s, &value, e);
        if (k < 0)
                return k;
        _cleanup_free_ char *assignment = xasprintf("%.*s=%s", (int)name.n, name.s, value.data ?: "");
        strv_env_set(s->variables, assignment);
        return 0;
}

int gentoo_vars_parse(Slice text, bool expand, const char *origin, char ***variables, Error *e)
{
        Scanner s = {.rest = text, .line = 1, .expand = expand, .origin = origin, .variables = variables};
        int k = 0;

        if (text.n > 0 && memchr(text.s, '\0', text.n))
                return error_set(e, -EINVAL, "%s is no text file", origin);
        for (skip_blanks(&s); k >= 0 && peek(&s) >= 0; skip_blanks(&s))
                k = take_assignment(&s, e);
        return k;
}

void gentoo_incremental_add(char ***list, Slice word)
{
        char **v = *list;
        bool away = word.n > 1 && word.s[0] == '-', all = slice_eq_str(word, "-*");
        Slice name = away ? (Slice){word.s + 1, word.n - 1} : word;
        size_t kept = 0;
        bool found = false;

        for (size_t i = 0; v && v[i]; i++) {
                bool same = slice_eq_str(name, v[i]);
                found |= same && !away;
                if (all || (away && same))
                        free(v[i]);
                else
                        v[kept++] = v[i];
        }
        if (v)
                v[kept] = NULL;
        if (!away && !found)
                strv_consume(list, slice_dup(word));
}

char **gentoo_incremental(const char *words)
{
        Slice rest = {words, words ? strlen(words) : 0}, word;
        char **list = NULL;

        while (slice_word(&rest, 0, &word))
                gentoo_incremental_add(&list, word);
        return list;
}
