/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a failed transfer means: whether it is worth another try, when, and what the user is told. */

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct FetchFailure {
        CURLcode code;
        long status; /* of HTTP, 0: no answer */
        const char *url;
        const char *detail; /* curl's own words, may be empty */
        bool reached;       /* something was fetched before in this run, so that the network and the host are good in principle */
} FetchFailure;

bool fetch_failure_passes(const FetchFailure *f);
int fetch_failure_explain(const FetchFailure *f, Error *e);

/* Before try 1, 2, … in microseconds: 0.5 s doubling up to 10 s, more when the server asked for it (seconds), but never
 * over 30 s. */
uint64_t fetch_pause(unsigned attempt, int64_t retry_after);
