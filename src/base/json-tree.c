/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/json-tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

typedef struct Reader {
        const char *p, *end;
        unsigned line;
        JsonTree *tree;
        size_t room; /* nodes that there is memory for */
        char *to;    /* where the next string goes: none is longer than it is written */
        uint32_t parents[JSON_TREE_DEPTH], last[JSON_TREE_DEPTH];
        unsigned depth;
        Error *e;
} Reader;

static int refuse(const Reader *r, const char *what)
{
        return error_set(r->e, -EINVAL, "line %u: %s", r->line, what);
}

static void skip_blanks(Reader *r)
{
        for (; r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'); r->p++)
                r->line += *r->p == '\n';
}

static bool take(Reader *r, char c)
{
        if (r->p == r->end || *r->p != c)
                return false;
        r->p++;
        return true;
}

/* The new node is the last one of the array or object that is open. */
static int add_node(Reader *r, JsonType type, const char *key, uint32_t *ret)
{
        JsonTree *t = r->tree;

        if (t->n == JSON_TREE_NODES)
                return error_set(r->e, -E2BIG, "line %u: there are more than %u values", r->line, JSON_TREE_NODES);
        if (t->n == r->room) {
                size_t room = r->room ? r->room * 2 : 256;
                JsonNode *nodes = realloc(t->nodes, room * sizeof(JsonNode));
                if (!nodes)
                        return error_set(r->e, -ENOMEM, "line %u: there is no memory for so many values", r->line);
                t->nodes = nodes;
                r->room = room;
        }
        uint32_t i = (uint32_t)t->n++;
        t->nodes[i] = (JsonNode){.type = type, .line = r->line, .key = key};
        if (r->depth > 0) {
                uint32_t parent = r->parents[r->depth - 1], last = r->last[r->depth - 1];
                if (last)
                        t->nodes[last].next = i;
                else
                        t->nodes[parent].first = i;
                t->nodes[parent].n++;
                r->last[r->depth - 1] = i;
        }
        *ret = i;
        return 0;
}

/* ---- strings ---- */

static int read_hex(Reader *r, uint32_t *ret)
{
        *ret = 0;
        for (int i = 0; i < 4; i++, r->p++) {
                char c = r->p < r->end ? *r->p : '\0';
                uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                                 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                                 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                        : 16;
                if (digit == 16)
                        return refuse(r, "\\u needs four hexadecimal digits");
                *ret = *ret << 4 | digit;
        }
        return 0;
}

static void put_utf8(Reader *r, uint32_t c)
{
        if (c < 0x80)
                *r->to++ = (char)c;
        else if (c < 0x800) {
                *r->to++ = (char)(0xc0 | c >> 6);
                *r->to++ = (char)(0x80 | (c & 0x3f));
        } else {
                if (c < 0x10000)
                        *r->to++ = (char)(0xe0 | c >> 12);
                else {
                        *r->to++ = (char)(0xf0 | c >> 18);
                        *r->to++ = (char)(0x80 | (c >> 12 & 0x3f));
                }
                *r->to++ = (char)(0x80 | (c >> 6 & 0x3f));
                *r->to++ = (char)(0x80 | (c & 0x3f));
        }
}

static int read_unicode(Reader *r)
{
        uint32_t c, low;
        int k = read_hex(r, &c);

        if (k < 0)
                return k;
        if (c >= 0xd800 && c < 0xdc00) {
                if (!take(r, '\\') || !take(r, 'u'))
                        return refuse(r, "the second half of a surrogate pair is missing");
                k = read_hex(r, &low);
                if (k < 0)
                        return k;
                if (low < 0xdc00 || low > 0xdfff)
                        return refuse(r, "the second half of a surrogate pair is missing");
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        } else if (c >= 0xdc00 && c <= 0xdfff)
                return refuse(r, "the first half of a surrogate pair is missing");
        if (c == 0)
                return refuse(r, "there is a null character in a string");
        put_utf8(r, c);
        return 0;
}

static int read_escape(Reader *r)
{
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        char c = r->p < r->end ? *r->p++ : '\0';
        const char *at = c ? strchr(from, c) : NULL;

        if (c == 'u')
                return read_unicode(r);
        if (!at)
                return refuse(r, "there is no such escape in JSON");
        *r->to++ = to[at - from];
        return 0;
}

/* Behind the opening quote. The source ends with a null byte, so decoding stops there at the latest. */
static int read_string(Reader *r, const char **ret)
{
        char *begin = r->to;

        for (;;) {
                uint32_t code;
                if (r->p == r->end)
                        return refuse(r, "a string does not end");
                unsigned char c = (unsigned char)*r->p;
                if (c == '"')
                        break;
                if (c < 0x20)
                        return refuse(r, "there is a control character in a string; write it as \\n, \\t or \\u00XX");
                if (c == '\\') {
                        r->p++;
                        int k = read_escape(r);
                        if (k < 0)
                                return k;
                        continue;
                }
                size_t n = c < 0x80 ? 1 : str_utf8_decode(r->p, &code);
                if (n == 0)
                        return refuse(r, "a string is not UTF-8");
                memcpy(r->to, r->p, n);
                r->to += n;
                r->p += n;
        }
        r->p++;
        *r->to++ = '\0';
        *ret = begin;
        return 0;
}

/* ---- numbers and words ---- */

static bool is_digit(const Reader *r)
{
        return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool take_digits(Reader *r)
{
        if (!is_digit(r))
                return false;
        while (is_digit(r))
                r->p++;
        return true;
}

static int read_number(Reader *r, const char **ret)
{
        const char *begin = r->p;

        (void)take(r, '-');
        bool ok = take(r, '0') || take_digits(r);
        if (ok && take(r, '.'))
                ok = take_digits(r);
        if (ok && r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
                r->p++;
                if (!take(r, '+'))
                        (void)take(r, '-');
                ok = take_digits(r);
        }
        if (!ok || is_digit(r))
                return refuse(r, "this is no number");
        *ret = r->to;
        memcpy(r->to, begin, (size_t)(r->p - begin));
        r->to += r->p - begin;
        *r->to++ = '\0';
        return 0;
}

static const struct {
        const char *word;
        JsonType type;
        bool boolean;
} words[] = {{"null", JSON_NULL, false}, {"true", JSON_BOOL, true}, {"false", JSON_BOOL, false}};

static int read_word(Reader *r, uint32_t node)
{
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                size_t len = strlen(words[i].word);
                if ((size_t)(r->end - r->p) < len || memcmp(r->p, words[i].word, len) != 0)
                        continue;
                r->p += len;
                r->tree->nodes[node].type = words[i].type;
                r->tree->nodes[node].boolean = words[i].boolean;
                return 0;
        }
        return refuse(r, "a value is missing: a string, a number, an object, an array, true, false or null");
}

/* ---- values ---- */

static int open_value(Reader *r, uint32_t node)
{
        if (r->depth == JSON_TREE_DEPTH)
                return error_set(r->e, -E2BIG, "line %u: values are more than %d levels deep", r->line, JSON_TREE_DEPTH);
        r->parents[r->depth] = node;
        r->last[r->depth++] = 0;
        return 0;
}

/* One value; what an array or object opens is filled by the loop of read_all(). */
static int read_value(Reader *r, const char *key)
{
        const char *text = NULL;
        uint32_t node = 0;
        char c = r->p < r->end ? *r->p : '\0';
        JsonType type = c == '{'                             ? JSON_OBJECT
                        : c == '['                           ? JSON_ARRAY
                        : c == '"'                           ? JSON_STRING
                        : c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER
                                                             : JSON_NULL;
        int k = add_node(r, type, key, &node);

        if (k < 0)
                return k;
        if (type == JSON_OBJECT || type == JSON_ARRAY) {
                r->p++;
                return open_value(r, node);
        }
        if (type == JSON_NULL)
                return read_word(r, node);
        if (type == JSON_STRING)
                r->p++;
        k = type == JSON_STRING ? read_string(r, &text) : read_number(r, &text);
        if (k >= 0)
                r->tree->nodes[node].text = text;
        return k;
}

static int read_member(Reader *r, bool object)
{
        const char *key = NULL;

        if (object) {
                if (!take(r, '"'))
                        return refuse(r, "an object has keys in double quotes");
                int k = read_string(r, &key);
                if (k < 0)
                        return k;
                skip_blanks(r);
                if (!take(r, ':'))
                        return refuse(r, "':' is missing behind a key");
                skip_blanks(r);
        }
        return read_value(r, key);
}

static int compare_keys(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_keys(Reader *r, const JsonNode *object)
{
        const char *twice = NULL;
        size_t n = 0;

        if (object->n < 2)
                return 0;
        const char **keys = calloc(object->n, sizeof(*keys));
        if (!keys)
                return error_set(r->e, -ENOMEM, "line %u: there is no memory for so many keys", r->line);
        JSON_FOREACH(m, r->tree, object)
        keys[n++] = m->key;
        qsort(keys, n, sizeof(*keys), compare_keys);
        for (size_t i = 1; i < n && !twice; i++)
                if (str_eq(keys[i - 1], keys[i]))
                        twice = keys[i];
        free(keys);
        return twice ? error_set(r->e, -EINVAL, "line %u: there are two keys '%s' in one object", r->line, twice) : 0;
}

/* Behind a value, or behind the bracket that opened one: what comes next in the innermost array or object. */
static int read_next(Reader *r)
{
        const JsonNode *parent = &r->tree->nodes[r->parents[r->depth - 1]];
        bool object = parent->type == JSON_OBJECT;

        if (take(r, object ? '}' : ']')) {
                r->depth--;
                return object ? check_keys(r, parent) : 0;
        }
        if (parent->n > 0) {
                if (!take(r, ','))
                        return refuse(r, object ? "',' or '}' is missing" : "',' or ']' is missing");
                skip_blanks(r);
        }
        return read_member(r, object);
}

static int read_all(Reader *r)
{
        skip_blanks(r);
        int k = read_value(r, NULL);
        while (k >= 0 && r->depth > 0) {
                skip_blanks(r);
                k = read_next(r);
        }
        if (k < 0)
                return k;
        skip_blanks(r);
        return r->p < r->end ? refuse(r, "there is more behind the end") : 0;
}

int json_tree_read(const char *text, size_t len, JsonTree *ret, Error *e)
{
        JsonTree tree = {};

        if (len > JSON_TREE_BYTES)
                return error_set(e, -E2BIG, "there are more than %u bytes", JSON_TREE_BYTES);
        /* A copy, so that it ends with a null byte; and behind it room for all strings, none longer than written but for its end. */
        char *copy = malloc(len + 1);
        tree.strings = malloc(2 * len + 1);
        if (!copy || !tree.strings) {
                free(copy);
                free(tree.strings);
                return error_set(e, -ENOMEM, "there is no memory for %zu bytes of JSON", len);
        }
        if (len > 0)
                memcpy(copy, text, len);
        copy[len] = '\0';
        Reader r = {.p = copy, .end = copy + len, .line = 1, .tree = &tree, .to = tree.strings, .e = e};
        int k = read_all(&r);
        free(copy);
        if (k < 0) {
                json_tree_done(&tree);
                return k;
        }
        *ret = tree;
        return 0;
}

void json_tree_done(JsonTree *t)
{
        free(t->nodes);
        free(t->strings);
        *t = (JsonTree){};
}

/* ---- looking ---- */

const JsonNode *json_tree_first(const JsonTree *t, const JsonNode *parent)
{
        return parent->first ? &t->nodes[parent->first] : NULL;
}

const JsonNode *json_tree_next(const JsonTree *t, const JsonNode *node)
{
        return node->next ? &t->nodes[node->next] : NULL;
}

const JsonNode *json_tree_member(const JsonTree *t, const JsonNode *object, const char *key)
{
        JSON_FOREACH(m, t, object)
        if (str_eq(m->key, key))
                return m;
        return NULL;
}

static int whole_number(const JsonNode *node)
{
        return node->type != JSON_NUMBER || strpbrk(node->text, ".eE") ? -EINVAL : 0;
}

int json_node_u64(const JsonNode *node, uint64_t *ret)
{
        int r = whole_number(node);

        if (r < 0)
                return r;
        if (*node->text == '-' && !str_eq(node->text, "-0"))
                return -ERANGE;
        errno = 0;
        uint64_t v = strtoull(node->text, NULL, 10);
        if (errno)
                return -errno;
        *ret = v;
        return 0;
}

int json_node_i64(const JsonNode *node, int64_t *ret)
{
        int r = whole_number(node);

        if (r < 0)
                return r;
        errno = 0;
        int64_t v = strtoll(node->text, NULL, 10);
        if (errno)
                return -errno;
        *ret = v;
        return 0;
}

const char *json_type_name(JsonType type)
{
        static const char *const names[_JSON_TYPE_MAX] = {
                        [JSON_NULL] = "null",       [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
                        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",     [JSON_OBJECT] = "an object",
        };

        assert(type >= 0 && type < _JSON_TYPE_MAX);
        return names[type];
}
