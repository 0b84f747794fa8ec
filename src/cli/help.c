/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "base/str.h"
#include "cli/cli.h"
#include "spec/spelling.h"

void cli_help_all(Buf *out)
{
        buf_adds(out,
                 "berth [VERB] [OPTIONS…]\n\nBuilds, boots, enters and keeps whole Linux systems as containers.\n\nVerbs:\n");
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                char synopsis[128];
                const Verb *v = verbs + id;
                snprintf(synopsis, sizeof(synopsis), "%s%s%s", v->name, v->arguments ? " " : "", v->arguments ?: "");
                size_t width = str_utf8_columns(synopsis);
                buf_addf(out, "  %s%*s %s\n", synopsis, width < 32 ? (int)(32 - width) : 0, "", v->help);
        }
        buf_adds(out, "\nOptions:\n");
        spec_help_option(out, &(SpecOption){.short_name = 'h',
                                            .long_name = "help",
                                            .help = "Show this help; with a verb, its options"});
        spec_help_option(out, &(SpecOption){.long_name = "version", .help = "Show the version"});
        buf_adds(out, "\nSee berth(1) for more, and 'berth VERB --help' for the options of each.\n");
}

void cli_help_verb(Buf *out, const Verb *v)
{
        buf_addf(out, "%s%s [OPTIONS…]%s%s\n\n%s.\n", v == &verb_nspawn ? "" : "berth ", v->name, v->arguments ? " " : "",
                 v->arguments ?: "", v->help);
        if (v->description)
                buf_addf(out, "\n%s\n", v->description);
        if (v->synonyms[0])
                buf_addf(out, "\nThe same: berth %s\n", v->synonyms[0]);
        buf_adds(out, "\nOptions:\n");
        for (size_t i = 0; i < ELEMENTSOF(v->options) && v->options[i] != OPTION_HELP; i++)
                spec_help_option(out, &option_rows[v->options[i]].option);
        spec_help_option(out, &option_rows[OPTION_HELP].option);
        if (v->uses)
                spec_help(out, v->uses);
}
