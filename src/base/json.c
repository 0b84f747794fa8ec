/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json.h"

#include <inttypes.h>

#include "base/str.h"
#include "base/strv.h"

static void indent(Json *j)
{
        buf_adds(&j->out, "\n");
        for (unsigned i = 0; i < j->depth; i++)
                buf_adds(&j->out, "  ");
}

/* What stands before a value or a key: the comma, and the line break unless the value follows its key. */
static void separate(Json *j)
{
        if (j->after_key) {
                j->after_key = false;
                j->need_comma = true;
                return;
        }
        if (j->need_comma)
                buf_adds(&j->out, ",");
        if (j->pretty && j->depth > 0)
                indent(j);
        j->need_comma = true;
}

void json_open(Json *j, char bracket)
{
        separate(j);
        buf_append(&j->out, &bracket, 1);
        j->depth++;
        j->need_comma = false;
}

void json_close(Json *j, char bracket)
{
        j->depth--;
        if (j->pretty && j->need_comma) /* not empty */
                indent(j);
        buf_append(&j->out, &bracket, 1);
        j->need_comma = true;
}

static void quote(Buf *b, const char *s)
{
        static const char escapes[] = {
                        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};

        buf_adds(b, "\"");
        while (*s) {
                unsigned char c = (unsigned char)*s;
                uint32_t code;
                size_t n = str_utf8_decode(s, &code);
                if (n == 0)
                        buf_adds(b, "\xef\xbf\xbd");
                else if (c < sizeof(escapes) && escapes[c])
                        buf_append(b, (char[]){'\\', escapes[c]}, 2);
                else if (c < 0x20)
                        buf_addf(b, "\\u%04x", c);
                else
                        buf_append(b, s, n);
                s += n ? n : 1;
        }
        buf_adds(b, "\"");
}

void json_key(Json *j, const char *key)
{
        separate(j);
        quote(&j->out, key);
        buf_adds(&j->out, j->pretty ? ": " : ":");
        j->after_key = true;
}

void json_str(Json *j, const char *value)
{
        separate(j);
        if (value)
                quote(&j->out, value);
        else
                buf_adds(&j->out, "null");
}

void json_uint(Json *j, uint64_t value)
{
        separate(j);
        buf_addf(&j->out, "%" PRIu64, value);
}

void json_int(Json *j, int64_t value)
{
        separate(j);
        buf_addf(&j->out, "%" PRIi64, value);
}

void json_bool(Json *j, bool value)
{
        separate(j);
        buf_adds(&j->out, value ? "true" : "false");
}

void json_strv(Json *j, char *const *value)
{
        json_open(j, '[');
        STRV_FOREACH (s, value)
                json_str(j, *s);
        json_close(j, ']');
}

void json_field_str(Json *j, const char *key, const char *value)
{
        json_key(j, key);
        json_str(j, value);
}

void json_field_uint(Json *j, const char *key, uint64_t value)
{
        json_key(j, key);
        json_uint(j, value);
}

void json_field_int(Json *j, const char *key, int64_t value)
{
        json_key(j, key);
        json_int(j, value);
}

void json_field_bool(Json *j, const char *key, bool value)
{
        json_key(j, key);
        json_bool(j, value);
}

void json_field_strv(Json *j, const char *key, char *const *value)
{
        json_key(j, key);
        json_strv(j, value);
}
