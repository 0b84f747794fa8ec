/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

/* The rows without a function are done by the program that verb.c names for them. */
static const CliFunction functions[_VERB_MAX] = {
                [VERB_CHECK] = cli_check,
                [VERB_RUN] = cli_run,
                [VERB_START] = cli_start,
                [VERB_LIST] = cli_list,
                [VERB_STATUS] = cli_status,
                [VERB_SHOW] = cli_show,
                [VERB_SHELL] = cli_shell,
                [VERB_LOGIN] = cli_login,
                [VERB_CHROOT] = cli_chroot,
                [VERB_SNAPSHOT] = cli_snapshot,
                [VERB_SNAPSHOTS] = cli_snapshots,
                [VERB_DIFF] = cli_diff,
                [VERB_CLONE] = cli_clone,
                [VERB_CONVERT] = cli_convert,
                [VERB_FLATTEN] = cli_flatten,
                [VERB_FSCK] = cli_fsck,
                [VERB_ROLLBACK] = cli_rollback,
                [VERB_POWEROFF] = cli_poweroff,
                [VERB_REBOOT] = cli_reboot,
                [VERB_KILL] = cli_kill,
                [VERB_PAUSE] = cli_pause,
                [VERB_RESUME] = cli_resume,
                [VERB_WAIT] = cli_wait,
                [VERB_CAT] = cli_cat,
                [VERB_EDIT] = cli_edit,
                [VERB_BIND] = cli_bind,
                [VERB_COPY_TO] = cli_copy_to,
                [VERB_COPY_FROM] = cli_copy_from,
                [VERB_CONSOLE] = cli_console,
                [VERB_LOG] = cli_log,
                [VERB_TOP] = cli_top,
                [VERB_ENABLE] = cli_enable,
                [VERB_DISABLE] = cli_disable,
                [VERB_AUTOSTART] = cli_autostart,
                [VERB_TERMINATE] = cli_terminate,
                [VERB_REMOVE] = cli_remove,
                [VERB_IMAGES] = cli_images,
                [VERB_LIST_IMAGES] = cli_list_images,
                [VERB_IMAGE_STATUS] = cli_image_status,
                [VERB_SHOW_IMAGE] = cli_show_image,
                [VERB_RENAME] = cli_rename,
                [VERB_READ_ONLY] = cli_read_only,
                [VERB_SET_LIMIT] = cli_set_limit,
                [VERB_NETWORK] = cli_network,
                [VERB_UNSHARE] = cli_unshare,
                [VERB_HELP] = cli_help,
                [VERB_VERSION] = cli_version,
};

int main(int argc, char **argv)
{
        return cli_main(argc, argv, functions, cli_nspawn);
}
