/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Allows the calling process the system calls that unpacking needs. Others fail with ENOSYS, so that a libc that tries a
 * newer call falls back; a call through another architecture's entry kills. Needs no_new_privs. 0 or -errno. */
int unpack_seccomp_apply(void);
/* The same for who only decompresses: from a descriptor to another, in threads. */
int decode_seccomp_apply(void);
/* And who besides may go to any place of the files it was given, and set their length. */
int disk_seccomp_apply(void);

/* A build for tests: the sanitizer's runtime needs more memory and a few more calls. */
#if defined(__SANITIZE_ADDRESS__)
#define UNPACK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNPACK_SANITIZED 1
#endif
#endif
