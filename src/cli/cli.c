/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/machinectl.h"

void cli_print_error(Cli *c, const Error *e)
{
        progress_clear(&c->progress);
        if (e->message[0])
                fprintf(stderr, "berth: %s\n", e->message);
}

int cli_print(const Buf *out, Error *e)
{
        int r = out->len ? fd_write_all(STDOUT_FILENO, out->data, out->len) : 0;
        return r < 0 ? error_sys(e, r, "cannot write to standard output") : 0;
}

int cli_print_properties(const Cli *c, const Buf *lines, Error *e)
{
        const Options *o = &c->options;
        _cleanup_strv_ char **all = lines->len ? strv_split(lines->data, "\n") : NULL;
        _cleanup_buf_ Buf b = {0};

        STRV_FOREACH (line, all) {
                const char *equals = strchr(*line, '=');
                _cleanup_free_ char *key = equals ? xstrndup(*line, (size_t)(equals - *line)) : NULL;
                if (o->properties && (!key || !strv_contains(o->properties, key)))
                        continue;
                buf_addf(&b, "%s\n", equals && o->value_only ? equals + 1 : *line);
        }
        return cli_print(&b, e);
}

int cli_each(Cli *c, int (*func)(Cli *c, const char *name, Error *e))
{
        int result = 0;
        STRV_FOREACH (name, c->words) {
                Error e = {0};
                if (func(c, *name, &e) >= 0)
                        continue;
                cli_print_error(c, &e);
                result = -EIO;
        }
        return result;
}

/* ---- reading the words ---- */

typedef struct OwnOptions {
        Options *options;
        const char **given;
        OptionId ids[ELEMENTSOF(((Verb *)0)->options) + 1];
        SpecOption rows[ELEMENTSOF(((Verb *)0)->options) + 1];
        size_t n;
} OwnOptions;

static void own_options(const Verb *verb, Options *options, const char **given, OwnOptions *ret)
{
        *ret = (OwnOptions){.options = options, .given = given};
        for (size_t i = 0; i < ELEMENTSOF(verb->options) && verb->options[i] != OPTION_HELP; i++)
                ret->ids[ret->n++] = verb->options[i];
        ret->ids[ret->n++] = OPTION_HELP;
        for (size_t i = 0; i < ret->n; i++)
                ret->rows[i] = option_rows[ret->ids[i]].option;
}

static int take_own(void *ctx, size_t option, const char *value, Error *e)
{
        OwnOptions *own = ctx;
        own->given[own->ids[option]] = value ?: "";
        return option_take(own->options, own->ids[option], value, e);
}

/* Whether the word at hand begins the command, with options of its own. */
static bool at_command(const Cli *c)
{
        return c->verb == &verb_nspawn || c->verb == &verbs[VERB_UNSHARE] ||
               (c->verb == &verb_machinectl && strv_len(c->words) > 1 && str_eq(c->words[0], "shell")) ||
               (c->verb->command && (c->words || spec_names_image(&c->spec)));
}

/* Options may stand before, between and behind the words; "--" ends them, and so does the first word of a command.
 * 1 when an option's value was "help": its answer is printed, and nothing else is to be done. */
static int read_words(Cli *c, char *const *argv, Error *e)
{
        OwnOptions own;
        char cwd[PATH_MAX];
        _cleanup_buf_ Buf list = {0};
        own_options(c->verb, &c->options, c->given, &own);
        const SpecArgv how = {
                        .uses = c->verb->uses,
                        .own = own.rows,
                        .n_own = own.n,
                        .take = take_own,
                        .ctx = &own,
                        .directory = getcwd(cwd, sizeof(cwd)),
                        .environment = environ,
                        .list = &list,
        };
        while (*argv) {
                size_t first;
                int r = spec_read_argv(&c->spec, &how, argv, &first, e);
                if (r > 0)
                        return MIN(cli_print(&list, e), 0) ?: 1;
                if (r < 0)
                        return r;
                bool all_words = first > 0 && str_eq(argv[first - 1], "--");
                argv += first;
                if (all_words || at_command(c)) {
                        strv_extend(&c->words, argv);
                        return 0;
                }
                if (*argv)
                        strv_push(&c->words, *argv++);
        }
        return 0;
}

int cli_read_settings(const Cli *c, MachineSpec *ret, Error *e)
{
        Cli again = {.verb = c->verb};
        options_init(&again.options);
        spec_init(&again.spec);
        int r = read_words(&again, c->args, e);
        spec_merge(ret, &again.spec);
        spec_done(&again.spec);
        options_done(&again.options);
        strv_free(again.words);
        return r;
}

static bool takes_option(const Verb *v, OptionId id)
{
        for (size_t i = 0; i < ELEMENTSOF(v->options) && v->options[i] != OPTION_HELP; i++)
                if (v->options[i] == id)
                        return true;
        return false;
}

static int check_words(const Cli *c, Error *e)
{
        size_t n = strv_len(c->words);
        const Verb *v = c->verb;
        if (n > v->max)
                return error_set(e, -EINVAL, "'%s' is one word too many; usage: berth %s%s%s", c->words[v->max], v->name,
                                 v->arguments ? " " : "", v->arguments ?: "");
        if (n < v->min)
                return error_set(e, -EINVAL, "something is missing; usage: berth %s %s", v->name, v->arguments);
        if (c->options.json != FORMAT_OFF && !c->options.plan && takes_option(v, OPTION_PLAN))
                return error_set(e, -EINVAL, "--json is about --plan here: give both, or leave it out");
        return 0;
}

/* Before anything is looked up: what is an ordinary user's to change, it changes as root of a user namespace. */
static int check_privilege(Cli *c, Error *e)
{
        const Verb *v = c->verb;
        if (!c->host.rootless || (!v->needs_root && v->rootless == ROOTLESS_NO))
                return 0;
        if (v->rootless == ROOTLESS_NO)
                return error_set(e, -EPERM, "berth %s needs root: run it with sudo", v->name);
        return v->rootless == ROOTLESS_ENTER ? machine_host_enter(&c->host, e) : 0;
}

/* ---- verbs of other programs ---- */

/* Beside berth itself, as in the build tree; else where it was installed. */
static int exec_program(const char *program, char **argv, Error *e)
{
        char self[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n > 0) {
                self[n] = '\0';
                _cleanup_free_ char *dir = path_dirname(self);
                _cleanup_free_ char *path = path_join(dir, program);
                execv(path, argv);
        }
        _cleanup_free_ char *path = path_join(BERTH_LIBEXECDIR, program);
        execv(path, argv);
        return error_sys(e, -errno, "cannot execute '%s'", path);
}

/* ---- main ---- */

static int find_verb(char **argv, VerbId *ret, char ***ret_rest, Error *e)
{
        static const struct {
                const char *word;
                VerbId id;
        } switches[] = {{"-h", VERB_HELP}, {"--help", VERB_HELP}, {"--version", VERB_VERSION}};
        const char *word = argv[1];

        *ret = VERB_LIST;
        *ret_rest = argv + (argv[0] != NULL);
        for (size_t i = 0; i < ELEMENTSOF(switches); i++)
                if (str_eq(word, switches[i].word)) {
                        *ret = switches[i].id;
                        *ret_rest = argv + 2;
                        return 0;
                }
        if (!word || word[0] == '-') /* options alone are those of list */
                return 0;
        *ret = verb_find(word);
        *ret_rest = argv + 2;
        if (*ret >= 0)
                return 0;
        const char *nearest = verb_nearest(word);
        if (nearest)
                return error_set(e, -EINVAL, "there is no verb '%s'; did you mean '%s'?", word, nearest);
        return error_set(e, -EINVAL, "there is no verb '%s'; see 'berth help'", word);
}

/* Settings of a machine, and then a command: all there is with this name. */
static int dispatch_nspawn(Cli *c, char **argv, CliFunction nspawn, Error *e)
{
        c->verb = &verb_nspawn;
        c->args = argv + 1;
        int r = read_words(c, argv + 1, e);
        if (r > 0)
                return 0;
        if (r >= 0 && (c->options.help || c->options.version)) {
                _cleanup_buf_ Buf b = {0};
                if (c->options.help)
                        cli_help_verb(&b, c->verb);
                else /* the number is read by programs that ask what they can expect */
                        buf_adds(&b, "systemd 257 (berth " BERTH_VERSION ")\n");
                return cli_print(&b, e);
        }
        if (r >= 0)
                r = check_words(c, e);
        if (r >= 0)
                r = check_privilege(c, e);
        return r < 0 ? r : nspawn(c, e);
}

/* machinectl's verbs are berth's; its options may stand anywhere, and are read before the verb is known. */
static int dispatch_machinectl(Cli *c, char **argv, const CliFunction functions[static _VERB_MAX], Error *e)
{
        static char *const nothing[] = {NULL};
        c->verb = &verb_machinectl;
        c->machinectl = true;
        int r = read_words(c, argv + 1, e);
        if (r != 0)
                return MIN(r, 0);
        if (c->options.help || c->options.version || str_eq(c->words ? c->words[0] : NULL, "help")) {
                _cleanup_buf_ Buf b = {0};
                if (c->options.version)
                        buf_adds(&b, "systemd 257 (berth " BERTH_VERSION ")\n");
                else
                        machinectl_help(&b);
                return cli_print(&b, e);
        }
        r = machinectl_choose(c, e);
        c->args = nothing; /* whoever reads them again finds no settings of a machine */
        if (r >= 0)
                r = check_words(c, e);
        if (r >= 0)
                r = check_privilege(c, e);
        if (r < 0)
                return r;
        VerbId id = (VerbId)(c->verb - verbs);
        if (functions[id])
                return functions[id](c, e);
        _cleanup_strv_ char **words = machinectl_argv(c);
        return exec_program(c->verb->program, words, e);
}

static int dispatch(Cli *c, char **argv, const CliFunction functions[static _VERB_MAX], Error *e)
{
        VerbId id;
        char **rest;
        int r = find_verb(argv, &id, &rest, e);
        if (r < 0)
                return r;
        c->verb = verbs + id;
        c->args = rest;
        r = read_words(c, rest, e);
        if (r > 0)
                return 0;
        if (r >= 0 && c->options.help) {
                _cleanup_buf_ Buf b = {0};
                cli_help_verb(&b, c->verb);
                return cli_print(&b, e);
        }
        if (r >= 0)
                r = check_words(c, e);
        if (r >= 0)
                r = check_privilege(c, e);
        if (r < 0)
                return r;
        if (!functions[id])
                return exec_program(c->verb->program, argv, e);
        return functions[id](c, e);
}

int cli_main(int argc, char **argv, const CliFunction functions[static _VERB_MAX], CliFunction nspawn)
{
        Cli c = {0};
        Error e = {0};
        options_init(&c.options);
        spec_init(&c.spec);
        progress_init(&c.progress);
        machine_host_init(&c.host);
        c.host.events = progress_events(&c.progress);

        const char *name = nspawn && argv[0] ? path_basename(argv[0]) : "";
        int r = str_eq(name, "systemd-nspawn") ? dispatch_nspawn(&c, argv, nspawn, &e)
                : str_eq(name, "machinectl")   ? dispatch_machinectl(&c, argv, functions, &e)
                                               : dispatch(&c, argv, functions, &e);
        progress_clear(&c.progress);
        if (r < 0 && e.code != 0)
                cli_print_error(&c, &e);
        int status = r < 0 ? (c.failed_status ?: EXIT_FAILURE) : c.status;
        strv_free(c.words);
        spec_done(&c.spec);
        options_done(&c.options);
        machine_host_done(&c.host);
        return status;
}
