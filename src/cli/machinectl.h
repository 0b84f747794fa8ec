/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* berth called by the name machinectl: its verbs are berth's own, most of which have these names; what it takes as options anywhere is read
 * at once, and held against what the verb takes. */

#include "cli/cli.h"

/* From the words read with verb_machinectl to those of a verb of berth. */
int machinectl_choose(Cli *c, Error *e);
/* For a verb that another program does: its command line. */
char **machinectl_argv(const Cli *c);
void machinectl_help(Buf *out);
