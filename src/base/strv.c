/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

size_t strv_len(char *const *v)
{
        size_t n = 0;

        while (v && v[n])
                n++;
        return n;
}

char **strv_free(char **v)
{
        STRV_FOREACH (s, v)
                free(*s);
        free(v);
        return NULL;
}

char **strv_copy(char *const *v)
{
        char **copy = NULL;

        strv_extend(&copy, v);
        return copy;
}

void strv_consume(char ***v, char *s)
{
        size_t n = strv_len(*v), cap = 4;

        while (cap < n + 2)
                cap *= 2;
        *v = xreallocarray(*v, cap, sizeof(char *)); /* every time: the block may be someone's that fitted it exactly */
        (*v)[n] = s;
        (*v)[n + 1] = NULL;
}

void strv_push(char ***v, const char *s)
{
        strv_consume(v, xstrdup(s));
}

void strv_pushf(char ***v, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        strv_consume(v, xvasprintf(fmt, ap));
        va_end(ap);
}

void strv_extend(char ***v, char *const *from)
{
        STRV_FOREACH (s, from)
                strv_push(v, *s);
}

bool strv_contains(char *const *v, const char *s)
{
        STRV_FOREACH (i, v)
                if (strcmp(*i, s) == 0)
                        return true;
        return false;
}

char **strv_split(const char *s, const char *separators)
{
        char **v = NULL;

        for (;;) {
                s += strspn(s, separators);
                if (!*s)
                        return v;
                size_t n = strcspn(s, separators);
                strv_consume(&v, xstrndup(s, n));
                s += n;
        }
}

char *strv_join(char *const *v, const char *separator)
{
        Buf b = {};

        STRV_FOREACH (s, v) {
                if (s != v)
                        buf_adds(&b, separator);
                buf_adds(&b, *s);
        }
        return buf_take(&b);
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **v)
{
        size_t n = strv_len(v);

        if (n > 1)
                qsort(v, n, sizeof(char *), compare);
}

void strv_env_set(char ***env, const char *assignment)
{
        size_t n = strcspn(assignment, "=");

        for (char **s = *env; s && *s; s++) {
                if (strncmp(*s, assignment, n) != 0 || (*s)[n] != '=')
                        continue;
                char *copy = xstrdup(assignment); /* first: assignment may point into *s */
                free(*s);
                *s = copy;
                return;
        }
        strv_push(env, assignment);
}

const char *strv_env_get(char *const *env, const char *name)
{
        size_t n = strlen(name);

        STRV_FOREACH (s, env)
                if (strncmp(*s, name, n) == 0 && (*s)[n] == '=')
                        return *s + n + 1;
        return NULL;
}
