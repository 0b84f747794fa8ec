/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "cli/cli.h"

int cli_help(Cli *c, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        if (!c->words)
                cli_help_all(&b);
        else {
                VerbId id = verb_find(c->words[0]);
                if (id < 0)
                        return error_set(e, -EINVAL, "there is no verb '%s'; see 'berth help'", c->words[0]);
                cli_help_verb(&b, verbs + id);
        }
        return cli_print(&b, e);
}

int cli_version(Cli *c, Error *e)
{
        _cleanup_buf_ Buf b = {0};
        buf_adds(&b, "berth " BERTH_VERSION "\n");
        return cli_print(&b, e);
}
