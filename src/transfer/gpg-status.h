/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What gpgv(1) says on its --status-fd (doc/DETAILS of GnuPG), reduced to a verdict. As apt: one good signature by a
 * known key is enough, because a suite is signed with several keys and a keyring need not have all; a bad one spoils
 * everything. */

#include "base/error.h"

/* `status`: all lines. 0 when the signed text may be trusted. `what` names the file. */
int gpg_status_judge(const char *status, const char *what, Error *e);
