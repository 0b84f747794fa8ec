/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of one running machine below MachineHost.run_dir: machines/NAME/state and machines/NAME/console.log, and the socket
 * machines/NAME/journal. The lock of the directory
 * is held by its supervisor from before the start until everything is cleaned up. */

#include "machine/machine.h"

int machine_record_write(const MachineHost *h, const Machine *m, Error *e); /* atomic */
int machine_record_read(const MachineHost *h, const char *name,
                        Machine *ret); /* -ENOENT, -EBADMSG; says nothing of whether it lives */
int machine_record_remove(const MachineHost *h, const char *name);
char *machine_record_dir(const MachineHost *h, const char *name);

int machine_record_lock(const MachineHost *h, const char *name); /* fd, -EAGAIN when a supervisor has it */
void machine_record_unlock(const MachineHost *h, const char *name, int *take_fd);
