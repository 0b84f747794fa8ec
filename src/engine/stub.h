/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/macro.h"
#include "plan/plan.h"

typedef enum StubRequest { STUB_NOTHING, STUB_POWEROFF, STUB_REBOOT } StubRequest;

/* The meaning of a signal for PID 1, as systemd-nspawn's stub has it (systemd-nspawn(1), --as-pid2). */
StubRequest stub_request(int signal);

/* PID 1: reaps what is orphaned, obeys the power-off and reboot signals, and ends with the status of `child` (255 when a
 * signal ended it). */
_noreturn_ void stub_main(pid_t child, const PlanOp *exec);
