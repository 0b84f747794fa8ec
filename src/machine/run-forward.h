/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who takes the journal of a machine: systemd-journal-remote, for --forward-journal=. It runs from before the machine's start until after
 * its end, reboots included, and goes with its supervisor, however that one ends. */

#include "base/events.h"
#include "machine/run-target.h"

typedef struct Forward {
        int listener; /* its socket, to see whether somebody waits at it */
        int pidfd;    /* -1: none was asked for */
        int errors;   /* what it says, a pipe */
        pid_t pid;
        size_t sockets; /* that it has open when nobody is connected */
} Forward;

#define FORWARD_NONE                                      \
        {                                                 \
                .listener = -1, .pidfd = -1, .errors = -1 \
        }

int machine_facts_forward(const Target *t, HostFacts *f, Error *e);
int forward_begin(const PlanJournal *j, Forward *ret, Error *e);
/* What the machine wrote until its end is taken before. */
void forward_end(Forward *f, const Events *events);
