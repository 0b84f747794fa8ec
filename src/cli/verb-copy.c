/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "cli/cli.h"

/* Of the host: relative to the current directory. */
static char *outside(const char *word)
{
        char cwd[PATH_MAX];

        return path_simplify(path_is_absolute(word) || !getcwd(cwd, sizeof(cwd)) ? xstrdup(word) : path_join(cwd, word));
}

static int copy(Cli *c, bool from_machine, Error *e)
{
        const char *source = c->words[1], *target = c->words[2] ?: source;
        _cleanup_free_ char *path = outside(from_machine ? target : source);
        const MachineCopy what = {
                        .from_machine = from_machine,
                        .force = c->options.force,
                        .inside = from_machine  ? source
                                  : c->words[2] ? target
                                                : path,
                        .outside = path,
        };
        return machine_copy(&c->host, c->words[0], &what, e);
}

int cli_copy_to(Cli *c, Error *e)
{
        return copy(c, false, e);
}

int cli_copy_from(Cli *c, Error *e)
{
        return copy(c, true, e);
}

int cli_bind(Cli *c, Error *e)
{
        _cleanup_free_ char *source = outside(c->words[1]);

        return machine_bind(&c->host, c->words[0], source, c->words[2] ?: source, c->options.read_only, c->options.mkdir, e);
}
