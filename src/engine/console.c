/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sys/pty.h"

#define ESCAPE_KEY      0x1D /* ^] */
#define ESCAPE_TIMES    3
#define CONSOLE_LOG_MAX ((size_t)1 << 20) /* bytes */

EscapeKey escape_feed(Escape *escape, const char *data, size_t n, uint64_t now)
{
        for (size_t i = 0; i < n; i++) {
                bool in_time = now - escape->since <= USEC_PER_SEC;
                if (data[i] != ESCAPE_KEY) {
                        bool led_in = escape->count == ESCAPE_TIMES - 1 && in_time;
                        escape->count = 0;
                        if (led_in && (data[i] == 'p' || data[i] == 'r'))
                                return data[i] == 'p' ? ESCAPE_POWEROFF : ESCAPE_REBOOT;
                        continue;
                }
                if (escape->count == 0 || !in_time) {
                        escape->count = 0;
                        escape->since = now;
                }
                if (++escape->count >= ESCAPE_TIMES) {
                        escape->count = 0;
                        return ESCAPE_KILL;
                }
        }
        return ESCAPE_NONE;
}

void console_init(Console *c)
{
        *c = (Console){.fds = {-1, -1, -1}, .terminal = -1, .log = -1};
}

/* A description of our own where the file allows it, so that O_NONBLOCK is not forced on others who have the caller's terminal open. That
 * of a plain file is shared, as its position is: what the caller writes next must come behind what is written here. */
static int reopen(int fd, int flags)
{
        struct stat st;
        bool plain = fstat(fd, &st) >= 0 && S_ISREG(st.st_mode);
        int own = plain ? -1 : open(fd_path(fd).s, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

        return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int watch(Console *c, ConsoleEnd end, int epoll_fd, uint32_t tag, uint32_t events)
{
        struct epoll_event event = {.events = events | EPOLLET, .data.u32 = tag + end};

        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fds[end], &event) >= 0)
                return 0;
        if (errno != EPERM)
                return -errno;
        c->readable[end] = c->writable[end] = true; /* a plain file is always ready */
        return 0;
}

int console_open(Console *c, int *take_master, int in, int out, int log, int epoll_fd, uint32_t tag)
{
        int r = fd_nonblock(*take_master, true);

        c->log = log;
        c->fds[CONSOLE_MASTER] = TAKE_FD(*take_master);
        if (r < 0)
                return r;
        if (in >= 0 && isatty(in)) {
                c->terminal = in;
                c->restore = sys_terminal_raw(in, &c->saved) >= 0;
        } else if (out >= 0 && isatty(out))
                c->terminal = out;
        console_resize(c);
        if (in >= 0) {
                c->fds[CONSOLE_IN] = reopen(in, O_RDONLY);
                r = c->fds[CONSOLE_IN] < 0 ? -errno : watch(c, CONSOLE_IN, epoll_fd, tag, EPOLLIN);
        }
        if (out >= 0 && r >= 0) {
                c->fds[CONSOLE_OUT] = reopen(out, O_WRONLY | O_APPEND);
                r = c->fds[CONSOLE_OUT] < 0 ? -errno : watch(c, CONSOLE_OUT, epoll_fd, tag, EPOLLOUT);
        }
        return r < 0 ? r : watch(c, CONSOLE_MASTER, epoll_fd, tag, EPOLLIN | EPOLLOUT);
}

void console_resize(Console *c)
{
        if (c->terminal >= 0 && c->fds[CONSOLE_MASTER] >= 0)
                (void)sys_pty_copy_winsize(c->terminal, c->fds[CONSOLE_MASTER]); /* a size is a comfort */
}

/* Reads into a buffer; false when there was nothing. EIO from a pty's master means that nobody has the other side open just now. */
static bool fill(Console *c, ConsoleEnd end, char *buf, size_t size, size_t *len)
{
        if (!c->readable[end] || *len >= size)
                return false;
        ssize_t n = read(c->fds[end], buf + *len, size - *len);
        if (n > 0) {
                *len += (size_t)n;
                return true;
        }
        if (n < 0 && errno == EINTR)
                return true;
        c->readable[end] = false;
        if (end == CONSOLE_IN && (n == 0 || errno != EAGAIN))
                c->in_ended = true;
        return false;
}

static bool drain(Console *c, ConsoleEnd end, char *buf, size_t *len)
{
        if (*len == 0 || (c->fds[end] >= 0 && !c->writable[end]))
                return false;
        ssize_t n = c->fds[end] < 0 ? (ssize_t)*len : write(c->fds[end], buf, *len);
        if (n < 0 && errno == EINTR)
                return true;
        if (n < 0 && errno == EAGAIN) {
                c->writable[end] = false;
                return false;
        }
        if (n < 0) { /* nobody reads any more: it goes nowhere, and the payload must not wait for that */
                if (end == CONSOLE_OUT)
                        c->fds[end] = fd_close(c->fds[end]);
                n = (ssize_t)*len;
        }
        memmove(buf, buf + n, *len - (size_t)n);
        *len -= (size_t)n;
        return true;
}

/* /run is memory: a payload that prints without end must not fill it. */
static void keep(Console *c, const char *data, size_t len)
{
        static const char dropped[] = "[the output before this line was dropped: the console's log is full]\r\n";

        if (c->logged + len > CONSOLE_LOG_MAX && ftruncate(c->log, 0) == 0) {
                (void)fd_write_all(c->log, dropped, sizeof(dropped) - 1);
                c->logged = sizeof(dropped) - 1;
        }
        if (c->logged + len <= CONSOLE_LOG_MAX &&
            fd_write_all(c->log, data, len) >= 0) /* a full disk must not stop the machine */
                c->logged += len;
}

static bool show(Console *c)
{
        size_t before = c->out_len;
        bool moved = fill(c, CONSOLE_MASTER, c->out_buf, sizeof(c->out_buf), &c->out_len);

        if (c->log >= 0 && c->out_len > before)
                keep(c, c->out_buf + before, c->out_len - before);
        return drain(c, CONSOLE_OUT, c->out_buf, &c->out_len) || moved;
}

static bool type(Console *c, EscapeKey *escaped)
{
        size_t before = c->in_len;
        bool moved = fill(c, CONSOLE_IN, c->in_buf, sizeof(c->in_buf), &c->in_len);

        if (c->restore && c->in_len > before)
                *escaped = escape_feed(&c->escape, c->in_buf + before, c->in_len - before, clock_monotonic());
        return drain(c, CONSOLE_MASTER, c->in_buf, &c->in_len) || moved;
}

EscapeKey console_event(Console *c, ConsoleEnd end, uint32_t events)
{
        EscapeKey escaped = ESCAPE_NONE;
        bool moved;

        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                c->readable[end] = true;
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
                c->writable[end] = true;
        do {
                moved = show(c);
                if (c->fds[CONSOLE_IN] >= 0)
                        moved = type(c, &escaped) || moved;
        } while (moved && !escaped);
        return escaped;
}

/* ---- the terminal's background ---- */

typedef struct Rgb {
        unsigned red, green, blue;
} Rgb;

/* The colours of xterm, which the others share. */
static Rgb rgb_of_index(unsigned i)
{
        static const Rgb basic[16] = {{0, 0, 0},     {205, 0, 0},     {0, 205, 0},     {205, 205, 0},  {0, 0, 238}, {205, 0, 205},
                                      {0, 205, 205}, {229, 229, 229}, {127, 127, 127}, {255, 0, 0},    {0, 255, 0}, {255, 255, 0},
                                      {92, 92, 255}, {255, 0, 255},   {0, 255, 255},   {255, 255, 255}};
        static const unsigned levels[6] = {0, 95, 135, 175, 215, 255};

        if (i < 16)
                return basic[i];
        if (i >= 232)
                return (Rgb){8 + 10 * (i - 232), 8 + 10 * (i - 232), 8 + 10 * (i - 232)};
        i -= 16;
        return (Rgb){levels[i / 36 % 6], levels[i / 6 % 6], levels[i % 6]};
}

static bool rgb_of_sgr(const char *sgr, Rgb *ret)
{
        unsigned v;

        if (sscanf(sgr, "48;2;%u;%u;%u", &ret->red, &ret->green, &ret->blue) == 3)
                return ret->red < 256 && ret->green < 256 && ret->blue < 256;
        if (sscanf(sgr, "48;5;%u", &v) == 1 && v < 256)
                *ret = rgb_of_index(v);
        else if (sscanf(sgr, "%u", &v) == 1 && v >= 40 && v <= 47)
                *ret = rgb_of_index(v - 40);
        else if (v >= 100 && v <= 107)
                *ret = rgb_of_index(v - 100 + 8);
        else
                return false;
        return true;
}

/* OSC 11 and 111 of xterm: unlike SGR they outlast what the payload does with its colours. */
void console_tint(Console *c, const char *sgr)
{
        char text[40];
        Rgb rgb;

        if (c->terminal < 0 || c->fds[CONSOLE_OUT] < 0 || !rgb_of_sgr(sgr, &rgb))
                return;
        int n = snprintf(text, sizeof(text), "\033]11;rgb:%02x/%02x/%02x\033\\", rgb.red, rgb.green, rgb.blue);
        c->tinted = write(c->fds[CONSOLE_OUT], text, (size_t)n) == n; /* a comfort */
}

static void tint_reset(Console *c)
{
        static const char text[] = "\033]111\033\\";

        if (c->tinted && c->fds[CONSOLE_OUT] >= 0)
                (void)!write(c->fds[CONSOLE_OUT], text, sizeof(text) - 1);
        c->tinted = false;
}

void console_close(Console *c)
{
        if (c->fds[CONSOLE_MASTER] >= 0)
                c->readable[CONSOLE_MASTER] = true;
        for (int tries = 0; tries < 10 && (c->readable[CONSOLE_MASTER] || c->out_len > 0); tries++) {
                while (show(c))
                        ;
                if (c->out_len > 0 && c->fds[CONSOLE_OUT] >= 0) {
                        struct pollfd p = {.fd = c->fds[CONSOLE_OUT], .events = POLLOUT};
                        c->writable[CONSOLE_OUT] = poll(&p, 1, 100) > 0;
                }
        }
        tint_reset(c);
        if (c->restore)
                (void)sys_terminal_restore(c->terminal, &c->saved);
        for (int i = 0; i < _CONSOLE_END_MAX; i++)
                c->fds[i] = fd_close(c->fds[i]);
        c->restore = false;
}
