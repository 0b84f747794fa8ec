/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allows the calling process the system calls that unpacking needs. Others fail with ENOSYS, so that a libc that tries a
 * newer call falls back; a call through another architecture's entry kills. Needs no_new_privs. 0 or -errno. */
int unpack_seccomp_apply(void);
