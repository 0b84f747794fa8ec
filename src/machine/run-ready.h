/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What there is to know and to do about an init besides its signals (docs/init.md). */

#include "machine/machine.h"

/* Whether the init has brought the machine up, by what can be seen of it from outside; the machine's links lead nowhere else. */
bool machine_is_ready(const Machine *m);

/* What some inits want in place before their signal means to stop or to restart; the signal for it, 0: there is none. */
int machine_prepare_stop(const Machine *m);
int machine_prepare_reboot(const Machine *m);

/* The names of the programs that an inittab keeps running, sysvinit's or BusyBox's: their processes are there once it is through with what
 * comes before. */
char **ready_inittab_programs(const char *inittab);
