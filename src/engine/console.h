/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The outer end of the payload's console: joins the pty's master to the caller's terminal and to a log. One thread, edge-triggered
 * epoll, fixed buffers, nothing allocated. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "base/error.h"

/* Twice ^] and then a key, within a second. */
typedef enum EscapeKey {
        ESCAPE_NONE,
        ESCAPE_KILL,     /* ^] once more */
        ESCAPE_POWEROFF, /* p */
        ESCAPE_REBOOT,   /* r */
} EscapeKey;

typedef struct Escape {
        unsigned count;
        uint64_t since; /* monotonic microseconds of the first */
} Escape;

EscapeKey escape_feed(Escape *escape, const char *data, size_t n, uint64_t now);

typedef enum ConsoleEnd { CONSOLE_MASTER, CONSOLE_IN, CONSOLE_OUT, _CONSOLE_END_MAX } ConsoleEnd;

typedef struct Console {
        int fds[_CONSOLE_END_MAX]; /* own descriptors, non-blocking; -1 = not joined */
        int terminal;              /* borrowed: whose mode was changed, and whose size is followed; -1 = none */
        int log;                   /* borrowed, opened with O_APPEND */
        size_t logged;             /* bytes in the log */
        bool restore, tinted;
        struct termios saved;
        bool readable[_CONSOLE_END_MAX], writable[_CONSOLE_END_MAX];
        bool in_ended; /* the caller's side is at its end, or was hung up */
        size_t in_len, out_len;
        char in_buf[512], out_buf[4096];
        Escape escape;
} Console;

void console_init(Console *c);
/* Takes the master. `in` and `out` are borrowed; -1 joins nothing. A terminal at `in` becomes raw. Registers with epoll under
 * tag + ConsoleEnd. */
int console_open(Console *c, int *take_master, int in, int out, int log, int epoll_fd, uint32_t tag);
/* Colours the background of the terminal that it is joined to until it is closed; `sgr` as spec.background. */
void console_tint(Console *c, const char *sgr);
/* Moves what can be moved after events on one end, and says which escape sequence was typed. */
EscapeKey console_event(Console *c, ConsoleEnd end, uint32_t events);
void console_resize(Console *c);
/* Shows what is left after the payload's end, and gives the terminal back. */
void console_close(Console *c);
