/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* JSON text (RFC 8259) into a tree, for documents of outside: strict, with limits, and without any library. It does not accept what the
 * RFC does not: no comments, no trailing commas, no NaN, no byte order mark, no second value behind the first. Refused beyond that,
 * as two readers could understand it in two ways: one key twice in an object, strings that are no UTF-8 or have half of a surrogate
 * pair, and null characters in strings (they would end them for everybody else). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define JSON_TREE_BYTES (16U * 1024 * 1024)
#define JSON_TREE_NODES (256U * 1024)
#define JSON_TREE_DEPTH 64

typedef enum JsonType { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT, _JSON_TYPE_MAX } JsonType;

typedef struct JsonNode {
        JsonType type;
        bool boolean;
        unsigned line;
        const char *key;  /* in an object, else NULL */
        const char *text; /* a string's content, a number as it is written; else NULL */
        uint32_t n;       /* members */
        uint32_t first;   /* the first of them; 0: none */
        uint32_t next;    /* the next one in the same array or object; 0: none */
} JsonNode;

typedef struct JsonTree {
        JsonNode *nodes; /* the first one is the whole */
        size_t n;
        char *strings; /* what keys and texts point into */
} JsonTree;

/* -EINVAL: no JSON; -E2BIG, -ENOMEM. *e says in which line. */
int json_tree_read(const char *text, size_t len, JsonTree *ret, Error *e);
void json_tree_done(JsonTree *t);
#define _cleanup_json_tree_ _cleanup_(json_tree_done)

const JsonNode *json_tree_first(const JsonTree *t, const JsonNode *parent); /* NULL: none */
const JsonNode *json_tree_next(const JsonTree *t, const JsonNode *node);
#define JSON_FOREACH(m, t, parent) for (const JsonNode *m = json_tree_first((t), (parent)); m; m = json_tree_next((t), m))
const JsonNode *json_tree_member(const JsonTree *t, const JsonNode *object, const char *key);

/* Whole numbers only: -EINVAL for others ("1.5", "1e3"), -ERANGE beyond the type. */
int json_node_i64(const JsonNode *node, int64_t *ret);
int json_node_u64(const JsonNode *node, uint64_t *ret);

const char *json_type_name(JsonType type); /* "an object" */
