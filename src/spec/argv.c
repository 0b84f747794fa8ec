/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spec/argv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"

typedef struct Found {                /* an option, of the table or of the front end's own */
        const SpecSpelling *spelling; /* NULL: own */
        size_t own;
        SpecArgument argument;
        char name[64]; /* as given, for messages: "--bind" */
} Found;

typedef struct Reader {
        MachineSpec *spec;
        const SpecArgv *how;
        char *const *argv;
        size_t i; /* the word being read */
} Reader;

static bool find_own(const Reader *r, char short_name, const char *long_name, Found *ret)
{
        for (size_t k = 0; k < r->how->n_own; k++) {
                const SpecOption *o = &r->how->own[k];
                if (long_name ? str_eq(o->long_name, long_name) : o->short_name == short_name) {
                        ret->own = k;
                        ret->argument = o->argument;
                        return true;
                }
        }
        return false;
}

static bool find_spelling(const Reader *r, char short_name, const char *long_name, Found *ret)
{
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t k = 0; k < n; k++) {
                if (!(all[k].uses & r->how->uses))
                        continue;
                if (long_name ? str_eq(all[k].long_name, long_name) : all[k].short_name == short_name) {
                        ret->spelling = &all[k];
                        ret->argument = all[k].argument;
                        return true;
                }
        }
        return false;
}

static int refuse_long(const Reader *r, const char *long_name, Error *e)
{
        SpecNearest nearest = {.word = long_name};
        size_t n;
        const SpecSpelling *all = spec_spellings(&n);

        for (size_t k = 0; k < n; k++)
                if ((all[k].uses & r->how->uses) && all[k].long_name)
                        spec_nearest_offer(&nearest, all[k].long_name);
        for (size_t k = 0; k < r->how->n_own; k++)
                if (r->how->own[k].long_name)
                        spec_nearest_offer(&nearest, r->how->own[k].long_name);
        if (nearest.best)
                return error_set(e, -EINVAL, "there is no option --%s; did you mean --%s?", long_name, nearest.best);
        return error_set(e, -EINVAL, "there is no option --%s here; --help lists them", long_name);
}

static bool is_host_path(SpecField f, const char *value)
{
        static const SpecField paths[] = {SPEC_FIELD_DIRECTORY,      SPEC_FIELD_TEMPLATE,    SPEC_FIELD_IMAGE,
                                          SPEC_FIELD_MSTACK,         SPEC_FIELD_VERITY_DATA, SPEC_FIELD_OCI_BUNDLE,
                                          SPEC_FIELD_FORWARD_JOURNAL};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                if (paths[i] == f)
                        return true;
        return f == SPEC_FIELD_ROOT_HASH_SIG && !str_startswith(value, "base64:");
}

/* What only the caller's surroundings can tell: a relative directory, a variable without a value. */
static char *complete_value(const Reader *r, const SpecSpelling *sp, const char *value)
{
        if (is_host_path(sp->field, value) && !path_is_absolute(value) && r->how->directory)
                return path_join(r->how->directory, value);
        if (sp->field == SPEC_FIELD_ENVIRONMENT && !strchr(value, '=')) {
                const char *inherited = strv_env_get(r->how->environment, value);
                if (inherited)
                        return xasprintf("%s=%s", value, inherited);
        }
        return xstrdup(value);
}

static bool is_unset_variable(const SpecSpelling *sp, const char *value)
{
        return sp->field == SPEC_FIELD_ENVIRONMENT && *value && !strchr(value, '=') && strspn(value, "0123456789") == 0;
}

static int apply(Reader *r, const Found *found, const char *value, Error *e)
{
        if (!found->spelling) {
                int k = r->how->take(r->how->ctx, found->own, value, e);
                return k < 0 ? error_prefix(e, k, "%s", found->name) : 0;
        }

        if (r->how->list && str_eq(value, "help") && spec_spelling_list(found->spelling, r->how->list))
                return 1;
        _cleanup_free_ char *full = complete_value(r, found->spelling, value ?: found->spelling->fixed);
        _cleanup_free_ char *origin = xasprintf("argument %zu", r->i + 1);
        if (is_unset_variable(found->spelling, full))
                return 0; /* the caller has no such variable: nothing to pass on */
        int k = spec_apply(r->spec, found->spelling, full, origin, e);
        return k < 0 ? error_prefix(e, k, "%s", found->name) : 0;
}

/* The argument of an option that needs one: what is left of the word, else the next word. */
static const char *next_argument(Reader *r, const char *attached)
{
        if (attached)
                return attached;
        return r->argv[r->i + 1] ? r->argv[++r->i] : NULL;
}

static int read_long(Reader *r, const char *word, Error *e)
{
        const char *equals = strchr(word, '=');
        _cleanup_free_ char *name = equals ? xstrndup(word, (size_t)(equals - word)) : xstrdup(word);
        const char *value = equals ? equals + 1 : NULL;
        Found found = {};

        if (!find_own(r, '\0', name, &found) && !find_spelling(r, '\0', name, &found))
                return refuse_long(r, name, e);
        (void)snprintf(found.name, sizeof(found.name), "--%s", name); /* shortened, if need be */
        if (found.argument == SPEC_ARGUMENT_NONE && value)
                return error_set(e, -EINVAL, "option --%s takes no argument", name);
        if (found.argument == SPEC_ARGUMENT_REQUIRED && !(value = next_argument(r, value)))
                return error_set(e, -EINVAL, "option --%s needs an argument", name);
        return apply(r, &found, value, e);
}

/* "-ab", "-oVALUE", "-o VALUE". Options with an optional argument take it only with their long name, as "-ab" would be unclear. */
static int read_short(Reader *r, const char *letters, Error *e)
{
        for (; *letters; letters++) {
                Found found = {};
                const char *value = NULL;

                if (!find_own(r, *letters, NULL, &found) && !find_spelling(r, *letters, NULL, &found))
                        return error_set(e, -EINVAL, "there is no option -%c here; --help lists them", *letters);
                (void)snprintf(found.name, sizeof(found.name), "-%c", *letters);
                if (found.argument == SPEC_ARGUMENT_REQUIRED) {
                        value = next_argument(r, letters[1] ? letters + 1 : NULL);
                        if (!value)
                                return error_set(e, -EINVAL, "option -%c needs an argument", *letters);
                }
                int k = apply(r, &found, value, e);
                if (k != 0 || found.argument == SPEC_ARGUMENT_REQUIRED)
                        return k;
        }
        return 0;
}

int spec_read_argv(MachineSpec *s, const SpecArgv *how, char *const *argv, size_t *ret_first, Error *e)
{
        Reader r = {.spec = s, .how = how, .argv = argv};

        for (; argv[r.i]; r.i++) {
                const char *word = argv[r.i];
                int k;
                if (word[0] != '-' || word[1] == '\0')
                        break;
                if (str_eq(word, "--")) {
                        r.i++;
                        break;
                }
                k = word[1] == '-' ? read_long(&r, word + 2, e) : read_short(&r, word + 1, e);
                if (k != 0)
                        return k;
        }
        *ret_first = r.i;
        return 0;
}
