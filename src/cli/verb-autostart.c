/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"
#include "cli/cli.h"

static int enable_one(Cli *c, const char *name, Error *e)
{
        const MachineAutostart how = {.after = c->options.after, .delay_usec = c->options.delay_usec};

        return machine_enable(&c->host, name, &how, c->options.now, e);
}

int cli_enable(Cli *c, Error *e)
{
        return cli_each(c, enable_one);
}

static int disable_one(Cli *c, const char *name, Error *e)
{
        return machine_disable(&c->host, name, c->options.now, e);
}

int cli_disable(Cli *c, Error *e)
{
        return cli_each(c, disable_one);
}

int cli_autostart(Cli *c, Error *e)
{
        return machine_autostart(&c->host, e);
}
