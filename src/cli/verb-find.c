/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/verb.h"

#include "base/macro.h"
#include "base/str.h"

const Verb verb_nspawn = {
                .name = "systemd-nspawn",
                .arguments = "[COMMAND…]",
                .max = VERB_ANY,
                .needs_root = true,
                .rootless = ROOTLESS_ENTER,
                .command = true,
                .uses = SPEC_USE_RUN | SPEC_USE_NSPAWN,
                .options = {OPTION_NO_PAGER, OPTION_NO_ASK_PASSWORD, OPTION_SYSTEM, OPTION_CLEANUP, OPTION_VERSION, OPTION_PLAN,
                            OPTION_JSON},
                .help = "Run a command or an init in a directory tree, as systemd-nspawn does",
};

const Verb verb_machinectl = {
                .name = "machinectl",
                .arguments = "[VERB] [ARGUMENTS…]",
                .max = VERB_ANY,
                .uses = SPEC_USE_SHELL,
                .options = {OPTION_NO_PAGER,      OPTION_NO_ASK_PASSWORD,
                            OPTION_SYSTEM,        OPTION_VERSION,
                            OPTION_NO_LEGEND,     OPTION_ALL,
                            OPTION_QUIET,         OPTION_FULL,
                            OPTION_SHOW_PROPERTY, OPTION_SHOW_VALUE,
                            OPTION_SHOW_ONE,      OPTION_KILL_WHOM,
                            OPTION_SIGNAL,        OPTION_MARK_READ_ONLY,
                            OPTION_MKDIR,         OPTION_LINES,
                            OPTION_COMPAT_OUTPUT, OPTION_MAX_ADDRESSES,
                            OPTION_FORCE,         OPTION_VERIFY,
                            OPTION_FORMAT,        OPTION_ENABLE_NOW,
                            OPTION_COMPAT_HOST,   OPTION_COMPAT_MACHINE,
                            OPTION_COMPAT_RUNNER},
                .help = "Control machines, as machinectl does",
};

VerbId verb_find(const char *name)
{
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                if (str_eq(verbs[id].name, name))
                        return id;
                for (size_t i = 0; i < ELEMENTSOF(verbs[id].synonyms) && verbs[id].synonyms[i]; i++)
                        if (str_eq(verbs[id].synonyms[i], name))
                                return id;
        }
        return _VERB_INVALID;
}

const char *verb_nearest(const char *name)
{
        SpecNearest nearest = {.word = name};
        for (VerbId id = 0; id < _VERB_MAX && strlen(name) >= 2; id++)
                if (str_startswith(verbs[id].name, name)) /* cut short */
                        return verbs[id].name;
        for (VerbId id = 0; id < _VERB_MAX; id++) {
                spec_nearest_offer(&nearest, verbs[id].name);
                for (size_t i = 0; i < ELEMENTSOF(verbs[id].synonyms) && verbs[id].synonyms[i]; i++)
                        spec_nearest_offer(&nearest, verbs[id].synonyms[i]);
        }
        return nearest.best;
}
