/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "distro/gentoo-use.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/strv.h"
#include "distro/gentoo-atom.h"
#include "distro/gentoo-vars.h"

static bool part_matches(Slice pattern, Slice part)
{
        return slice_eq_str(pattern, "*") || slice_eq(pattern, part);
}

bool gentoo_line_matches(const char *line, const GentooPackage *p, Slice *ret_rest)
{
        Slice rest = {line, strlen(line)}, word, category;
        GentooAtom a;

        if (!slice_word(&rest, 0, &word))
                return false;
        *ret_rest = rest;
        if (gentoo_atom_parse(word, NULL, &a, NULL) >= 0)
                return gentoo_atom_matches(&a, p, NULL);
        return memchr(word.s, '*', word.n) && slice_until(&word, '/', &category) && part_matches(category, p->category) &&
               part_matches(word, p->name);
}

/* One flag of a package on its way through the layers. */
typedef struct Flag {
        Slice name;
        bool on;
} Flag;

/* "x -y -*", and "VARIABLE: a b" for the flags variable_a and variable_b. */
static void apply_words(Flag *f, Slice words)
{
        _cleanup_free_ char *prefix = NULL;
        Slice word;

        while (slice_word(&words, 0, &word)) {
                if (word.n > 1 && word.s[word.n - 1] == ':') {
                        free(prefix);
                        prefix = xasprintf("%.*s_", (int)word.n - 1, word.s);
                        for (char *c = prefix; *c; c++)
                                *c = (char)tolower(*c);
                        continue;
                }
                bool off = word.s[0] == '-';
                if (off)
                        word = (Slice){word.s + 1, word.n - 1};
                size_t n = prefix ? strlen(prefix) : 0;
                Slice name = f->name;
                if (n > 0) {
                        if (name.n <= n || strncmp(name.s, prefix, n) != 0)
                                continue;
                        name = (Slice){name.s + n, name.n - n};
                }
                if (slice_eq(word, name) || (off && slice_eq_str(word, "*")))
                        f->on = !off;
        }
}

static void apply_lines(Flag *f, char *const *lines, const GentooPackage *p)
{
        Slice rest;

        STRV_FOREACH (line, lines)
                if (gentoo_line_matches(*line, p, &rest))
                        apply_words(f, rest);
}

/* PYTHON_TARGETS="python3_11" is python_targets_python3_11, and none of the others. */
static void apply_variable(Flag *f, const char *variable, const char *value)
{
        _cleanup_free_ char *prefix = xasprintf("%s_", variable);
        Slice rest = {value, value ? strlen(value) : 0}, word;
        size_t n = strlen(prefix);

        for (char *c = prefix; *c; c++)
                *c = (char)tolower(*c);
        if (!value || f->name.n <= n || strncmp(f->name.s, prefix, n) != 0)
                return;
        f->on = false;
        while (slice_word(&rest, 0, &word))
                f->on = f->on || slice_eq(word, (Slice){f->name.s + n, f->name.n - n});
}

static void apply_variables(Flag *f, const GentooProfile *profile, char *const *variables)
{
        _cleanup_strv_ char **names = gentoo_incremental(gentoo_profile_get(profile, "USE_EXPAND"));

        STRV_FOREACH (name, names)
                apply_variable(f, *name, strv_env_get((char **)variables, *name));
}

static bool final_state(const GentooUseSettings *s, const GentooPackage *p, Slice name, bool by_default)
{
        Flag f = {.name = name, .on = by_default}, forced = {.name = name}, masked = {.name = name};
        const char *use = strv_env_get((char **)s->make_conf, "USE") ?: "", *profile_use = s->profile->use ?: "";

        apply_words(&f, (Slice){profile_use, strlen(profile_use)});
        apply_variables(&f, s->profile, s->profile->variables);
        apply_lines(&f, s->profile->package_use, p);
        apply_words(&f, (Slice){use, strlen(use)});
        apply_variables(&f, s->profile, s->make_conf);
        apply_lines(&f, s->user->package_use, p);
        STRV_FOREACH (word, s->profile->force)
                apply_words(&forced, (Slice){*word, strlen(*word)});
        apply_lines(&forced, s->profile->package_force, p);
        STRV_FOREACH (word, s->profile->use_mask)
                apply_words(&masked, (Slice){*word, strlen(*word)});
        apply_lines(&masked, s->profile->package_mask, p);
        return (f.on || forced.on) && !masked.on;
}

char *gentoo_use_differs(const GentooUseSettings *s, const GentooPackage *p)
{
        Slice rest = p->iuse, word;
        Buf b = {0};

        while (slice_word(&rest, 0, &word)) {
                bool by_default = word.s[0] == '+', sign = by_default || word.s[0] == '-';
                if (sign)
                        word = (Slice){word.s + 1, word.n - 1};
                bool on = final_state(s, p, word, by_default);
                if (on != gentoo_flag_is_on(p->use, word))
                        buf_addf(&b, "%s%s%.*s", b.len ? " " : "", on ? "" : "-", (int)word.n, word.s);
        }
        return b.len ? buf_take(&b) : NULL;
}
