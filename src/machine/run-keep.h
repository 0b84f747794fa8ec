/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the snapshots that a schedule made are kept: a function of their times alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum KeepPeriod { KEEP_HOURLY, KEEP_DAILY, KEEP_WEEKLY, KEEP_MONTHLY, KEEP_YEARLY, _KEEP_MAX } KeepPeriod;
typedef struct KeepRule {
        uint32_t count[_KEEP_MAX]; /* how many of each, 0 = none */
} KeepRule;

/* "hourly=24,daily=7,weekly=4,monthly=12,yearly=3", any of them. */
int keep_parse(const char *text, KeepRule *ret, Error *e);

/* times: seconds since the epoch, in any order. Of each period (an hour, a day, a week from Monday on, a month, a year; all in UTC)
 * that has any, the newest stays, for so many periods as the rule says, the newest first. The newest of all stays in any case. */
void keep_select(const KeepRule *rule, const int64_t *times, size_t n, bool *ret_keep);

#define KEEP_PREFIX   "auto-"
#define KEEP_NAME_MAX 32
/* "auto-20261124T153000Z": the name of what a schedule makes, and its time, which no copy of the store loses. */
char *keep_name(int64_t time, char ret[static KEEP_NAME_MAX]);
bool keep_time(const char *name, int64_t *ret); /* false: no schedule made it */
