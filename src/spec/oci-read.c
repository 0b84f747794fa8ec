/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/oci-read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

void oci_warn(const OciReader *r, const char *fmt, ...)
{
        va_list ap;

        if (!r->file->events)
                return;
        va_start(ap, fmt);
        _cleanup_free_ char *text = xvasprintf(fmt, ap);
        va_end(ap);
        events_warning(r->file->events, "%s: %s%s%s", r->file->name, r->path, *r->path ? ": " : "", text);
}

int oci_expect(const JsonNode *node, JsonType type, Error *e)
{
        if (node->type == type)
                return 0;
        return error_set(e, -EINVAL, "%s is wanted here, and this is %s", json_type_name(type), json_type_name(node->type));
}

/* One member deeper, and back; where an error was met first stays known. */
static size_t path_push(OciReader *r, const char *name, size_t index)
{
        size_t len = strlen(r->path);

        if (name)
                (void)snprintf(r->path + len, sizeof(r->path) - len, "%s%s", len > 0 ? "." : "", name);
        else
                (void)snprintf(r->path + len, sizeof(r->path) - len, "[%zu]", index);
        return len;
}

static void path_pop(OciReader *r, size_t len, int result)
{
        if (result < 0 && !*r->refused)
                strcpy(r->refused, r->path);
        r->path[len] = '\0';
}

static int read_key(OciReader *r, const JsonNode *object, const OciKey *key, void *to, Error *e)
{
        const JsonNode *member = json_tree_member(&r->tree, object, key->name);
        size_t len = path_push(r, key->name, 0);
        int k = 0;

        if (!member || member->type == JSON_NULL) /* Go's writers leave "null" where there is nothing */
                k = key->required ? error_set(e, -EINVAL, "it is missing") : 0;
        else if (key->read)
                k = key->read(r, member, key, (char *)to + key->offset, e);
        path_pop(r, len, k);
        return k;
}

int oci_object(OciReader *r, const JsonNode *node, const OciKey *keys, size_t n, void *to, Error *e)
{
        int k = oci_expect(node, JSON_OBJECT, e);

        for (size_t i = 0; k >= 0 && i < n; i++)
                k = read_key(r, node, &keys[i], to, e);
        return k;
}

int oci_each(OciReader *r, const JsonNode *node, JsonType type,
             int (*one)(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e), const OciKey *key, void *to,
             Error *e)
{
        int k = oci_expect(node, type, e);
        size_t i = 0;

        if (k < 0)
                return k;
        JSON_FOREACH(member, &r->tree, node)
        {
                size_t len = path_push(r, member->key, i++);
                k = one(r, member, key, to, e);
                path_pop(r, len, k);
                if (k < 0)
                        return k;
        }
        return 0;
}

int oci_string(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        char **s = to;
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0) {
                free(*s);
                *s = xstrdup(node->text);
        }
        return k;
}

int oci_bool(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_BOOL, e);

        if (k >= 0)
                *(bool *)to = node->boolean;
        return k;
}

static int refuse_number(const JsonNode *node, int k, Error *e)
{
        if (node->type != JSON_NUMBER)
                return oci_expect(node, JSON_NUMBER, e);
        if (k == -ERANGE)
                return error_set(e, -ERANGE, "%s is out of range", node->text);
        return error_set(e, -EINVAL, "%s is no whole number", node->text);
}

int oci_i64(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int64_t v;
        int k = json_node_i64(node, &v);

        if (k >= 0 && key->high > 0 && (v < key->low || v > key->high))
                k = -ERANGE;
        if (k < 0)
                return refuse_number(node, k, e);
        *(int64_t *)to = v;
        return 0;
}

int oci_u64(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = json_node_u64(node, to);

        return k < 0 ? refuse_number(node, k, e) : 0;
}

int oci_u32(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int64_t v, low = key ? key->low : 0, high = key && key->high > 0 ? key->high : UINT32_MAX;
        int k = json_node_i64(node, &v);

        if (k >= 0 && (v < low || v > high))
                k = -ERANGE;
        if (k < 0)
                return refuse_number(node, k, e);
        *(uint32_t *)to = (uint32_t)v;
        return 0;
}

int oci_i32(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int64_t v, low = key->high > 0 ? key->low : INT32_MIN, high = key->high > 0 ? key->high : INT32_MAX;
        int k = json_node_i64(node, &v);

        if (k >= 0 && (v < low || v > high))
                k = -ERANGE;
        if (k < 0)
                return refuse_number(node, k, e);
        *(int32_t *)to = (int32_t)v;
        return 0;
}

int oci_number(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecNumber *n = to;
        int k = oci_i64(r, node, key, &n->value, e);

        n->set = k >= 0;
        return k;
}

int oci_flag(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecNumber *n = to;
        int k = oci_expect(node, JSON_BOOL, e);

        if (k >= 0)
                *n = (SpecNumber){true, node->boolean};
        return k;
}

static int one_string(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0)
                strv_push(to, node->text);
        return k;
}

int oci_strings(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_ARRAY, one_string, key, to, e);
}

static int one_pair(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_expect(node, JSON_STRING, e);

        if (k >= 0 && (!*node->key || strchr(node->key, '=')))
                return error_set(e, -EINVAL, "a name with '=' in it, or an empty one, means nothing here");
        if (k >= 0)
                strv_pushf(to, "%s=%s", node->key, node->text);
        return k;
}

int oci_map(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return oci_each(r, node, JSON_OBJECT, one_pair, key, to, e);
}

static const OciKey range_keys[] = {
                {"containerID", oci_u32, offsetof(SpecIdRange, inside), true, 0, UINT32_MAX - 1, NULL},
                {"hostID", oci_u32, offsetof(SpecIdRange, outside), true, 0, UINT32_MAX - 1, NULL},
                {"size", oci_u32, offsetof(SpecIdRange, count), true, 1, UINT32_MAX, NULL},
};

static int one_range(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        SpecIdRanges *ranges = to;
        SpecIdRange range = {};
        int k = oci_object(r, node, OCI_KEYS(range_keys), &range, e);

        if (k < 0)
                return k;
        if (range.count > UINT32_MAX - range.inside || range.count > UINT32_MAX - range.outside)
                return error_set(e, -ERANGE, "%u IDs from %u and %u are more than there are", range.count, range.inside,
                                 range.outside);
        for (size_t i = 0; i < ranges->n; i++) {
                const SpecIdRange *o = &ranges->items[i];
                if ((range.inside < o->inside + o->count && o->inside < range.inside + range.count) ||
                    (range.outside < o->outside + o->count && o->outside < range.outside + range.count))
                        return error_set(e, -EINVAL, "this range overlaps the one at [%zu]", i);
        }
        *vec_push(ranges) = range;
        return 0;
}

int oci_ranges(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        int k = oci_each(r, node, JSON_ARRAY, one_range, key, to, e);

        if (k >= 0 && ((SpecIdRanges *)to)->n > 340) /* UID_GID_MAP_MAX_EXTENTS of the kernel */
                return error_set(e, -E2BIG, "there are more than 340 ranges");
        return k;
}

static bool is_empty(const JsonNode *node)
{
        return (node->type == JSON_STRING && !*node->text) || (node->type == JSON_BOOL && !node->boolean) ||
               ((node->type == JSON_ARRAY || node->type == JSON_OBJECT) && node->n == 0);
}

int oci_refuse(OciReader *r, const JsonNode *node, const OciKey *key, void *to, Error *e)
{
        return is_empty(node) ? 0 : error_set(e, -EOPNOTSUPP, "this is not offered; leave it out to go without it");
}

int oci_choice(const JsonNode *node, const char *const *names, Error *e)
{
        _cleanup_buf_ Buf list = {};
        int k = oci_expect(node, JSON_STRING, e);

        if (k < 0)
                return k;
        for (int i = 0; names[i]; i++) {
                if (str_eq(names[i], node->text))
                        return i;
                buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
        }
        return error_set(e, -EINVAL, "there is no '%s'; there are %s", node->text, list.data);
}

char *oci_host_path(const OciReader *r, const char *path)
{
        return path_simplify(path_is_absolute(path) ? xstrdup(path) : path_join(r->file->directory, path));
}

int oci_inside_path(const char *text, char **ret, Error *e)
{
        _cleanup_free_ char *path = path_simplify(path_is_absolute(text) ? xstrdup(text) : path_join("/", text));

        if (!path_is_normalized(path))
                return error_set(e, -EINVAL, "the path '%s' has '..' in it; write the path that is meant", text);
        free(*ret);
        *ret = TAKE_PTR(path);
        return 0;
}
