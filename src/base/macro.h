/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only place for GNU extensions: cleanup attributes, typeof, statement expressions. */

#include <stddef.h>

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define _cleanup_(f)        __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_            __attribute__((unused))
#define _noreturn_          __attribute__((noreturn))
#define _warn_unused_       __attribute__((warn_unused_result))

#define MIN(a, b)                   \
        ({                          \
                typeof(a) _a = (a); \
                typeof(b) _b = (b); \
                _a < _b ? _a : _b;  \
        })
#define MAX(a, b)                   \
        ({                          \
                typeof(a) _a = (a); \
                typeof(b) _b = (b); \
                _a > _b ? _a : _b;  \
        })

/* SIGRTMIN of the GNU C library. Real-time signals are named to people, and sent to inits, as programs built with that count them; another
 * library that berth itself is built with may keep more of the kernel's signals for itself, as musl does. */
#define GNU_SIGRTMIN 34

/* Hand an owned pointer or file descriptor over: yields it and empties the variable. */
#define TAKE_PTR(p)                 \
        ({                          \
                typeof(p) _p = (p); \
                (p) = NULL;         \
                _p;                 \
        })
#define TAKE_FD(fd)             \
        ({                      \
                int _fd = (fd); \
                (fd) = -1;      \
                _fd;            \
        })

/* Defines cleanup_NAME(T **) for a destructor `T *func(T *)` that accepts NULL. */
#define DEFINE_CLEANUP(type, func)           \
        static inline void func##p(type **p) \
        {                                    \
                func(*p);                    \
        }                                    \
        struct __useless_semicolon_##func
