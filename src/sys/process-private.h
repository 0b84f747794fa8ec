/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* The way of sys_close_all_fds() before Linux 5.9, for the tests. */
int close_listed_fds(unsigned first, const int *keep, size_t n);
