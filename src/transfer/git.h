/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Repositories by the program git: the newest state of the branch that the server shows first, without history. */

#include "base/error.h"
#include "base/events.h"

/* dir, absolute, becomes a work tree of url; what is there already is brought up to date, and stays as it is, with a warning, when the
 * server cannot be reached. -ENOENT where there is no git. A killed clone leaves a hidden directory beside dir that the next one clears. */
int git_fetch(const char *url, const char *dir, const Events *ev, Error *e);
