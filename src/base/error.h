/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one error convention: a function that can fail in the user's terms returns int, < 0 is -errno, and takes an
 * optional `Error *e` as its last parameter. It is set once, where the fact is known; callers may prefix.
 * Error is a fixed-size plain struct without pointers, so that it crosses a fork through a pipe by value. */

#include <stdarg.h>

#include "base/macro.h"

#define ERROR_MESSAGE_MAX 1024

typedef struct Error {
        int code;                        /* -errno, 0 while unset */
        char message[ERROR_MESSAGE_MAX]; /* one line, no trailing period or newline, UTF-8, always terminated */
} Error;

/* Sets *e (NULL is allowed) and returns `code` (made negative when positive). The text names the thing and, where there is one,
 * the way out: error_set(e, -ENOENT, "image '%s' does not exist", name). It does not append strerror(). */
int error_set(Error *e, int code, const char *fmt, ...) _printf_(3, 4);

/* As error_set(), and appends ": " and the C library's text for the code: error_sys(e, -errno, "cannot open '%s'", path). */
int error_sys(Error *e, int code, const char *fmt, ...) _printf_(3, 4);

/* Puts "prefix: " before an error that is already set; returns e->code (or `code` when e is NULL). */
int error_prefix(Error *e, int code, const char *fmt, ...) _printf_(3, 4);
