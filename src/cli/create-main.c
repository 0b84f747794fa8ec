/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cli/cli.h"

/* berth-create: the program behind `berth create` and `berth clean`, apart because of the libraries it loads. */
static const CliFunction functions[_VERB_MAX] = {[VERB_CREATE] = cli_create, [VERB_CLEAN] = cli_clean};

int main(int argc, char **argv)
{
        VerbId verb = argc < 2 ? _VERB_INVALID : verb_find(argv[1]);
        if (verb < 0 || !functions[verb])
                return EXIT_FAILURE; /* only berth starts it */
        return cli_main(argc, argv, functions, NULL);
}
