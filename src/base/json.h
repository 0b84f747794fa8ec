/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A JSON writer without a tree, for output that is only printed; json-tree.h reads.
 * `pretty` indents by two columns; no newline follows the outermost value. Afterwards buf_take(&j.out) or buf_done(&j.out). */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

typedef struct Json {
        Buf out;
        unsigned depth;
        bool need_comma, pretty, after_key;
} Json;

void json_open(Json *j, char bracket); /* '{' or '[' */
void json_close(Json *j, char bracket);
void json_key(Json *j, const char *key);
void json_str(Json *j, const char *value); /* NULL prints null; invalid UTF-8 is replaced by U+FFFD */
void json_uint(Json *j, uint64_t value);
void json_int(Json *j, int64_t value);
void json_bool(Json *j, bool value);
void json_strv(Json *j, char *const *value); /* an array */
/* key and value in one */
void json_field_str(Json *j, const char *key, const char *value);
void json_field_uint(Json *j, const char *key, uint64_t value);
void json_field_int(Json *j, const char *key, int64_t value);
void json_field_bool(Json *j, const char *key, bool value);
void json_field_strv(Json *j, const char *key, char *const *value);
