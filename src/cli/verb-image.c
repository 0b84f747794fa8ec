/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"

int cli_snapshot(Cli *c, Error *e)
{
        return machine_snapshot(&c->host, c->words[0], c->words[1], e);
}

int cli_clone(Cli *c, Error *e)
{
        return machine_clone(&c->host, c->words[0], c->words[1], c->options.same, e);
}

int cli_rollback(Cli *c, Error *e)
{
        return machine_rollback(&c->host, c->words[0], c->words[1], c->options.restart, e);
}

static int remove_one(Cli *c, const char *name, Error *e)
{
        const char *at = strchr(name, '@');
        if (!at)
                return machine_remove(&c->host, name, e);
        _cleanup_free_ char *machine = xstrndup(name, (size_t)(at - name));
        return machine_snapshot_remove(&c->host, machine, at + 1, e);
}

int cli_remove(Cli *c, Error *e)
{
        return cli_each(c, remove_one);
}
