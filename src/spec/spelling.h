/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The spelling table: every way in which a user can write a setting. The command line, the .nspawn reader, --help, the man pages'
 * option lists and the shell completions all come from it. */

#include "base/buf.h"
#include "spec/value.h"

typedef enum SpecArgument { SPEC_ARGUMENT_NONE, SPEC_ARGUMENT_REQUIRED, SPEC_ARGUMENT_OPTIONAL } SpecArgument;

typedef struct SpecOption { /* an option of a front end's own, that describes no machine: --json, --plan */
        char short_name;
        const char *long_name;
        SpecArgument argument;
        const char *metavar, *help;
} SpecOption;

typedef enum SpecUse { /* which verbs take an option */
                       SPEC_USE_RUN = 1 << 0,
                       SPEC_USE_START = 1 << 1,
                       SPEC_USE_SHELL = 1 << 2,
                       SPEC_USE_NSPAWN = 1 << 3, /* the command line of systemd-nspawn, which takes those of run too */
} SpecUse;

typedef enum SpecHeading { /* in the order in which help lists them */
                           SPEC_HEADING_IMAGE,
                           SPEC_HEADING_EXECUTION,
                           SPEC_HEADING_IDENTITY,
                           SPEC_HEADING_USERS,
                           SPEC_HEADING_NETWORK,
                           SPEC_HEADING_SECURITY,
                           SPEC_HEADING_RESOURCES,
                           SPEC_HEADING_INTEGRATION,
                           SPEC_HEADING_MOUNTS,
                           SPEC_HEADING_IO,
                           _SPEC_HEADING_MAX,
} SpecHeading;

typedef struct SpecSpelling {
        SpecField field;
        ValueVariant variant;
        char short_name;       /* 0: none */
        const char *long_name; /* without dashes; NULL: none */
        SpecArgument argument;
        const char *fixed;         /* the value when no argument is given */
        bool named_rlimit;         /* the argument is NAME=VALUE, and NAME says which field it is */
        const char *section, *key; /* .nspawn; NULL: none */
        const char *metavar;       /* of the argument, "PATH" */
        const char *help;          /* one line; NULL: an alias that help leaves out */
        SpecHeading heading;
        unsigned uses; /* SpecUse; 0: only a key */
} SpecSpelling;

const SpecSpelling *spec_spellings(size_t *ret_n);
const char *spec_heading_title(SpecHeading heading); /* "Execution:" */

/* The words an option's argument is chosen from, NULL-terminated; NULL when it is free text. */
const char *const *spec_spelling_choices(const SpecSpelling *spelling);

/* What the argument "help" of an option lists, a word a line: the names it knows. False: it is free text, and "help" a value. */
bool spec_spelling_list(const SpecSpelling *spelling, Buf *out);

/* "  -M --machine=NAME        Set the machine's name", under its heading, all that one of `uses` takes. */
void spec_help(Buf *out, unsigned uses);
void spec_help_option(Buf *out, const SpecOption *option);

/* Applies one text by one spelling and notes the origin. */
int spec_apply(MachineSpec *s, const SpecSpelling *spelling, const char *text, const char *origin, Error *e);

/* The candidate with the smallest edit distance, if it is near enough to be what was meant; else NULL. */
typedef struct SpecNearest {
        const char *word, *best;
        size_t distance;
} SpecNearest;
void spec_nearest_offer(SpecNearest *n, const char *candidate);
