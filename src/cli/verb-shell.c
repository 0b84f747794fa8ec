/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"

int cli_shell(Cli *c, Error *e)
{
        MachineSpec *s = &c->spec;
        const char *name = c->words[0], *at = strchr(name, '@');
        if (at) { /* USER@NAME; --user= and --uid= win */
                if (!spec_is_set(s, SPEC_FIELD_USER)) {
                        s->user = xstrndup(name, (size_t)(at - name));
                        spec_mark(s, SPEC_FIELD_USER, "argument");
                }
                name = at + 1;
        }
        spec_set_parameters(s, c->words + 1, "argument");
        return machine_shell(&c->host, name, s, &c->status, e);
}

int cli_login(Cli *c, Error *e)
{
        return machine_login(&c->host, c->words[0], &c->status, e);
}
