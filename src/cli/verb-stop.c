/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

int cli_poweroff(Cli *c, Error *e)
{
        return machine_poweroff(&c->host, c->words, c->options.timeout_usec, e);
}

int cli_reboot(Cli *c, Error *e)
{
        return machine_reboot(&c->host, c->words, c->options.timeout_usec, e);
}

static int terminate_one(Cli *c, const char *name, Error *e)
{
        return machine_terminate(&c->host, name, e);
}

int cli_terminate(Cli *c, Error *e)
{
        return cli_each(c, terminate_one);
}

static int kill_one(Cli *c, const char *name, Error *e)
{
        return machine_kill(&c->host, name, c->options.kill_leader, c->options.signal, e);
}

int cli_kill(Cli *c, Error *e)
{
        return cli_each(c, kill_one);
}

static int pause_one(Cli *c, const char *name, Error *e)
{
        return machine_pause(&c->host, name, true, e);
}

int cli_pause(Cli *c, Error *e)
{
        return cli_each(c, pause_one);
}

static int resume_one(Cli *c, const char *name, Error *e)
{
        return machine_pause(&c->host, name, false, e);
}

int cli_resume(Cli *c, Error *e)
{
        return cli_each(c, resume_one);
}

int cli_wait(Cli *c, Error *e)
{
        return machine_wait(&c->host, c->words, (MachineWait)c->options.wait_for, c->options.timeout_usec, e);
}
