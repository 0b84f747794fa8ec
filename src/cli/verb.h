/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs as rows of plain data. What a verb does is in the program that has it (main.c, create-main.c), so that the completions
 * and the manual can be made from the same rows without linking any of it. */

#include <limits.h>

#include "cli/option.h"

typedef enum VerbId {
        VERB_CHECK,
        VERB_CREATE,
        VERB_RUN,
        VERB_START,
        VERB_LIST,
        VERB_STATUS,
        VERB_SHOW,
        VERB_SHELL,
        VERB_LOGIN,
        VERB_CONSOLE,
        VERB_LOG,
        VERB_TOP,
        VERB_CHROOT,
        VERB_PROFILE,
        VERB_SNAPSHOT,
        VERB_SNAPSHOTS,
        VERB_DIFF,
        VERB_CLONE,
        VERB_CONVERT,
        VERB_FLATTEN,
        VERB_FSCK,
        VERB_ROLLBACK,
        VERB_POWEROFF,
        VERB_REBOOT,
        VERB_ENABLE,
        VERB_DISABLE,
        VERB_AUTOSTART,
        VERB_TERMINATE,
        VERB_KILL,
        VERB_PAUSE,
        VERB_RESUME,
        VERB_WAIT,
        VERB_BIND,
        VERB_COPY_TO,
        VERB_COPY_FROM,
        VERB_REMOVE,
        VERB_RENAME,
        VERB_READ_ONLY,
        VERB_SET_LIMIT,
        VERB_CAT,
        VERB_EDIT,
        VERB_CLEAN,
        VERB_IMPORT_TAR,
        VERB_IMPORT_RAW,
        VERB_IMPORT_FS,
        VERB_EXPORT_TAR,
        VERB_EXPORT_RAW,
        VERB_PULL_TAR,
        VERB_PULL_RAW,
        VERB_SEND,
        VERB_RECEIVE,
        VERB_LIST_TRANSFERS,
        VERB_CANCEL_TRANSFER,
        VERB_IMAGES,
        VERB_LIST_IMAGES,
        VERB_IMAGE_STATUS,
        VERB_SHOW_IMAGE,
        VERB_NETWORK,
        VERB_UNSHARE,
        VERB_HELP,
        VERB_VERSION,
        _VERB_MAX,
        _VERB_INVALID = -22,
} VerbId;

typedef enum VerbWords { /* what completion offers for the words behind the verb */
                         WORDS_NONE,
                         WORDS_IMAGES,          /* machines in the store, each word */
                         WORDS_RUNNING,         /* machines that run, each word */
                         WORDS_IMAGE_ONCE,      /* a machine in the store, then nothing that could be guessed */
                         WORDS_RUNNING_COMMAND, /* a machine that runs, then a command */
                         WORDS_IMAGE_COMMAND,
                         WORDS_SNAPSHOT,     /* a machine in the store, then one of its snapshots */
                         WORDS_REMOVABLE,    /* machines in the store, and NAME@ their snapshots, each word */
                         WORDS_SOURCE,       /* a new name, then a source of images */
                         WORDS_FILE,         /* a file, then a new name */
                         WORDS_RUNNING_FILE, /* a machine that runs, then a file */
                         WORDS_IMAGE_FILE,   /* a machine in the store, then a file */
                         WORDS_NETWORK,      /* what to do, then a network */
                         WORDS_VERBS,
} VerbWords;

typedef enum VerbRootless {                 /* for an ordinary user's own machines, a verb that needs root … */
                            ROOTLESS_NO,    /* is not offered */
                            ROOTLESS_PLAIN, /* needs none */
                            ROOTLESS_ENTER, /* runs in the user namespace where the user is root */
} VerbRootless;

#define VERB_ANY UINT_MAX

typedef struct Verb {
        const char *name;
        const char *synonyms[3];
        const char *arguments; /* synopsis of the words: "NAME SNAPSHOT" */
        unsigned min, max;     /* number of words */
        bool needs_root;       /* except with --plan, or as `rootless` says */
        VerbRootless rootless;
        bool command; /* behind the first word (or with --directory, --machine: at once) comes a command, with options of its own */
        unsigned uses; /* SpecUse: machine settings that it takes as options */
        VerbWords words;
        OptionId options[40];    /* besides --help; ended by OPTION_HELP */
        const char *program;     /* the program in libexecdir that does it; NULL: berth itself */
        const char *help;        /* one line */
        const char *description; /* for --help and the manual: what else there is to know */
} Verb;

extern const Verb verbs[_VERB_MAX];
extern const Verb verb_nspawn;              /* of no name: the whole command line when the program is called systemd-nspawn */
extern const Verb verb_machinectl;          /* of no name, too: all options that machinectl takes */
VerbId verb_find(const char *name);         /* by name or synonym */
const char *verb_nearest(const char *name); /* NULL: nothing near */
