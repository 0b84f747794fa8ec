/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Holds all processes of a running machine still while its files are copied. A guardian process thaws them when the caller dies in between
 * (kill -9): a machine is never left frozen. */
typedef struct Freeze {
        char *cgroup;   /* cgroup2 path of the payload */
        bool paused;    /* it was still before, and stays so */
        pid_t guardian; /* 0: nothing is frozen */
        int alive;      /* the guardian sees its end of file when this process dies or closes it */
} Freeze;

int freeze_begin(Freeze *f, const char *machine_cgroup, Error *e);
int freeze_end(Freeze *f, Error *e);
