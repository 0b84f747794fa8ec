/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the libraries report while they work, on stderr: one bar on a terminal, plain lines elsewhere. */

#include <stdbool.h>

#include "base/events.h"

typedef struct Progress {
        bool terminal;
        bool drawn; /* a bar stands on the present line */
        uint64_t begun_usec, drawn_usec, first_done;
        unsigned printed_tenths; /* plain lines: tenths that were announced */
        char step[128];
} Progress;

void progress_init(Progress *p);
Events progress_events(Progress *p);
void progress_clear(Progress *p); /* before anything else is written to the terminal */
