/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reader of a command line by the spelling table. Pure: what it needs of the caller's surroundings is handed in. */

#include "spec/spelling.h"

typedef struct SpecArgv {
        unsigned uses;         /* SpecUse of the verb; 0: only own options */
        const SpecOption *own; /* looked up before the table */
        size_t n_own;
        int (*take)(void *ctx, size_t option, const char *value, Error *e); /* index into own; value NULL without one */
        void *ctx;
        const char *directory;    /* the caller's current directory, for relative paths; NULL: they are refused */
        char *const *environment; /* the caller's, for --setenv=NAME */
        Buf *list;                /* what the value "help" lists, instead of being read; NULL: it is read */
} SpecArgv;

/* Reads options from argv[0] on (the words after the verb, NULL-terminated) up to the first word that is none, or behind "--";
 * *ret_first is its index. --opt=VALUE, --opt VALUE, -oVALUE, -o VALUE, bundled -ab. Unknown options are refused with the nearest one.
 * 1 when something was to be listed: the rest is not read then. */
int spec_read_argv(MachineSpec *s, const SpecArgv *how, char *const *argv, size_t *ret_first, Error *e);
