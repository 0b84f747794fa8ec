/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/machinectl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "spec/spelling.h"

typedef struct CompatVerb {
        const char *name;
        const char *without; /* why it is refused when no machine is named, where machinectl means the host then; NULL: it is not */
} CompatVerb;

static const char host_status[] = "which machine's; berth has nothing to say about the host";
static const char host_login[] = "into which machine; berth enters no host";
static const CompatVerb compat_verbs[] = {
                {"list", NULL},       {"status", host_status},  {"show", NULL},
                {"start", NULL},      {"login", host_login},    {"shell", host_login},
                {"enable", NULL},     {"disable", NULL},        {"poweroff", NULL},
                {"stop", NULL},       {"reboot", NULL},         {"restart", NULL},
                {"terminate", NULL},  {"kill", NULL},           {"pause", NULL},
                {"resume", NULL},     {"copy-to", NULL},        {"copy-from", NULL},
                {"bind", NULL},       {"list-images", NULL},    {"image-status", NULL},
                {"show-image", NULL}, {"clone", NULL},          {"rename", NULL},
                {"read-only", NULL},  {"remove", NULL},         {"set-limit", NULL},
                {"pull-tar", NULL},   {"pull-raw", NULL},       {"import-tar", NULL},
                {"import-raw", NULL}, {"import-fs", NULL},      {"export-tar", NULL},
                {"export-raw", NULL}, {"list-transfers", NULL}, {"cancel-transfer", NULL},
                {"clean", NULL},      {"edit", NULL},           {"cat", NULL},
                {"help", NULL},
};

/* What changes nothing that berth does: taken with every verb, as machinectl takes it. */
static const OptionId harmless[] = {OPTION_NO_PAGER,    OPTION_NO_ASK_PASSWORD, OPTION_QUIET,         OPTION_FULL,
                                    OPTION_ALL,         OPTION_NO_LEGEND,       OPTION_SYSTEM,        OPTION_COMPAT_OUTPUT,
                                    OPTION_COMPAT_HOST, OPTION_COMPAT_MACHINE,  OPTION_COMPAT_RUNNER, OPTION_HELP,
                                    OPTION_VERSION};

static bool is_harmless(OptionId id)
{
        for (size_t i = 0; i < ELEMENTSOF(harmless); i++)
                if (harmless[i] == id)
                        return true;
        return false;
}

/* The verb's own row of an option, by its long name. */
static const SpecOption *option_of(const Verb *v, OptionId id)
{
        for (size_t i = 0; i < ELEMENTSOF(v->options) && v->options[i] != OPTION_HELP; i++) {
                const SpecOption *o = &option_rows[v->options[i]].option;
                if (v->options[i] == id || (o->long_name && str_eq(o->long_name, option_rows[id].option.long_name)))
                        return o;
        }
        return NULL;
}

static int check_options(const Cli *c, Error *e)
{
        for (OptionId id = 0; id < _OPTION_MAX; id++) {
                if (!c->given[id] || is_harmless(id) || option_of(c->verb, id))
                        continue;
                if (id == OPTION_MARK_READ_ONLY && c->verb == &verbs[VERB_CLONE])
                        continue;
                const SpecOption *o = &option_rows[id].option;
                return error_set(e, -EINVAL, "machinectl %s takes no %s%s", c->verb->name, o->long_name ? "--" : "-P",
                                 o->long_name ?: "");
        }
        if ((spec_is_set(&c->spec, SPEC_FIELD_USER) || spec_is_set(&c->spec, SPEC_FIELD_ENVIRONMENT)) &&
            c->verb != &verbs[VERB_SHELL])
                return error_set(e, -EINVAL, "machinectl %s takes no --uid and no --setenv", c->verb->name);
        return 0;
}

/* What there is one value for. */
static int check_values(Cli *c, Error *e)
{
        const char *output = c->given[OPTION_COMPAT_OUTPUT], *machine = c->given[OPTION_COMPAT_MACHINE],
                   *runner = c->given[OPTION_COMPAT_RUNNER];

        if (c->given[OPTION_COMPAT_HOST])
                return error_set(e, -EOPNOTSUPP, "machinectl --host is not offered: use 'ssh %s machinectl …'",
                                 c->given[OPTION_COMPAT_HOST]);
        if (machine && !str_eq(machine, ".host"))
                return error_set(e, -EOPNOTSUPP, "machinectl --machine is not offered: use 'berth shell %s machinectl …'",
                                 machine);
        if (runner && !str_eq(runner, "nspawn"))
                return error_set(e, -EOPNOTSUPP, "machinectl --runner=%s is not offered: berth runs containers", runner);
        if (!output || str_startswith(output, "short"))
                return 0;
        c->options.json = str_eq(output, "json-pretty") ? FORMAT_PRETTY : str_eq(output, "json") ? FORMAT_SHORT : FORMAT_OFF;
        if (c->options.json == FORMAT_OFF || !option_of(c->verb, OPTION_JSON))
                return error_set(e, -EOPNOTSUPP, "machinectl %s --output=%s is not offered", c->verb->name, output);
        return 0;
}

int machinectl_choose(Cli *c, Error *e)
{
        const CompatVerb *row = NULL;
        const char *word = c->words ? c->words[0] : "list";

        for (size_t i = 0; i < ELEMENTSOF(compat_verbs); i++)
                if (str_eq(compat_verbs[i].name, word))
                        row = &compat_verbs[i];
        VerbId id = row ? verb_find(word) : _VERB_INVALID;
        if (id < 0)
                return error_set(e, row ? -EOPNOTSUPP : -EINVAL,
                                 row ? "machinectl %s is not offered; see 'berth help'" : "machinectl has no verb '%s'", word);
        c->verb = verbs + id;
        if (c->words) {
                char **rest = strv_copy(c->words + 1);
                strv_free(c->words);
                c->words = rest && *rest ? rest : strv_free(rest);
        }
        if (row->without && !c->words)
                return error_set(e, -EINVAL, "machinectl %s: say %s", word, row->without);
        int r = check_options(c, e);
        return r < 0 ? r : check_values(c, e);
}

char **machinectl_argv(const Cli *c)
{
        char **argv = NULL;

        strv_push(&argv, "berth");
        strv_push(&argv, c->verb->name);
        for (OptionId id = 0; id < _OPTION_MAX; id++) {
                const SpecOption *o = c->given[id] ? option_of(c->verb, id) : NULL;
                if (!o || !o->long_name)
                        continue;
                if (o->argument == SPEC_ARGUMENT_NONE)
                        strv_pushf(&argv, "--%s", o->long_name);
                else
                        strv_pushf(&argv, "--%s=%s", o->long_name, c->given[id]);
        }
        if (c->options.json != FORMAT_OFF)
                strv_push(&argv, c->options.json == FORMAT_PRETTY ? "--json=pretty" : "--json=short");
        strv_push(&argv, "--");
        strv_extend(&argv, c->words);
        return argv;
}

void machinectl_help(Buf *out)
{
        buf_adds(out, "machinectl [OPTIONS…] [VERB] [ARGUMENTS…]\n\nberth(1), with machinectl's verbs and options.\n\nVerbs:\n");
        for (size_t i = 0; i < ELEMENTSOF(compat_verbs); i++) {
                VerbId id = verb_find(compat_verbs[i].name);
                if (id >= 0)
                        buf_addf(out, "  %-16s %s\n", compat_verbs[i].name, verbs[id].help);
        }
        buf_adds(out, "\nOptions:\n");
        for (size_t i = 0; i < ELEMENTSOF(verb_machinectl.options) && verb_machinectl.options[i] != OPTION_HELP; i++)
                spec_help_option(out, &option_rows[verb_machinectl.options[i]].option);
        spec_help_option(out, &option_rows[OPTION_HELP].option);
        spec_help_option(out, &(SpecOption){.long_name = "uid",
                                            .argument = SPEC_ARGUMENT_REQUIRED,
                                            .metavar = "USER",
                                            .help = "Of shell: the user inside"});
        spec_help_option(out, &(SpecOption){'E', "setenv", SPEC_ARGUMENT_REQUIRED, "NAME[=VALUE]",
                                            "Of shell: set an environment variable"});
}
