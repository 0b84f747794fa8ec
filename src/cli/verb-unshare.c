/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <unistd.h>

#include "cli/cli.h"

/* cli.c has entered the user namespace by now; root is where it would be in there already. */
int cli_unshare(Cli *c, Error *e)
{
        execvp(c->words[0], c->words);
        return error_sys(e, -errno, "cannot execute '%s'", c->words[0]);
}
