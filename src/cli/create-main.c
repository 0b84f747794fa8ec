/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cli/cli.h"

/* berth-create: the program behind `berth create`, apart because of the libraries it loads. */
static const CliFunction functions[_VERB_MAX] = {[VERB_CREATE] = cli_create};

int main(int argc, char **argv)
{
        if (argc < 2 || verb_find(argv[1]) != VERB_CREATE)
                return EXIT_FAILURE; /* only berth starts it */
        return cli_main(argc, argv, functions, NULL);
}
