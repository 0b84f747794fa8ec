/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

int cli_chroot(Cli *c, Error *e)
{
        const MachineChroot request = {
                        .what = c->words[0],
                        .command = c->words + 1,
                        .boot = c->options.boot,
                        .read_only = c->options.read_only,
        };
        return machine_chroot(&c->host, &request, &c->status, e);
}
