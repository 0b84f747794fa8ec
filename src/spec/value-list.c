/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of words: the command, the environment. */

#include "spec/value.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/strv.h"

/* Words by blanks; '…' and "…" quote. A backslash is a character like others: systemd.nspawn(5) takes these values so. */
#define BLANKS " \t\r\n"

static int word_read(const char **p, char **ret)
{
        _cleanup_buf_ Buf word = {};
        char quote = '\0';

        buf_adds(&word, "");
        for (; **p && (quote || !strchr(BLANKS, **p));) {
                char c = *(*p)++;
                if (quote ? c == quote : c == '"' || c == '\'')
                        quote = quote ? '\0' : c;
                else
                        buf_append(&word, &c, 1);
        }
        if (quote)
                return -EINVAL;
        *ret = buf_take(&word);
        return 0;
}

static int words_read(const char *text, char ***ret, Error *e)
{
        const char *p = text;

        for (;;) {
                char *word;
                p += strspn(p, BLANKS);
                if (!*p)
                        return 0;
                if (word_read(&p, &word) < 0)
                        return error_set(e, -EINVAL, "the quoting in '%s' has no end", text);
                strv_consume(ret, word);
        }
}

static char *word_quote(const char *s)
{
        Buf out = {};

        buf_adds(&out, "\"");
        for (; *s; s++)
                if (*s == '"')
                        buf_adds(&out, "\"'\"'\"");
                else
                        buf_append(&out, s, 1);
        buf_adds(&out, "\"");
        return buf_take(&out);
}

static int strv_value_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        if (variant == VARIANT_WORDS)
                return words_read(text, VALUE_MEMBER(char **, s, f), e);
        strv_push(VALUE_MEMBER(char **, s, f), text);
        return 0;
}
void value_strv_format(const MachineSpec *s, SpecField f, ValueVariant variant, char ***ret)
{
        _cleanup_strv_ char **words = NULL;

        STRV_FOREACH (w, *VALUE_MEMBER(char **, s, f)) {
                if (variant == VARIANT_WORDS)
                        strv_consume(&words, word_quote(*w));
                else
                        strv_push(ret, *w);
        }
        if (words)
                strv_consume(ret, strv_join(words, " "));
}
void value_strv_take(MachineSpec *to, MachineSpec *from, SpecField f)
{
        *VALUE_MEMBER(char **, to, f) = TAKE_PTR(*VALUE_MEMBER(char **, from, f));
}
void value_strv_clear(MachineSpec *s, SpecField f)
{
        *VALUE_MEMBER(char **, s, f) = strv_free(*VALUE_MEMBER(char **, s, f));
}
const ValueType value_strv = {strv_value_parse, value_strv_format, value_strv_take, value_strv_clear, NULL, true};

static bool is_assignment(const char *s)
{
        const char *c = s;

        if (!isalpha((unsigned char)*c) && *c != '_')
                return false;
        while (isalnum((unsigned char)*c) || *c == '_')
                c++;
        return *c == '=';
}

static int environment_add(MachineSpec *s, const char *assignment, Error *e)
{
        if (!is_assignment(assignment))
                return error_set(e, -EINVAL, "'%s' is no assignment of an environment variable, NAME=VALUE", assignment);
        strv_env_set(&s->environment, assignment);
        return 0;
}
static int environment_parse(MachineSpec *s, SpecField f, ValueVariant variant, const char *text, Error *e)
{
        _cleanup_strv_ char **words = NULL;

        if (variant != VARIANT_WORDS)
                return environment_add(s, text, e);
        int r = words_read(text, &words, e);
        for (char **w = words; r >= 0 && w && *w; w++)
                r = environment_add(s, *w, e);
        return r;
}
const ValueType value_environment = {environment_parse, value_strv_format, value_strv_take, value_strv_clear, NULL, true};
