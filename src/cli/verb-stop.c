/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

int cli_poweroff(Cli *c, Error *e)
{
        return machine_poweroff(&c->host, c->words, c->options.timeout_usec, e);
}

static int terminate_one(Cli *c, const char *name, Error *e)
{
        return machine_terminate(&c->host, name, e);
}

int cli_terminate(Cli *c, Error *e)
{
        return cli_each(c, terminate_one);
}
