/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/build.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "plan/syscall.h"

#define ARCHS_MAX 4
#define DEPTH_MAX 4 /* groups in groups */

typedef struct Calls {
        uint32_t archs[ARCHS_MAX];
        size_t n_archs;
        PlanCall *items;
        size_t n;
        bool allow;
} Calls;

/* The line of the table that begins with this word, behind it; NULL: none. */
static const char *find_line(const char *name)
{
        size_t len = strlen(name);

        for (const char *line = plan_system_call_names; *line; line += strcspn(line, "\n") + 1)
                if (strncmp(line, name, len) == 0 && (line[len] == ' ' || line[len] == '\n'))
                        return line + len;
        return NULL;
}

static char **line_words(const char *line)
{
        _cleanup_free_ char *text = xstrndup(line, strcspn(line, "\n"));

        return strv_split(text, " ");
}

char **plan_system_call_columns(const char *name)
{
        const char *line = *name == '@' ? NULL : find_line(name);

        return line ? line_words(line) : NULL;
}

static void add_numbers(Calls *c, const char *line)
{
        _cleanup_strv_ char **numbers = line_words(line);
        uint32_t number;

        for (size_t i = 0; i < c->n_archs && numbers && numbers[i]; i++)
                if (str_parse_u32(numbers[i], &number) >= 0) /* "-" is none */
                        *vec_push(c) = (PlanCall){.arch = c->archs[i], .number = number, .allow = c->allow};
}

static int add_word(Calls *c, const char *word, unsigned depth, Error *e)
{
        const char *line = find_line(word);

        if (!line && depth > 0)
                return 0; /* a call of another architecture */
        if (!line)
                return error_set(e, -EINVAL,
                                 *word == '@' ? "there is no group '%s' of system calls; systemd.exec(5) lists them"
                                              : "there is no system call '%s' on this architecture",
                                 word);
        if (*word != '@') {
                add_numbers(c, line);
                return 0;
        }
        _cleanup_strv_ char **members = line_words(line);
        int r = 0;
        for (char **m = members; r >= 0 && m && *m && depth < DEPTH_MAX; m++)
                r = add_word(c, *m, depth + 1, e);
        return r;
}

static void add_known(Calls *c)
{
        for (const char *line = plan_system_call_names; *line; line += strcspn(line, "\n") + 1)
                if (*line != '@' && !str_startswith(line, "archs "))
                        add_numbers(c, line + strcspn(line, " \n"));
}

/* Refused ones last, as they win. */
static int add_words(Calls *c, char *const *words, Error *e)
{
        for (int refuse = 0; refuse < 2; refuse++)
                STRV_FOREACH (w, words) {
                        c->allow = !refuse;
                        if ((**w == '~') != refuse)
                                continue;
                        int r = 0;
                        if (str_eq(*w + refuse, "@known"))
                                add_known(c);
                        else
                                r = add_word(c, *w + refuse, 0, e);
                        if (r < 0)
                                return r;
                }
        return 0;
}

int plan_system_calls(PlanOp *op, char *const *words, Error *e)
{
        _cleanup_strv_ char **archs = line_words(find_line("archs"));
        Calls c = {0};

        for (size_t i = 0; i < ARCHS_MAX && archs && archs[i]; i++)
                if (str_parse_u32(archs[i], &c.archs[c.n_archs]) >= 0)
                        c.n_archs++;
        int r = c.n_archs == 0 ? error_set(e, -EOPNOTSUPP, "this berth was built without a system call filter for its CPU")
                               : add_words(&c, words, e);
        op->calls = c.items;
        op->n_calls = c.n;
        return r;
}
