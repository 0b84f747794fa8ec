/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine/run-target.h"

/* When one of the partitions is encrypted: the passphrase, from the credential "dissect.passphrase" or the terminal; once for a target.
 * None is no error here: whoever needs it says so. */
int machine_disk_passphrase(Target *t, const PlanPart *parts, size_t n, Error *e);
