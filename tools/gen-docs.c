/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the shell completions, and the verbs of the manual, from the tables of verbs, options and settings:
 *   gen-docs bash|zsh|fish
 *   gen-docs man < berth.1.scd.in      the lines @VERBS@ and @SETTINGS@ are replaced */

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/verb.h"
#include "spec/spelling.h"

typedef struct Entry { /* an option of a verb, whichever table it is from */
        char short_name;
        const char *long_name, *metavar, *help;
        SpecArgument argument;
        const char *const *choices;
        bool files;
        SpecHeading heading; /* _SPEC_HEADING_MAX: the verb's own */
} Entry;

typedef struct Entries {
        Entry *items;
        size_t n;
} Entries;

static Entry own_entry(OptionId id)
{
        const OptionRow *r = option_rows + id;
        return (Entry){
                        .short_name = r->option.short_name,
                        .long_name = r->option.long_name,
                        .metavar = r->option.metavar,
                        .help = r->option.help,
                        .argument = r->option.argument,
                        .choices = r->choices,
                        .files = r->is_file,
                        .heading = _SPEC_HEADING_MAX,
        };
}

static Entries entries_of(const Verb *v)
{
        Entries e = {0};
        size_t n;
        const SpecSpelling *s = spec_spellings(&n);
        for (size_t i = 0; i < ELEMENTSOF(v->options) && v->options[i] != OPTION_HELP; i++)
                *vec_push(&e) = own_entry(v->options[i]);
        *vec_push(&e) = own_entry(OPTION_HELP);
        for (size_t i = 0; i < n; i++) {
                if (!(s[i].uses & v->uses) || (!s[i].long_name && !s[i].short_name))
                        continue;
                *vec_push(&e) = (Entry){
                                .short_name = s[i].short_name,
                                .long_name = s[i].long_name,
                                .metavar = s[i].metavar,
                                .help = s[i].help,
                                .argument = s[i].argument,
                                .choices = spec_spelling_choices(&s[i]),
                                .files = s[i].metavar && strstr(s[i].metavar, "PATH"),
                                .heading = s[i].heading,
                };
        }
        return e;
}

/* ---- manual ---- */

static void scd(const char *text) /* scdoc's own signs are escaped */
{
        for (; *text; text++) {
                if (strchr("*_\\#<>`", *text))
                        putchar('\\');
                putchar(*text);
        }
}

static void man_entry(const Entry *e)
{
        if (!e->help)
                return;
        if (e->short_name)
                printf("*-%c*%s", e->short_name, e->long_name ? ", " : "");
        if (e->long_name) {
                fputs("*--", stdout);
                scd(e->long_name);
                putchar('*');
        }
        if (e->argument != SPEC_ARGUMENT_NONE && e->metavar) {
                fputs(e->argument == SPEC_ARGUMENT_OPTIONAL ? "[=_" : "=_", stdout);
                scd(e->metavar);
                fputs(e->argument == SPEC_ARGUMENT_OPTIONAL ? "_]" : "_", stdout);
        }
        fputs("\n\t", stdout);
        scd(e->help);
        fputs(".\n\n", stdout);
}

static void man_own(const Verb *v)
{
        Entries e = entries_of(v);
        for (size_t i = 0; i < e.n; i++)
                if (e.items[i].heading == _SPEC_HEADING_MAX)
                        man_entry(e.items + i);
        free(e.items);
}

static void man_verb(const Verb *v)
{
        printf("## berth %s", v->name);
        if (v->arguments) {
                putchar(' ');
                scd(v->arguments);
        }
        fputs("\n\n", stdout);
        scd(v->help);
        fputs(". ", stdout);
        if (v->description)
                scd(v->description);
        if (v->synonyms[0])
                printf(" *%s* means the same.", v->synonyms[0]);
        fputs("\n\n", stdout);
        man_own(v);
        if (v->uses)
                fputs("And the settings of machines that are marked for it below.\n\n", stdout);
}

/* "run, start — [Exec] Boot=": who takes a setting, and how a settings file says it. */
static char *takers(const SpecSpelling *s)
{
        static const char *const names[] = {"run", "start", "shell"}; /* by bit of SpecUse */
        _cleanup_strv_ char **list = NULL;
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (s->uses & (1U << i))
                        strv_push(&list, names[i]);
        _cleanup_free_ char *text = strv_join(list, ", ");
        return s->key ? xasprintf("%s — [%s] %s=", text, s->section, s->key) : TAKE_PTR(text);
}

/* The settings once, by heading. */
static void man_settings(void)
{
        size_t n;
        const SpecSpelling *s = spec_spellings(&n);
        for (SpecHeading h = 0; h < _SPEC_HEADING_MAX; h++) {
                printf("## %.*s\n\n", (int)strcspn(spec_heading_title(h), ":"), spec_heading_title(h));
                for (size_t i = 0; i < n; i++) {
                        if (s[i].heading != h || !s[i].uses || !s[i].help)
                                continue;
                        _cleanup_free_ char *who = takers(&s[i]), *help = xasprintf("%s (%s)", s[i].help, who);
                        Entry e = {.short_name = s[i].short_name,
                                   .long_name = s[i].long_name,
                                   .metavar = s[i].metavar,
                                   .argument = s[i].argument,
                                   .help = help};
                        man_entry(&e);
                }
        }
}

static int man(void)
{
        char line[4096];
        while (fgets(line, sizeof(line), stdin)) {
                if (str_eq(line, "@VERBS@\n"))
                        for (VerbId id = 0; id < _VERB_MAX; id++)
                                man_verb(verbs + id);
                else if (str_eq(line, "@SETTINGS@\n"))
                        man_settings();
                else
                        fputs(line, stdout);
        }
        return 0;
}

/* ---- bash ---- */

static void print_names(const Entry *e, const char *separator)
{
        if (e->short_name)
                printf("%s-%c", separator, e->short_name);
        if (e->long_name)
                printf("%s--%s%s", separator, e->long_name, e->argument == SPEC_ARGUMENT_REQUIRED ? "=" : "");
}

static const char *words_name(VerbWords w)
{
        static const char *const names[] = {
                        [WORDS_NONE] = "none",
                        [WORDS_IMAGES] = "images",
                        [WORDS_RUNNING] = "running",
                        [WORDS_IMAGE_ONCE] = "once",
                        [WORDS_RUNNING_COMMAND] = "enter",
                        [WORDS_IMAGE_COMMAND] = "once",
                        [WORDS_SNAPSHOT] = "snap",
                        [WORDS_SOURCE] = "source",
                        [WORDS_VERBS] = "verbs",
                        [WORDS_REMOVABLE] = "removable",
                        [WORDS_FILE] = "file",
                        [WORDS_IMAGE_FILE] = "export",
                        [WORDS_RUNNING_FILE] = "copy",
                        [WORDS_NETWORK] = "network",
        };
        return names[w];
}

static void print_choices_cases(void) /* one for each option with a set of words, whatever verb has it */
{
        _cleanup_strv_ char **seen = NULL;
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                Entries e = entries_of(verbs + id);
                for (size_t i = 0; i < e.n; i++) {
                        const Entry *o = e.items + i;
                        if (!o->choices || !o->long_name || strv_contains(seen, o->long_name))
                                continue;
                        strv_push(&seen, o->long_name);
                        _cleanup_strv_ char **choices = strv_copy((char *const *)o->choices);
                        _cleanup_free_ char *words = strv_join(choices, " ");
                        printf("        --%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->long_name, words);
                }
                free(e.items);
        }
}

static void print_file_options(void)
{
        _cleanup_strv_ char **seen = NULL;
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                Entries e = entries_of(verbs + id);
                for (size_t i = 0; i < e.n; i++)
                        if (e.items[i].files && e.items[i].long_name && !strv_contains(seen, e.items[i].long_name)) {
                                printf("%s--%s", seen ? "|" : "", e.items[i].long_name);
                                strv_push(&seen, e.items[i].long_name);
                        }
                free(e.items);
        }
}

static void verb_case(const Verb *v)
{
        printf("        %s", v->name);
        for (size_t i = 0; i < ELEMENTSOF(v->synonyms) && v->synonyms[i]; i++)
                printf("|%s", v->synonyms[i]);
        fputs(")", stdout);
}

static int bash(void)
{
        fputs("# berth(1) completion for bash; made from berth's tables by tools/gen-docs\n\n"
              "__berth_running() { berth list --no-legend 2>/dev/null | awk '{ print $1 }'; }\n"
              "__berth_images() { berth images --no-legend 2>/dev/null | awk '{ print $1 }'; }\n"
              "__berth_snapshots() { berth snapshots --no-legend \"$1\" 2>/dev/null | awk '{ print $1 }'; }\n\n"
              "_berth() {\n"
              "    local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= "
              "options= kind=none i n=0 first=\n"
              "    COMPREPLY=()\n"
              "    # \"=\" is a word of its own for readline\n"
              "    if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
              "    case $prev in\n",
              stdout);
        print_choices_cases();
        fputs("        ", stdout);
        print_file_options();
        fputs(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
              "    esac\n"
              "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
              "        [[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i]} == = || ${COMP_WORDS[i-1]} == = ]] && continue\n"
              "        if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}; else n=$((n + 1)); first=${first:-${COMP_WORDS[i]}}; fi\n"
              "    done\n"
              "    if [[ -z $verb ]]; then\n"
              "        COMPREPLY=($(compgen -W '--help --version",
              stdout);
        for (VerbId id = 0; id < _VERB_MAX; id++)
                printf(" %s", verbs[id].name);
        fputs("' -- \"$cur\"))\n        return\n    fi\n    case $verb in\n", stdout);
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                Entries e = entries_of(verbs + id);
                verb_case(verbs + id);
                printf(" kind=%s; options='", words_name(verbs[id].words));
                for (size_t i = 0; i < e.n; i++)
                        print_names(e.items + i, " ");
                fputs("' ;;\n", stdout);
                free(e.items);
        }
        fputs("    esac\n"
              "    if [[ $cur == -* ]]; then\n"
              "        COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
              "        [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
              "        return\n"
              "    fi\n"
              "    case $kind:$n in\n"
              "        file:0|export:1|copy:[12]) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
              "        removable:*|export:0)\n"
              "            # so is \"@\"\n"
              "            line=${line##* }\n"
              "            if [[ $line == *@* ]]; then COMPREPLY=($(compgen -W \"$(__berth_snapshots \"${line%%@*}\")\" -- "
              "\"${line#*@}\"))\n"
              "            else COMPREPLY=($(compgen -W \"$(__berth_images)\" -- \"$cur\")); fi ;;\n"
              "        images:*|once:0|snap:0) COMPREPLY=($(compgen -W \"$(__berth_images)\" -- \"$cur\")) ;;\n"
              "        running:*|enter:0|copy:0) COMPREPLY=($(compgen -W \"$(__berth_running)\" -- \"$cur\")) ;;\n"
              "        snap:1) COMPREPLY=($(compgen -W \"$(__berth_snapshots \"$first\")\" -- \"$cur\")) ;;\n"
              "        network:0) COMPREPLY=($(compgen -W 'list create show delete up' -- \"$cur\")) ;;\n"
              "        network:*) COMPREPLY=($(compgen -W \"$(berth network list --no-legend 2>/dev/null | awk '{ print $1 }')\" "
              "-- \"$cur\")) ;;\n"
              "        source:1) COMPREPLY=($(compgen -W 'debian: ubuntu:' -- \"$cur\")); compopt -o nospace ;;\n"
              "        verbs:0) COMPREPLY=($(compgen -W '",
              stdout);
        for (VerbId id = 0; id < _VERB_MAX; id++)
                printf("%s%s", id ? " " : "", verbs[id].name);
        fputs("' -- \"$cur\")) ;;\n    esac\n}\ncomplete -F _berth berth\n", stdout);
        return 0;
}

/* ---- zsh ---- */

static void quoted(const char *text, const char *special) /* within '…' */
{
        for (; *text; text++) {
                if (*text == '\'')
                        fputs("'\\'", stdout);
                else if (strchr(special, *text))
                        putchar('\\');
                putchar(*text);
        }
}

static void zsh_entry(const Entry *e, const char *name, bool is_long)
{
        printf("            '*%s%s[", name, is_long && e->argument == SPEC_ARGUMENT_REQUIRED ? "=" : "");
        quoted(e->help ?: "", "[]:");
        putchar(']');
        if (e->argument != SPEC_ARGUMENT_NONE) {
                printf("%s:", e->argument == SPEC_ARGUMENT_OPTIONAL ? ":" : "");
                quoted(e->metavar ?: "value", "[]:");
                putchar(':');
                if (e->choices) {
                        putchar('(');
                        for (size_t i = 0; e->choices[i]; i++)
                                printf("%s%s", i ? " " : "", e->choices[i]);
                        putchar(')');
                } else if (e->files)
                        fputs("_files", stdout);
        }
        fputs("' \\\n", stdout);
}

static int zsh(void)
{
        fputs("#compdef berth\n# made from berth's tables by tools/gen-docs\n\n"
              "_berth_running() { local -a v; v=(${(f)\"$(berth list --no-legend 2>/dev/null | awk '{ print $1 }')\"}); compadd "
              "-a v }\n"
              "_berth_images() { local -a v; v=(${(f)\"$(berth images --no-legend 2>/dev/null | awk '{ print $1 }')\"}); compadd "
              "-a v }\n"
              "_berth_networks() { local -a v; v=(${(f)\"$(berth network list --no-legend 2>/dev/null | awk '{ print $1 }')\"}); "
              "compadd -a v }\n"
              "_berth_snapshots() { local -a v; v=(${(f)\"$(berth snapshots --no-legend ${words[2]} 2>/dev/null | awk '{ print "
              "$1 }')\"}); "
              "compadd -a v }\n\n"
              "_berth_removable() {\n"
              "    if compset -P 1 '*@'; then\n"
              "        local -a v; v=(${(f)\"$(berth snapshots --no-legend ${IPREFIX%@} 2>/dev/null | awk '{ print $1 }')\"}); "
              "compadd -a v\n"
              "    else\n        _berth_images\n    fi\n}\n\n"
              "_berth_verbs() {\n    local -a verbs=(\n",
              stdout);
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                printf("        '%s:", verbs[id].name);
                quoted(verbs[id].help, ":");
                fputs("'\n", stdout);
        }
        fputs("    )\n    _describe verb verbs\n}\n\n_berth() {\n    local state line\n    local -a words_of\n"
              "    _arguments -C '1:verb:_berth_verbs' '*::argument:->rest' && return\n"
              "    case $words[1] in\n",
              stdout);
        static const char *const positional[] = {
                        [WORDS_NONE] = "",
                        [WORDS_IMAGES] = "'*:machine:_berth_images'",
                        [WORDS_RUNNING] = "'*:machine:_berth_running'",
                        [WORDS_IMAGE_ONCE] = "'1:machine:_berth_images'",
                        [WORDS_RUNNING_COMMAND] = "'1:machine:_berth_running' '*::command:_normal'",
                        [WORDS_IMAGE_COMMAND] = "'1:machine:_berth_images' '*::command:_normal'",
                        [WORDS_SNAPSHOT] = "'1:machine:_berth_images' '2:snapshot:_berth_snapshots'",
                        [WORDS_REMOVABLE] = "'*:machine or machine@snapshot:_berth_removable'",
                        [WORDS_SOURCE] = "'1:name:' '2:source:(debian\\: ubuntu\\:)'",
                        [WORDS_FILE] = "'1:file:_files' '2:name:'",
                        [WORDS_RUNNING_FILE] = "'1:machine:_berth_running' '2:file:_files' '3:file:_files'",
                        [WORDS_IMAGE_FILE] = "'1:machine or machine@snapshot:_berth_removable' '2:file:_files'",
                        [WORDS_NETWORK] = "'1:action:(list create show delete up)' '*:network:_berth_networks'",
                        [WORDS_VERBS] = "'1:verb:_berth_verbs'",
        };
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                Entries e = entries_of(verbs + id);
                verb_case(verbs + id);
                fputs("\n        _arguments -s \\\n", stdout);
                for (size_t i = 0; i < e.n; i++) {
                        char name[64];
                        if (e.items[i].short_name) {
                                snprintf(name, sizeof(name), "-%c", e.items[i].short_name);
                                zsh_entry(e.items + i, name, false);
                        }
                        if (e.items[i].long_name) {
                                snprintf(name, sizeof(name), "--%s", e.items[i].long_name);
                                zsh_entry(e.items + i, name, true);
                        }
                }
                printf("            %s\n        ;;\n", positional[verbs[id].words]);
                free(e.items);
        }
        fputs("    esac\n}\n\n_berth \"$@\"\n", stdout);
        return 0;
}

/* ---- fish ---- */

static void fish_entry(const Verb *v, const Entry *e)
{
        printf("complete -c berth -n '__fish_seen_subcommand_from %s", v->name);
        for (size_t i = 0; i < ELEMENTSOF(v->synonyms) && v->synonyms[i]; i++)
                printf(" %s", v->synonyms[i]);
        putchar('\'');
        if (e->short_name)
                printf(" -s %c", e->short_name);
        if (e->long_name)
                printf(" -l %s", e->long_name);
        if (e->argument == SPEC_ARGUMENT_REQUIRED)
                fputs(e->files ? " -r -F" : " -x", stdout);
        if (e->choices) {
                fputs(" -a '", stdout);
                for (size_t i = 0; e->choices[i]; i++)
                        printf("%s%s", i ? " " : "", e->choices[i]);
                putchar('\'');
        }
        if (e->help) {
                fputs(" -d '", stdout);
                for (const char *p = e->help; *p; p++)
                        printf("%s%c", *p == '\'' || *p == '\\' ? "\\" : "", *p);
                putchar('\'');
        }
        putchar('\n');
}

static int fish(void)
{
        static const char *const source[] = {
                        [WORDS_IMAGES] = "(__berth_images)",
                        [WORDS_RUNNING] = "(__berth_running)",
                        [WORDS_IMAGE_ONCE] = "(__berth_images)",
                        [WORDS_RUNNING_COMMAND] = "(__berth_running)",
                        [WORDS_IMAGE_COMMAND] = "(__berth_images)",
                        [WORDS_SNAPSHOT] = "(__berth_images)",
                        [WORDS_SOURCE] = "debian: ubuntu:",
                        [WORDS_NETWORK] = "list create show delete up (__berth_networks)",
                        [WORDS_VERBS] = "",
                        [WORDS_REMOVABLE] = "(__berth_removable)",
                        [WORDS_FILE] = "(__fish_complete_path)",
                        [WORDS_RUNNING_FILE] = "(__berth_running) (__fish_complete_path)",
                        [WORDS_IMAGE_FILE] = "(__berth_removable) (__fish_complete_path)",
        };
        fputs("# berth(1) completion for fish; made from berth's tables by tools/gen-docs\n"
              "function __berth_running; berth list --no-legend 2>/dev/null | string replace -r ' .*' ''; end\n"
              "function __berth_images; berth images --no-legend 2>/dev/null | string replace -r ' .*' ''; end\n"
              "function __berth_networks; berth network list --no-legend 2>/dev/null | string replace -r ' .*' ''; end\n"
              "function __berth_removable\n"
              "    set -l word (commandline -ct)\n"
              "    if string match -q '*@*' -- $word\n"
              "        set -l name (string replace -r '@.*' '' -- $word)\n"
              "        berth snapshots --no-legend $name 2>/dev/null | string replace -r '^([^ ]+).*' $name'@$1'\n"
              "    else\n"
              "        __berth_images\n"
              "    end\n"
              "end\n"
              "complete -c berth -f\n"
              "complete -c berth -n __fish_use_subcommand -s h -l help -d 'Show help'\n"
              "complete -c berth -n __fish_use_subcommand -l version -d 'Show the version'\n",
              stdout);
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                const Verb *v = verbs + id;
                printf("complete -c berth -n __fish_use_subcommand -a %s -d '", v->name);
                for (const char *p = v->help; *p; p++)
                        printf("%s%c", *p == '\'' || *p == '\\' ? "\\" : "", *p);
                fputs("'\n", stdout);
                if (v->words != WORDS_NONE && source[v->words] && *source[v->words])
                        printf("complete -c berth -n '__fish_seen_subcommand_from %s' -a '%s'\n", v->name, source[v->words]);
                Entries e = entries_of(v);
                for (size_t i = 0; i < e.n; i++)
                        fish_entry(v, e.items + i);
                free(e.items);
        }
        return 0;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                int (*print)(void);
        } kinds[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}, {"man", man}};
        for (size_t i = 0; i < ELEMENTSOF(kinds) && argc == 2; i++)
                if (str_eq(kinds[i].name, argv[1]))
                        return kinds[i].print();
        fputs("usage: gen-docs bash|zsh|fish|man\n", stderr);
        return 1;
}
