/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* HostFacts by name, for tests: a base ("directory", "overlay") and words that change it ("busybox", "terminal", "old-kernel"). */

#include <stdbool.h>

#include "plan/facts.h"

/* false: a word is unknown. The caller frees with facts_done(). */
bool preset_facts(HostFacts *ret, char *const *words);
