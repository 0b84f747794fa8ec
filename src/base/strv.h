/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* NULL-terminated vectors of owned strings. NULL is the empty vector everywhere. */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

size_t strv_len(char *const *v);
char **strv_free(char **v); /* returns NULL */
char **strv_copy(char *const *v);
void strv_push(char ***v, const char *s); /* copies s */
void strv_pushf(char ***v, const char *fmt, ...) _printf_(2, 3);
void strv_consume(char ***v, char *s); /* takes s */
void strv_extend(char ***v, char *const *from);
bool strv_contains(char *const *v, const char *s);
char **strv_split(const char *s, const char *separators); /* empty words are dropped */
char *strv_join(char *const *v, const char *separator);
void strv_sort(char **v);

/* Sets NAME=VALUE in an environment block, replacing an earlier assignment of NAME. */
void strv_env_set(char ***env, const char *assignment);
const char *strv_env_get(char *const *env, const char *name); /* NULL when unset */

static inline void strv_freep(char ***v)
{
        strv_free(*v);
}
#define _cleanup_strv_     _cleanup_(strv_freep)
#define STRV_FOREACH(s, v) for (char *const *s = (v); s && *s; s++)
