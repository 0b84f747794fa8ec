/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lets go of the memory that only the start needed: clean pages of the program and its libraries, which come back from the page cache
 * when they are touched, and free memory of the heap. For supervisors that stay: one runs for each machine. */
void slim_down(void);
