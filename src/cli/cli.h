/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of the command line: everything it knows is in this struct on main's stack. */

#include "cli/progress.h"
#include "cli/verb.h"
#include "machine/machine.h"

typedef struct Cli {
        const Verb *verb;
        Options options;
        MachineSpec spec;  /* of the verbs that take machine settings */
        char **words;      /* what is no option */
        char *const *args; /* all of it as given, behind the verb */
        const char *given
                        [_OPTION_MAX]; /* own options: their values, "" without one; NULL: not given. Borrowed from the command line */
        bool machinectl;               /* called by that name */
        MachineHost host;
        Progress progress;
        unsigned printed;  /* how many were shown, of several */
        int status;        /* exit status of a verb that succeeded */
        int failed_status; /* of one that failed; 0: EXIT_FAILURE */
} Cli;

typedef int (*CliFunction)(Cli *c, Error *e);

/* functions: by VerbId; NULL where another program does the verb. nspawn: what is done when the program is called by the name
 * systemd-nspawn; NULL: nothing special. Returns the exit status. */
int cli_main(int argc, char **argv, const CliFunction functions[static _VERB_MAX], CliFunction nspawn);

/* For verbs that take several names: calls func for each, prints each failure; -EIO without a message when there was one. */
int cli_each(Cli *c, int (*func)(Cli *c, const char *name, Error *e));
/* The machine settings on the command line once more: starting a machine uses them up, and they hold for each one named. */
int cli_read_settings(const Cli *c, MachineSpec *ret, Error *e);
void cli_print_error(Cli *c, const Error *e);

void cli_help_all(Buf *out);
void cli_help_verb(Buf *out, const Verb *v);
int cli_print(const Buf *out, Error *e); /* to stdout */
/* KEY=VALUE lines: those that --property asks for, without KEY= with --value. */
int cli_print_properties(const Cli *c, const Buf *lines, Error *e);

int cli_check(Cli *c, Error *e);
int cli_run(Cli *c, Error *e);
int cli_nspawn(Cli *c, Error *e);
int cli_start(Cli *c, Error *e);
int cli_list(Cli *c, Error *e);
int cli_status(Cli *c, Error *e);
int cli_show(Cli *c, Error *e);
int cli_shell(Cli *c, Error *e);
int cli_chroot(Cli *c, Error *e);
int cli_profile(Cli *c, Error *e);
int cli_snapshot(Cli *c, Error *e);
int cli_snapshots(Cli *c, Error *e);
int cli_diff(Cli *c, Error *e);
int cli_clone(Cli *c, Error *e);
int cli_convert(Cli *c, Error *e);
int cli_flatten(Cli *c, Error *e);
int cli_fsck(Cli *c, Error *e);
int cli_rollback(Cli *c, Error *e);
int cli_poweroff(Cli *c, Error *e);
int cli_login(Cli *c, Error *e);
int cli_reboot(Cli *c, Error *e);
int cli_kill(Cli *c, Error *e);
int cli_pause(Cli *c, Error *e);
int cli_resume(Cli *c, Error *e);
int cli_wait(Cli *c, Error *e);
int cli_cat(Cli *c, Error *e);
int cli_edit(Cli *c, Error *e);
int cli_bind(Cli *c, Error *e);
int cli_copy_to(Cli *c, Error *e);
int cli_copy_from(Cli *c, Error *e);
int cli_console(Cli *c, Error *e);
int cli_log(Cli *c, Error *e);
int cli_top(Cli *c, Error *e);
int cli_enable(Cli *c, Error *e);
int cli_disable(Cli *c, Error *e);
int cli_autostart(Cli *c, Error *e);
int cli_terminate(Cli *c, Error *e);
int cli_remove(Cli *c, Error *e);
int cli_images(Cli *c, Error *e);
int cli_list_images(Cli *c, Error *e);
int cli_image_status(Cli *c, Error *e);
int cli_show_image(Cli *c, Error *e);
int cli_rename(Cli *c, Error *e);
int cli_read_only(Cli *c, Error *e);
int cli_set_limit(Cli *c, Error *e);
int cli_network(Cli *c, Error *e);
int cli_unshare(Cli *c, Error *e);
int cli_help(Cli *c, Error *e);
int cli_version(Cli *c, Error *e);
int cli_create(Cli *c, Error *e);
int cli_clean(Cli *c, Error *e);
int cli_import_tar(Cli *c, Error *e);
int cli_import_raw(Cli *c, Error *e);
int cli_import_fs(Cli *c, Error *e);
int cli_export_tar(Cli *c, Error *e);
int cli_export_raw(Cli *c, Error *e);
int cli_pull_tar(Cli *c, Error *e);
int cli_pull_raw(Cli *c, Error *e);
int cli_send(Cli *c, Error *e);
int cli_receive(Cli *c, Error *e);
int cli_list_transfers(Cli *c, Error *e);
int cli_cancel_transfer(Cli *c, Error *e);
