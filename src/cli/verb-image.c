/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

int cli_snapshot(Cli *c, Error *e)
{
        return machine_snapshot(&c->host, c->words[0], c->words[1], e);
}

int cli_clone(Cli *c, Error *e)
{
        return machine_clone(&c->host, c->words[0], c->words[1], e);
}

int cli_rollback(Cli *c, Error *e)
{
        return machine_rollback(&c->host, c->words[0], c->words[1], c->options.restart, e);
}

static int remove_one(Cli *c, const char *name, Error *e)
{
        return machine_remove(&c->host, name, e);
}

int cli_remove(Cli *c, Error *e)
{
        return cli_each(c, remove_one);
}
