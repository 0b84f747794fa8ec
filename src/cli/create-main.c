/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "cli/cli.h"

/* berth-create: the program behind `berth create`, `clean` and the imports and exports, apart because of the libraries it loads. */
static const CliFunction functions[_VERB_MAX] = {
                [VERB_CREATE] = cli_create,
                [VERB_PROFILE] = cli_profile,
                [VERB_CLEAN] = cli_clean,
                [VERB_IMPORT_TAR] = cli_import_tar,
                [VERB_IMPORT_RAW] = cli_import_raw,
                [VERB_IMPORT_FS] = cli_import_fs,
                [VERB_EXPORT_TAR] = cli_export_tar,
                [VERB_EXPORT_RAW] = cli_export_raw,
                [VERB_PULL_TAR] = cli_pull_tar,
                [VERB_PULL_RAW] = cli_pull_raw,
                [VERB_SEND] = cli_send,
                [VERB_RECEIVE] = cli_receive,
                [VERB_LIST_TRANSFERS] = cli_list_transfers,
                [VERB_CANCEL_TRANSFER] = cli_cancel_transfer,
};

int main(int argc, char **argv)
{
        VerbId verb = argc < 2 ? _VERB_INVALID : verb_find(argv[1]);
        if (verb < 0 || !functions[verb])
                return EXIT_FAILURE; /* only berth starts it */
        return cli_main(argc, argv, functions, NULL);
}
