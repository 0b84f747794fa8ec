/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int negative(int code)
{
        return code > 0 ? -code : code;
}

/* Messages are shown on one line: control characters (a file name may hold a newline) become '?'. A character cut in half by the
 * size limit goes as a whole. */
static void tidy(char *s, bool cut)
{
        size_t n = strlen(s);

        if (cut) {
                size_t start = n;
                while (start > 0 && ((unsigned char)s[start - 1] & 0xc0) == 0x80)
                        start--;
                if (start > 0 && (unsigned char)s[start - 1] >= 0xc0)
                        s[start - 1] = '\0';
        }
        for (; *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        *s = '?';
}

/* Through a buffer of its own, because an argument may well be the message that is replaced. */
_printf_(2, 0) static void print(char *message, const char *fmt, va_list ap)
{
        char text[ERROR_MESSAGE_MAX];
        int n = vsnprintf(text, sizeof(text), fmt, ap);

        if (n < 0)
                text[0] = '\0';
        tidy(text, n >= ERROR_MESSAGE_MAX);
        memcpy(message, text, strlen(text) + 1);
}

static void append(char *message, const char *text)
{
        size_t have = strlen(message), n = strlen(text);
        bool cut = n >= ERROR_MESSAGE_MAX - have;

        snprintf(message + have, ERROR_MESSAGE_MAX - have, "%s", text);
        tidy(message, cut);
}

_printf_(3, 0) static int set(Error *e, int code, const char *fmt, va_list ap)
{
        code = negative(code);
        if (e) {
                e->code = code;
                print(e->message, fmt, ap);
        }
        return code;
}

int error_set(Error *e, int code, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        code = set(e, code, fmt, ap);
        va_end(ap);
        return code;
}

int error_sys(Error *e, int code, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        code = set(e, code, fmt, ap);
        va_end(ap);
        if (e) {
                append(e->message, ": ");
                append(e->message, strerror(-code));
        }
        return code;
}

int error_prefix(Error *e, int code, const char *fmt, ...)
{
        char message[ERROR_MESSAGE_MAX];
        va_list ap;

        if (!e)
                return negative(code);
        if (e->code == 0)
                e->code = negative(code);
        va_start(ap, fmt);
        print(message, fmt, ap);
        va_end(ap);
        if (e->message[0]) {
                append(message, ": ");
                append(message, e->message);
        }
        memcpy(e->message, message, sizeof(message));
        return e->code;
}
