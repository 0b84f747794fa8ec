/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A system call without the C library, where we know how: a supervisor that has given its memory back and sleeps then needs one place of
 * its program and none of the library's, which would bring 64 to 128 KiB along. Elsewhere by syscall(2). Returns -errno. */

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__) && !defined(__ILP32__)
        register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
        long r;

        __asm__ volatile("syscall"
                         : "=a"(r)
                         : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                         : "rcx", "r11", "memory");
        return r;
#elif defined(__aarch64__)
        register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                         x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;

        __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
        return x0;
#else
        long r = syscall(number, a, b, c, d, e, f);

        return r < 0 ? -errno : r;
#endif
}
