/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/error.h"

/* Brings a network interface of the calling process's network namespace up, through rtnetlink(7). */
int sys_link_up(const char *name, Error *e);
